# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false
# (the border to the stock pipelines, whose types are partly missing)
"""img2img, upscaling and variations give the latents of optimum's img2img pipeline.

Recipe of the reference: `ORTStableDiffusionXLImg2ImgPipeline` over the same folder, our prompt
embeddings, diffusers' scheduler, a torch CPU generator. It is given the picture's latents, for by
itself it samples the encoder's output: as `image` where it knows latents by their four channels
(then it lays the noise over them itself), else with diffusers' `add_noise` of its own scheduler.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.card import Sampler
from pipeline.engine.own import OwnEngine
from pipeline.model.folder import ModelFolder
from pipeline.request import ResolvedRequest
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.text_encoder import PromptEncoder
from tests.pipeline.engine.reference import assert_equal_steps
from tests.pipeline.own_model import describe, make_request, open_folder

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

Latents = list[npt.NDArray[np.float32]]


def picture(width: int = 64, height: int = 96) -> Image.Image:
    across = np.linspace(0, 255, width)[np.newaxis, :, np.newaxis]
    down = np.linspace(255, 0, height)[:, np.newaxis, np.newaxis]
    waves = 127 + 127 * np.sin(across / 9 + down / 17)
    levels = np.concatenate([across + 0 * down, down + 0 * across, waves], axis=2)
    return Image.fromarray(levels.astype(np.uint8))


class Quiet:
    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: object) -> None:
        self.steps.append((step, steps))


class Pair:
    def __init__(self, path: Path, cpu: SessionFactory) -> None:
        with warnings.catch_warnings():  # torch and diffusers deprecate each other
            warnings.simplefilter("ignore")
            from pipeline.engine.stock import StockEngine
        self.folder: ModelFolder = open_folder(path, clip_sample=False)
        self.prompts = PromptEncoder(self.folder, cpu)
        description = describe(self.folder)
        made: dict[str, Any] = {"prompts": self.prompts, "description": description}
        self.own = OwnEngine(self.folder, cpu, **made)
        self.stock = StockEngine(self.folder, cpu, **made)

    def own_latents(self, request: ResolvedRequest, image: Image.Image) -> Latents:
        row = self.own.begin(request, 0, init_image=image)
        found: Latents = []
        while not row.done:
            self.own.step([row])
            found.append(row.latents)
        return found

    def stock_latents(self, request: ResolvedRequest, image: Image.Image) -> Latents:
        """The pipeline is called here and not by `StockEngine`, so that it does all by itself."""
        found: Latents = []

        def keep(_pipe: Any, _index: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            found.append(tensors["latents"].numpy().copy())
            return {}

        import torch
        from optimum.onnxruntime import ORTStableDiffusionXLImg2ImgPipeline

        from pipeline.engine.stock import eta_of, make_scheduler
        from pipeline.engine.stock_pipelines import pipeline_over

        embeds = self.prompts.encode_request(request)
        init = self.own._init_pictures.latents(request, image)
        assert init is not None
        pipe = pipeline_over(self.stock._sessions, self.folder, ORTStableDiffusionXLImg2ImgPipeline)
        pipe.scheduler = make_scheduler(self.folder, request.sampler)
        generator = torch.Generator().manual_seed(request.seed)
        given: dict[str, Any] = {"image": torch.from_numpy(init.latents)}
        if init.latents.shape[1] != 4:
            steps = request.num_inference_steps
            pipe.scheduler.set_timesteps(steps)
            timesteps, _ = pipe.get_timesteps(steps, request.strength, "cpu")
            noise = torch.randn(init.latents.shape, generator=generator)
            latents = pipe.scheduler.add_noise(given["image"], noise, timesteps[:1])
            given = {"image": picture(), "latents": latents}
        pipe(
            **given,
            strength=request.strength,
            prompt_embeds=torch.from_numpy(embeds.prompt_embeds),
            negative_prompt_embeds=torch.from_numpy(embeds.negative_prompt_embeds),
            pooled_prompt_embeds=torch.from_numpy(embeds.pooled_prompt_embeds),
            negative_pooled_prompt_embeds=torch.from_numpy(embeds.negative_pooled_prompt_embeds),
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            generator=generator,
            eta=eta_of(request.sampler),
            callback_on_step_end=keep,
            output_type="latent",
        )
        return found


PairOf = Callable[[Path], Pair]


@pytest.fixture(scope="module")
def pair_of(cpu: SessionFactory) -> PairOf:
    made: dict[Path, Pair] = {}

    def pair(path: Path) -> Pair:
        return made.setdefault(path, made.get(path) or Pair(path, cpu))

    return pair


def assert_equal_latents(
    pair: Pair, request: ResolvedRequest, image: Image.Image, *, steps: int
) -> None:
    theirs, ours = pair.stock_latents(request, image), pair.own_latents(request, image)
    assert_equal_steps(ours, theirs, steps=steps)


@pytest.mark.parametrize("strength", [0.3, 0.55, 1.0])
@pytest.mark.parametrize("sampler", list(Sampler))
def test_every_sampler_begins_where_diffusers_begins(
    pair_of: PairOf, tiny_path: Path, sampler: Sampler, strength: float
) -> None:
    request = make_request(
        sampler=sampler, num_inference_steps=20, init_picture="x", strength=strength
    )
    steps = int(20 * strength)
    assert_equal_latents(pair_of(tiny_path), request, picture(), steps=steps)


@pytest.mark.parametrize("num_inference_steps", [7, 28, 49])
def test_odd_numbers_of_steps_without_guidance(
    pair_of: PairOf, tiny_path: Path, num_inference_steps: int
) -> None:
    """The singlestep solver goes in pairs: it may begin in the middle of one."""
    for sampler in (Sampler.DPM_SDE_KARRAS, Sampler.DPM_2M_SDE_KARRAS):
        request = make_request(
            sampler=sampler,
            num_inference_steps=num_inference_steps,
            init_picture="x",
            strength=0.55,
            guidance_scale=1.0,
        )
        steps = int(num_inference_steps * 0.55)
        assert_equal_latents(pair_of(tiny_path), request, picture(), steps=steps)


@pytest.mark.parametrize("sampler", list(Sampler))
def test_v_prediction_and_eight_channels(
    pair_of: PairOf, tiny_v_path: Path, sampler: Sampler
) -> None:
    request = make_request(
        sampler=sampler,
        num_inference_steps=10,
        init_picture="x",
        strength=0.6,
        width=128,
        height=64,
    )
    assert_equal_latents(pair_of(tiny_v_path), request, picture(300, 200), steps=6)


def test_an_upscale_is_the_official_demos(pair_of: PairOf, tiny_path: Path) -> None:
    """Latents of the small picture, torch's nearest-exact, img2img at 0.55 of the same steps."""
    import torch

    pair = pair_of(tiny_path)
    request = make_request(
        num_inference_steps=20,
        init_picture="x",
        strength=0.55,
        upscale_factor=1.5,
        width=96,
        height=192,
    )
    small = pair.own._init_pictures.latents(
        make_request(init_picture="x", width=64, height=128), picture(64, 128)
    )
    large = pair.own._init_pictures.latents(request, picture(64, 128))
    assert small is not None
    assert large is not None
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(small.latents), size=(24, 12), mode="nearest-exact"
    )
    np.testing.assert_array_equal(large.latents, theirs.numpy())
    assert_equal_latents(pair, request, picture(64, 128), steps=11)


