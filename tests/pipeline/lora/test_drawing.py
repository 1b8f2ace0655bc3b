# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateImportUsage=false
# (the border to diffusers and torch, whose types are partly missing)
"""LoRAs that are chosen per picture draw what diffusers draws with the same files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from pipeline.card import Sampler
from pipeline.engine.own import OwnEngine
from pipeline.errors import InputError
from pipeline.lora.use import LoraUse
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.prepare.lora.lora import Lora as Merged
from pipeline.request import ResolvedRequest
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.openvino import computes_bf16, openvino_version
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.lora.adapters import Lora, convolutions, linear_layers, make_lora, write
from tests.pipeline.own_model import Quiet, latents_drawn, make_request, open_own
from tests.pipeline.preparing import Shared, make

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and peft warn of each other

Floats = npt.NDArray[np.float32]
TOLERANCE = 1e-4
"""Of latents, as between the engines without LoRAs (`tests/pipeline/engine/test_parity.py`)."""

needs_bf16 = pytest.mark.skipif(
    not (openvino_version() and computes_bf16(this_cpu())),
    reason="this processor has no bfloat16: none is drawn with it",
)

REQUEST = make_request(
    prompt="girl, sky, smile",
    negative_prompt="bad, text",
    sampler=Sampler.EULER,
    num_inference_steps=5,
)


@pytest.fixture(scope="module")
def loras(torch_path: Path) -> list[Lora]:
    """Three: all layers; a third of them with different ranks; one in half of the text encoders'
    and a few of the UNet's. The first two change convolutions as well."""
    from diffusers import StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(torch_path, local_files_only=True)
    layers = linear_layers(pipe)
    texts = {name: each for name, each in layers.items() if name.startswith("text_encoder")}
    few = dict(list(layers.items())[:9])
    every = layers | convolutions(pipe)
    return [
        make_lora("all", every, seed=1),
        make_lora("some", every, seed=2, ranks=(1, 3, 8), every=3, scale=0.3),
        make_lora("text", {**few, **dict(list(texts.items())[::2])}, seed=3, ranks=(2, 5)),
    ]


class Stage:
    """The tiny model in its variants, and a library of adapters."""

    def __init__(self, source: ModelFolder, shared: Shared, library: Path, loras: list[Lora]):
        self.source = source
        self.library = library
        self.loras = loras
        self._shared = shared
        self._open: dict[Variant, OwnEngine] = {}

    def engine(self, variant: Variant = "fp32") -> OwnEngine:
        if variant not in self._open:
            path = self._shared(self.source, variant).path
            self._open[variant] = open_own(path, loras=self.library)
        return self._open[variant]

    def use(self, index: int, strength: float = 1.0, *, half: bool = False) -> LoraUse:
        return self.loras[index].use(self.library, strength, half=half)

    def close(self) -> None:
        for engine in self._open.values():
            engine.close()


@pytest.fixture(scope="module")
def stage(
    tiny: ModelFolder,
    shared: Shared,
    loras: list[Lora],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    made = Stage(tiny, shared, tmp_path_factory.mktemp("loras"), loras)
    yield made
    made.close()


def in_diffusers(pipe: Any, request: ResolvedRequest, folder: ModelFolder) -> Floats:
    """What diffusers makes of it, its own text encoding included."""
    from pipeline.engine.stock import make_scheduler

    pipe.scheduler = make_scheduler(folder, request.sampler)
    return pipe(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seed),
        output_type="latent",
    ).images.numpy()


def with_uses(*uses: LoraUse, **changes: Any) -> ResolvedRequest:
    return replace(REQUEST, loras=uses, **changes)


def error(ours: Floats, theirs: Floats) -> float:
    return float(np.square(ours - theirs).mean())


def distance(ours: Floats, theirs: Floats) -> float:
    return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))


