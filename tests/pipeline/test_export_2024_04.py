# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to onnx and the stock pipeline, whose types are partly missing)
"""A model that was really exported in April 2024, as the default one was, draws what the libraries
of that month drew from it. See `export_2024_04/README.md`.

Tolerances are wide for processors: guidance multiplies last bits by seven in each of 28 steps, and
kernels differ from AVX2 to AVX512. A wrong conversion is off by half and more.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from pipeline.card import Sampler
from pipeline.engine.own import OwnEngine
from pipeline.engine.rows import Conditioning, Row
from pipeline.engine.samplers.make import make_sampler
from pipeline.engine.unet import open_unet
from pipeline.engine.vae.decoder import VaeDecoder
from pipeline.model.folder import COMPONENTS, ModelFolder
from pipeline.model.options import Variant
from pipeline.prepare.options import PrepareOptions, Reporter
from pipeline.prepare.prepare import prepare_model
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.embeds import PromptEmbeds
from pipeline.text.text_encoder import PromptEncoder
from tests.pipeline.own_model import describe
from training.layout_2024 import OPSET

Floats = npt.NDArray[np.float32]

FOLDER = Path(__file__).parent / "export_2024_04"
WIDTH, HEIGHT, STEPS, GUIDANCE = 128, 192, 28, 7.0
PROMPT = (
    "1girl, souryuu asuka langley, neon genesis evangelion, solo, upper body, v, smile, looking at "
    "viewer, outdoors, night"
)
NEGATIVE = (
    "nsfw, lowres, (bad), text, error, fewer, extra, missing, worst quality, jpeg artifacts, low "
    "quality, watermark, unfinished, displeasing, oldest, early, chromatic aberration, signature, "
    "extra digits, artistic error, username, scan, [abstract]"
)
EXACT = 2e-3
"""Of the latents' size. Measured: 2e-6."""


