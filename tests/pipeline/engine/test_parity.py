# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false
# (the border to the stock pipeline, whose types are partly missing)
"""The same weights, request and seed give the stock pipeline's latents and picture.

Recipe of the reference: optimum's pipeline over the same folder, our prompt embeddings, diffusers'
scheduler made from the folder's config, a torch CPU generator; latents caught after each step.
`clip_sample` is off, as in SDXL's own config and as `ModelFolder` reads a file that leaves it out:
latents are not pixels.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

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

"""Of latents of size 1 to 20: an untrained UNet under guidance multiplies last bits as a real one
does not."""

Latents = list[npt.NDArray[np.float32]]


class Quiet:
    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: object) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    folder: ModelFolder
    own: OwnEngine
    stock: Any
    prompts: PromptEncoder

    def own_latents(self, request: ResolvedRequest) -> Latents:
        row = self.own.begin(request, 0)
        found: Latents = []
        while not row.done:
            self.own.step([row])
            found.append(row.latents)
        return found

    def stock_latents(self, request: ResolvedRequest) -> Latents:
        found: Latents = []

        def keep(
            _pipe: Any, _index: int, _timestep: Any, tensors: dict[str, Any]
        ) -> dict[str, Any]:
            found.append(tensors["latents"].numpy().copy())
            return {}

        import torch

        from pipeline.engine.stock import eta_of, make_scheduler

        embeds = self.prompts.encode_request(request)
        pipe = self.stock._pipe
        pipe.scheduler = make_scheduler(self.folder, request.sampler)
        pipe(
            prompt_embeds=torch.from_numpy(embeds.prompt_embeds),
            negative_prompt_embeds=torch.from_numpy(embeds.negative_prompt_embeds),
            pooled_prompt_embeds=torch.from_numpy(embeds.pooled_prompt_embeds),
            negative_pooled_prompt_embeds=torch.from_numpy(embeds.negative_pooled_prompt_embeds),
            width=request.width,
            height=request.height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            generator=torch.Generator().manual_seed(request.seed),
            eta=eta_of(request.sampler),
            callback_on_step_end=keep,
            output_type="latent",
        )
        return found


PairOf = Callable[[Path], Pair]


@pytest.fixture(scope="module")
def pair_of(cpu: SessionFactory) -> Callable[[Path], Pair]:
    made: dict[Path, Pair] = {}

    def pair(path: Path) -> Pair:
        if path not in made:
            with warnings.catch_warnings():  # torch and diffusers deprecate each other
                warnings.simplefilter("ignore")
                from pipeline.engine.stock import StockEngine
            folder = open_folder(path)
            prompts = PromptEncoder(folder, cpu)
            description = describe(folder)
            made[path] = Pair(
                folder=folder,
                own=OwnEngine(folder, cpu, prompts=prompts, description=description),
                stock=StockEngine(folder, cpu, prompts=prompts, description=description),
                prompts=prompts,
            )
        return made[path]

    return pair


def assert_equal_latents(pair: Pair, request: ResolvedRequest) -> None:
    theirs, ours = pair.stock_latents(request), pair.own_latents(request)
    assert_equal_steps(ours, theirs, steps=request.num_inference_steps)


@pytest.mark.parametrize("guidance_scale", [7.0, 1.0])
@pytest.mark.parametrize("sampler", list(Sampler))
def test_28_steps_of_every_sampler(
    pair_of: PairOf, tiny_path: Path, sampler: Sampler, guidance_scale: float
) -> None:
    """Not square; guidance on and off."""
    request = make_request(
        sampler=sampler, guidance_scale=guidance_scale, num_inference_steps=28, width=96, height=64
    )
    assert_equal_latents(pair_of(tiny_path), request)


@pytest.mark.parametrize("sampler", list(Sampler))
def test_v_prediction_trailing_and_another_vae(
    pair_of: PairOf, tiny_v_path: Path, sampler: Sampler
) -> None:
    """8 latent channels at a factor of 16."""
    pair = pair_of(tiny_v_path)
    assert (pair.folder.latent_channels, pair.folder.vae_scale_factor) == (8, 16)
    steps = 28 if sampler is Sampler.EULER_A else 10
    request = make_request(sampler=sampler, num_inference_steps=steps, width=128, height=192)
    assert_equal_latents(pair, request)


@pytest.mark.parametrize("sampler", [Sampler.EULER_A, Sampler.DPM_2M_KARRAS])
def test_the_layout_of_2024(pair_of: PairOf, tiny_2024_path: Path, sampler: Sampler) -> None:
    request = make_request(sampler=sampler, num_inference_steps=28)
    assert_equal_latents(pair_of(tiny_2024_path), request)


@pytest.mark.parametrize("model", ["tiny_path", "tiny_v_path"])
def test_the_picture_is_the_stock_picture(
    pair_of: PairOf, request: pytest.FixtureRequest, model: str
) -> None:
    """After the decoder, rounding included: at most one level of 255 apart."""
    pair = pair_of(request.getfixturevalue(model))
    wanted = make_request(num_inference_steps=8, width=64, height=128)
    ours = np.asarray(pair.own.draw(wanted, 0, Quiet()).image).astype(int)
    theirs = np.asarray(pair.stock.draw(wanted, 0, Quiet()).image).astype(int)
    assert ours.shape == theirs.shape == (128, 64, 3)
    assert np.abs(ours - theirs).max() <= 1


def test_long_prompts_of_several_chunks(pair_of: PairOf, tiny_path: Path) -> None:
    request = make_request(prompt="best quality girl, sky, " * 30, num_inference_steps=4)
    assert_equal_latents(pair_of(tiny_path), request)


def test_trained_weights_of_factor_64(pair_of: PairOf, demo_path: Path) -> None:
    request = make_request(num_inference_steps=28, width=832, height=1216, prompt="1girl, smile")
    assert_equal_latents(pair_of(demo_path), request)