@pytest.mark.parametrize(
    "strengths",
    [{0: 1.0}, {0: -0.5}, {1: 0.8}, {2: 1.5}, {0: 0.7, 1: 1.0}, {0: 0.5, 1: -0.8, 2: 1.2}],
)
def test_one_two_or_three_at_any_strength_equal_diffusers(
    strengths: dict[int, float], pipe: Any, tmp_path: Path, stage: Stage
) -> None:
    without = in_diffusers(pipe, REQUEST, stage.source)
    for index in strengths:
        stage.loras[index].load(pipe, tmp_path)
    pipe.set_adapters([stage.loras[index].name for index in strengths], list(strengths.values()))
    wanted = in_diffusers(pipe, REQUEST, stage.source)
    assert distance(wanted, without) > 0.05, "the LoRA should be seen, or this shows nothing"
    uses = [stage.use(index, strength) for index, strength in strengths.items()]
    assert distance(latents_drawn(stage.engine("fp32"), with_uses(*uses)), wanted) < TOLERANCE


@pytest.mark.usefixtures("unchecked")
def test_without_a_lora_or_at_strength_0_the_latents_are_those_of_a_model_without_the_branch(
    mapped: SessionFactory, tmp_path: Path, stage: Stage
) -> None:
    plain = open_own(make(stage.source, tmp_path, "fp32", mapped, branch=False).path)
    wanted = latents_drawn(plain, REQUEST)
    assert distance(latents_drawn(stage.engine("fp32"), REQUEST), wanted) <= 1e-6
    none = with_uses(stage.use(0, 0.0))
    assert distance(latents_drawn(stage.engine("fp32"), none), wanted) <= 1e-6


@pytest.mark.usefixtures("unchecked")
def test_in_eight_bits_it_is_closer_than_merging_before_quantising(
    pipe: Any, tmp_path: Path, mapped: SessionFactory, stage: Stage
) -> None:
    """Compared with single precision and the same LoRA, over several first steps. A strong one:
    beside a weak one, the error of the other weights hides which way was taken."""
    lora = make_lora("strong", linear_layers(pipe), seed=1, scale=0.3)
    use = lora.use(stage.library)
    lora.load(pipe, tmp_path)  # also writes the file
    file = Merged(path=tmp_path / "strong.safetensors")
    merged = open_own(make(stage.source, tmp_path, "int8", mapped, loras=(file,)).path)
    ours: list[float] = []
    theirs: list[float] = []
    for seed in range(6):
        request = with_uses(use, num_inference_steps=1, seed=seed)
        wanted = latents_drawn(stage.engine("fp32"), request)
        ours.append(error(latents_drawn(stage.engine("int8"), request), wanted))
        theirs.append(error(latents_drawn(merged, replace(request, loras=())), wanted))
    assert sum(ours) < 0.8 * sum(theirs)


@pytest.mark.parametrize(
    ("variant", "bound"),
    [
        ("fp16", 0.01),
        pytest.param("bf16", 0.02, marks=needs_bf16),
        pytest.param("int8-bf16", 0.045, marks=needs_bf16),
        ("int8", 0.045),
    ],
)
def test_every_variant_draws_with_them(variant: Variant, bound: float, stage: Stage) -> None:
    """In turns with none: what a run was given does not stay."""
    request = with_uses(stage.use(0, 0.8), stage.use(1), num_inference_steps=1)
    plain = replace(request, loras=())
    engine = stage.engine(variant)
    first = latents_drawn(engine, plain)
    assert distance(latents_drawn(engine, request), latents_drawn(stage.engine(), request)) < bound
    assert distance(latents_drawn(engine, request), first) > 2 * bound
    np.testing.assert_array_equal(latents_drawn(engine, plain), first)


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_two_people_with_different_loras_get_what_each_gets_alone(
    variant: Variant, stage: Stage
) -> None:
    """Bit for bit, step by step in turns, and a third without one."""
    engine = stage.engine(variant)
    requests = [
        with_uses(stage.use(0, 0.8)),
        with_uses(stage.use(1, 1.0), stage.use(2, 0.5)),
        REQUEST,
    ]
    alone = [latents_drawn(engine, request) for request in requests]
    rows = [engine.begin(request, 0) for request in requests]
    while not rows[0].done:
        for row in rows:
            engine.step([row])
    for row, wanted in zip(rows, alone, strict=True):
        np.testing.assert_array_equal(row.latents, wanted)
    assert len({latent.tobytes() for latent in alone}) == 3