@pytest.fixture(scope="module")
def reference() -> dict[str, Floats]:
    with np.load(FOLDER / "reference.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def source() -> ModelFolder:
    return ModelFolder.open(FOLDER)


def prepared(source: ModelFolder, models: Path, variant: Variant) -> ModelFolder:
    factory = SessionFactory(provider="cpu", threads=1, mapped=True)
    made = prepare_model(
        source, models, PrepareOptions(variant=variant), factory=factory, report=Reporter()
    )
    return ModelFolder.open(made.path)


def embeds_of(reference: dict[str, Floats]) -> PromptEmbeds:
    return PromptEmbeds(
        prompt_embeds=reference["pe"],
        negative_prompt_embeds=reference["ne"],
        pooled_prompt_embeds=reference["pp"],
        negative_pooled_prompt_embeds=reference["np_"],
    )


def drawn(
    folder: ModelFolder, reference: dict[str, Floats], sampler: Sampler, factory: SessionFactory
) -> Floats:
    """The last latents from the first noise of the reference, step noise replayed."""
    row = Row.begin(
        sampler=make_sampler(sampler, folder.scheduler, STEPS),
        seed=0,
        guidance_scale=GUIDANCE,
        conditioning=[
            Conditioning.of(embeds_of(reference), width=WIDTH, height=HEIGHT, guided=True)
        ],
        latent_channels=4,
        latent_height=HEIGHT // 8,
        latent_width=WIDTH // 8,
    )
    row.latents = reference["init"] * row.sampler.init_noise_sigma
    row.generator = _Replayed(reference["noise"])  # pyright: ignore[reportAttributeAccessIssue]
    engine = OwnEngine(
        folder, factory, prompts=PromptEncoder(folder, factory), description=describe(folder)
    )
    while not row.done:
        engine.step([row])
    engine.close()
    return row.latents


class _Replayed:
    """A generator that draws what another one drew."""

    def __init__(self, noise: Floats) -> None:
        self._noise = iter(noise)

    def randn(self, *_shape: int) -> Floats:
        return next(self._noise)


def error(got: Floats, wanted: Floats) -> float:
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


def _ports(graph: Any) -> dict[str, tuple[int, list[bool]]]:
    """The element type of each input and output, and which of its axes are free."""
    return {
        port.name: (
            port.type.tensor_type.elem_type,
            [bool(axis.dim_param) for axis in port.type.tensor_type.shape.dim],
        )
        for port in (*graph.input, *graph.output)
    }


def test_it_is_what_the_layout_of_2024_imitates(
    source: ModelFolder, tiny_2024: ModelFolder
) -> None:
    for component in COMPONENTS:
        graphs = [
            onnx.load(folder.onnx_file(component), load_external_data=False)
            for folder in (source, tiny_2024)
        ]
        theirs, ours = (_ports(graph.graph) for graph in graphs)
        assert ours == theirs, component
        assert [graph.opset_import[0].version for graph in graphs] == [OPSET, OPSET]
        kinds = [{node.op_type for node in graph.graph.node} for graph in graphs]
        assert kinds[1] <= kinds[0] | {"Split"}, component


def test_embeddings_are_those_of_its_own_libraries(
    source: ModelFolder, reference: dict[str, Floats], cpu: SessionFactory
) -> None:
    """Their tokenisation reads no weights, so it is compared through chunks without any."""
    prompts = PromptEncoder(source, cpu)
    plain = NEGATIVE.replace("(", r"\(").replace(")", r"\)")
    plain = plain.replace("[", r"\[").replace("]", r"\]")
    found = prompts.encode(PROMPT, plain)
    wanted = embeds_of(reference)
    for name in ("prompt_embeds", "pooled_prompt_embeds"):
        assert error(getattr(found, name), getattr(wanted, name)) < 1e-4, name
    assert error(found.negative_prompt_embeds, wanted.negative_prompt_embeds) < 1e-4


@pytest.mark.parametrize(
    ("sampler", "name"), [(Sampler.EULER, "euler"), (Sampler.EULER_A, "eulera")]
)
def test_latents_and_picture_are_those_of_its_own_libraries(
    sampler: Sampler,
    name: str,
    source: ModelFolder,
    reference: dict[str, Floats],
    cpu: SessionFactory,
) -> None:
    latents = drawn(source, reference, sampler, cpu)
    assert error(latents, reference[f"lat_{name}"]) < EXACT
    pixels = VaeDecoder(source, cpu.open(source, "vae_decoder")).decode(latents)
    picture = np.clip(pixels[0].transpose(1, 2, 0) / 2 + 0.5, 0, 1)
    assert np.abs(picture - reference[f"im_{name}"]).max() < 0.02


def test_the_stock_engine_draws_the_same(
    source: ModelFolder, reference: dict[str, Floats], cpu: SessionFactory
) -> None:
    with warnings.catch_warnings():  # torch, diffusers and optimum deprecate each other
        warnings.simplefilter("ignore")
        import torch

        from pipeline.engine.stock import StockEngine, make_scheduler

        engine = StockEngine(
            source, cpu, prompts=PromptEncoder(source, cpu), description=describe(source)
        )
        pipe: Any = engine._pipe
        pipe.scheduler = make_scheduler(source, Sampler.EULER)
        latents = pipe(
            prompt_embeds=torch.from_numpy(reference["pe"]),
            negative_prompt_embeds=torch.from_numpy(reference["ne"]),
            pooled_prompt_embeds=torch.from_numpy(reference["pp"]),
            negative_pooled_prompt_embeds=torch.from_numpy(reference["np_"]),
            latents=torch.from_numpy(reference["init"]),
            width=WIDTH,
            height=HEIGHT,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            output_type="latent",
        ).images
    assert error(latents.numpy(), reference["lat_euler"]) < EXACT


def test_prepared_in_single_precision_it_draws_the_same(
    source: ModelFolder, reference: dict[str, Floats], cpu: SessionFactory, tmp_path: Path
) -> None:
    made = prepared(source, tmp_path, "fp32")
    assert error(drawn(made, reference, Sampler.EULER, cpu), reference["lat_euler"]) < EXACT
    kinds = {
        node.op_type
        for node in onnx.load(made.onnx_file("unet"), load_external_data=False).graph.node
    }
    assert "MultiHeadAttention" in kinds


def test_prepared_in_eight_bits_the_unet_is_near(
    source: ModelFolder, reference: dict[str, Floats], cpu: SessionFactory, tmp_path: Path
) -> None:
    """Random weights under guidance drift apart in 28 steps, so a single run is compared."""
    made = prepared(source, tmp_path, "int8")
    runs = [
        open_unet(cpu, folder).predict(
            sample=reference["init"],
            timesteps=np.array([801], np.float32),
            prompt_embeds=reference["pe"],
            pooled=reference["pp"],
            time_ids=np.array([[HEIGHT, WIDTH, 0, 0, HEIGHT, WIDTH]], np.float32),
        )
        for folder in (source, made)
    ]
    difference = np.sqrt(np.square(runs[1] - runs[0]).mean() / np.square(runs[0]).mean())
    assert 0 < difference < 0.12