@pytest.mark.parametrize("model", ["tiny_path", "tiny_v_path", "tiny_2024_path"])
@pytest.mark.parametrize(
    "changes",
    [
        {"init_picture": "x", "strength": 0.5},
        {"init_picture": "x", "strength": 0.01},
        {"variation_seed": 9, "variation_strength": 0.3},
        {"init_picture": "x", "strength": 0.7, "variation_seed": 9, "variation_strength": 0.3},
    ],
)
def test_both_engines_draw_the_same_picture(
    pair_of: PairOf, request: pytest.FixtureRequest, model: str, changes: dict[str, Any]
) -> None:
    """Through both engines whole, the encoder included: at most one level of 255 apart."""
    pair = pair_of(request.getfixturevalue(model))
    wanted = make_request(num_inference_steps=8, width=64, height=128, **changes)
    quiet = Quiet(), Quiet()
    ours = pair.own.draw(wanted, 0, quiet[0], init_image=picture()).image
    theirs = pair.stock.draw(wanted, 0, quiet[1], init_image=picture()).image
    difference = np.asarray(ours, np.int16) - np.asarray(theirs, np.int16)
    assert difference.shape == (128, 64, 3)
    assert np.abs(difference).max() <= 1
    assert quiet[0].steps == quiet[1].steps
    plain = pair.own.draw(make_request(num_inference_steps=8, width=64, height=128), 0, Quiet())
    assert plain.image.tobytes() != ours.tobytes()