def test_rows_share_a_run_with_the_same_loras_only(stage: Stage) -> None:
    engine = stage.engine("fp32")
    one, other = stage.use(0, 0.8), stage.use(0, 0.9)
    rows = [engine.begin(with_uses(one, seed=seed), 0) for seed in (1, 2)]
    engine.step(rows)
    alone = engine.begin(with_uses(one, seed=2), 0)
    engine.step([alone])
    assert distance(rows[1].latents, alone.latents) < 1e-5
    with pytest.raises(ValueError, match="the same LoRAs"):
        engine.step([alone, engine.begin(with_uses(other), 0)])


def test_an_adapter_in_half_precision_is_read(stage: Stage) -> None:
    exact = latents_drawn(stage.engine("fp32"), with_uses(stage.use(0)))
    half = latents_drawn(stage.engine("fp32"), with_uses(stage.use(0, half=True)))
    assert 0 < distance(half, exact) < 0.01


def test_texts_encoded_with_one_lora_are_not_those_of_another(stage: Stage) -> None:
    """The cache of embeddings knows the LoRAs."""
    engine = stage.engine("fp32")

    def embeds(*uses: LoraUse) -> Floats:
        return engine.begin(with_uses(*uses), 0).conditioning.prompt_embeds

    plain = embeds()
    changed = embeds(stage.use(2))
    stronger = embeds(stage.use(2, 1.5))
    np.testing.assert_array_equal(embeds(), plain)
    np.testing.assert_array_equal(embeds(stage.use(2)), changed)
    assert len({each.tobytes() for each in (plain, changed, stronger)}) == 3


def test_a_lora_that_is_gone_or_damaged_is_said(stage: Stage) -> None:
    engine = stage.engine("fp32")
    cut = stage.use(1, half=True)
    path = stage.library / f"{cut.digest}.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    odd = write(stage.library, {"unet/x/A": torch.ones(4, 2)})
    uses = [
        LoraUse(name="a", strength=1.0, digest="0" * 64),
        LoraUse(name="a", strength=1.0),
        LoraUse(name="a", strength=1.0, digest="../../etc"),
        cut,
        LoraUse(name="a", strength=1.0, digest=odd),
    ]
    for use in uses:
        with pytest.raises(InputError) as caught:
            engine.draw(with_uses(use), 0, Quiet())
        assert (caught.value.key, caught.value.data["name"]) == ("lora_gone", use.name)
    engine.draw(with_uses(num_inference_steps=1), 0, Quiet())  # it still draws


@pytest.mark.parametrize("layer", ["unet/down_blocks.7.to_q", "unet/time_embedding.linear_1"])
def test_a_lora_for_another_model_is_refused(layer: str, stage: Stage) -> None:
    tensors = {f"{layer}/A": torch.ones(640, 2), f"{layer}/B": torch.ones(2, 640)}
    use = LoraUse(name="wide", strength=1.0, digest=write(stage.library, tensors))
    with pytest.raises(InputError) as caught:
        stage.engine("fp32").draw(with_uses(use), 0, Quiet())
    assert (caught.value.key, caught.value.data["name"]) == ("lora_other_model", "wide")


def test_a_model_without_the_branch_says_so(stage: Stage) -> None:
    engine = open_own(stage.source.path, loras=stage.library)
    with pytest.raises(InputError) as caught:
        engine.draw(with_uses(stage.use(0)), 0, Quiet())
    assert caught.value.key == "lora_no_branch"
