# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false
# (the border to the stock pipelines, whose types are partly missing)
"""Redrawing a part gives the latents of diffusers' inpainting of a plain SDXL.

Recipe of the reference: `ORTStableDiffusionXLInpaintPipeline` (diffusers'
`StableDiffusionXLInpaintPipeline` over ONNX sessions) over the same folder, our prompt embeddings,
a torch CPU generator. It is given the picture's latents as `image`, for by itself it samples the
encoder's output, and the mask as a picture.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.canvas import Extend
from pipeline.card import Sampler
from pipeline.errors import EngineError
from pipeline.request import ResolvedRequest
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.engine.reference import assert_equal_steps
from tests.pipeline.engine.test_img2img_parity import (
    Latents,
    Pair,
    PairOf,
    Quiet,
    picture,
)
from tests.pipeline.own_model import make_request

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def mask(shape: str = "ellipse", width: int = 64, height: int = 96) -> Image.Image:
    """Shapes with edges inside of latent pixels, and levels around one half."""
    made = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(made)
    if shape == "ellipse":
        draw.ellipse((13, 21, 50, 77), fill=255)
    elif shape == "half":
        draw.rectangle((0, 0, width, height // 2 + 3), fill=255)
    elif shape == "grey":
        levels = np.linspace(0, 255, width)[np.newaxis, :].repeat(height, axis=0)
        made = Image.fromarray(levels.astype(np.uint8))
    elif shape == "strokes":
        draw.line((0, 0, width, height), fill=255, width=11)
        draw.line((0, height, width, 0), fill=128, width=9)
    elif shape == "everything":
        made = Image.new("L", (width, height), 255)
    return made


@pytest.fixture(scope="module")
def pair_of(cpu: SessionFactory) -> PairOf:
    made: dict[Path, Pair] = {}

    def pair(path: Path) -> Pair:
        return made.setdefault(path, made.get(path) or Pair(path, cpu))

    return pair


SHAPES = ("ellipse", "half", "grey", "strokes", "everything")


def own_latents(
    pair: Pair, request: ResolvedRequest, image: Image.Image, mask_image: Image.Image
) -> Latents:
    row = pair.own.begin(request, 0, init_image=image, mask_image=mask_image)
    found: Latents = []
    while not row.done:
        pair.own.step([row])
        found.append(row.latents)
    return found


def diffusers_latents(
    pair: Pair, request: ResolvedRequest, image: Image.Image, mask_image: Image.Image
) -> Latents:
    found: Latents = []

    def keep(_pipe: Any, _index: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        # the pipeline blends after each step and before it calls back
        found.append(tensors["latents"].numpy().copy())
        return {}

    import torch
    from optimum.onnxruntime import ORTStableDiffusionXLInpaintPipeline

    from pipeline.engine.stock import eta_of, make_scheduler
    from pipeline.engine.stock_pipelines import pipeline_over

    embeds = pair.prompts.encode_request(request)
    init = pair.own._init_pictures.latents(request, image, mask_image)
    assert init is not None
    pipe = pipeline_over(pair.stock._sessions, pair.folder, ORTStableDiffusionXLInpaintPipeline)
    pipe.scheduler = make_scheduler(pair.folder, request.sampler)
    pipe(
        image=torch.from_numpy(init.latents),
        mask_image=mask_image,
        width=request.width,
        height=request.height,
        strength=request.strength,
        prompt_embeds=torch.from_numpy(embeds.prompt_embeds),
        negative_prompt_embeds=torch.from_numpy(embeds.negative_prompt_embeds),
        pooled_prompt_embeds=torch.from_numpy(embeds.pooled_prompt_embeds),
        negative_pooled_prompt_embeds=torch.from_numpy(embeds.negative_pooled_prompt_embeds),
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seed),
        eta=eta_of(request.sampler),
        callback_on_step_end=keep,
        output_type="latent",
    )
    return found


def assert_equal_latents(
    pair: Pair, request: ResolvedRequest, mask_image: Image.Image, *, steps: int
) -> None:
    theirs = diffusers_latents(pair, request, picture(), mask_image)
    ours = own_latents(pair, request, picture(), mask_image)
    assert_equal_steps(ours, theirs, steps=steps)


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("sampler", list(Sampler))
def test_every_sampler_keeps_what_diffusers_keeps(
    pair_of: PairOf, tiny_path: Path, sampler: Sampler, strength: float
) -> None:
    request = make_request(
        sampler=sampler, num_inference_steps=12, init_picture="x", mask="y", strength=strength
    )
    assert_equal_latents(pair_of(tiny_path), request, mask(), steps=int(12 * strength))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("guidance_scale", [1.0, 7.0])
def test_every_shape_is_resized_as_diffusers_does(
    pair_of: PairOf, tiny_2024_path: Path, shape: str, guidance_scale: float
) -> None:
    for sampler in (Sampler.EULER_A, Sampler.DPM_2M_KARRAS):
        request = make_request(
            sampler=sampler,
            num_inference_steps=8,
            init_picture="x",
            mask="y",
            strength=0.6,
            guidance_scale=guidance_scale,
        )
        assert_equal_latents(pair_of(tiny_2024_path), request, mask(shape), steps=4)


@pytest.mark.parametrize("model", ["tiny_path", "tiny_v_path", "tiny_2024_path"])
@pytest.mark.parametrize(
    "changes",
    [
        {"mask": "y", "strength": 0.5},
        {"mask": "y", "strength": 1.0, "sampler": Sampler.DPM_SDE_KARRAS},
        {"mask": "y", "strength": 0.7, "variation_seed": 9, "variation_strength": 0.3},
        {"extend": Extend.LEFT, "strength": 0.95},
        {"extend": Extend.ZOOM_2, "strength": 1.0, "sampler": Sampler.DDIM},
    ],
)
def test_both_engines_redraw_the_same_picture(
    pair_of: PairOf, request: pytest.FixtureRequest, model: str, changes: dict[str, Any]
) -> None:
    """Through both engines whole, with the encoder: at most one level of 255 apart."""
    pair = pair_of(request.getfixturevalue(model))
    wanted = make_request(num_inference_steps=8, width=64, height=128, init_picture="x", **changes)
    quiet = Quiet(), Quiet()
    images: dict[str, Any] = {"init_image": picture(64, 128), "mask_image": mask("half", 64, 128)}
    ours = np.asarray(pair.own.draw(wanted, 0, quiet[0], **images).image, np.int16)
    theirs = np.asarray(pair.stock.draw(wanted, 0, quiet[1], **images).image, np.int16)
    assert ours.shape == (128, 64, 3)
    assert np.abs(ours - theirs).max() <= 1
    assert quiet[0].steps == quiet[1].steps


def test_both_engines_refuse_without_a_mask(pair_of: PairOf, tiny_path: Path) -> None:
    pair = pair_of(tiny_path)
    wanted = make_request(init_picture="x", mask="y")
    for engine in (pair.own, pair.stock):
        with pytest.raises(EngineError, match="mask_missing"):
            engine.draw(wanted, 0, Quiet(), init_image=picture())


def test_a_mask_does_not_change_what_comes_after(pair_of: PairOf, tiny_path: Path) -> None:
    pair = pair_of(tiny_path)
    plain = make_request(init_picture="x", strength=0.5)
    before = pair.own.draw(plain, 0, Quiet(), init_image=picture()).image
    pair.own.draw(make_request(init_picture="x", mask="y", strength=0.5), 0, Quiet(),
                  init_image=picture(), mask_image=mask())  # fmt: skip
    after = pair.own.draw(plain, 0, Quiet(), init_image=picture()).image
    assert before.tobytes() == after.tobytes()
