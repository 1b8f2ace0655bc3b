# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateImportUsage=false
# (the border to diffusers and torch, whose types are partly missing)
"""A file as programs write it, converted for the library, draws what diffusers draws with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.own import OwnEngine
from pipeline.lora.use import LoraUse
from pipeline.model.folder import ModelFolder
from pipeline.prepare.lora.adapter import convert
from pipeline.prepare.lora.file import LoraFile
from pipeline.prepare.lora.linear_layers import LinearLayers
from tests.pipeline.lora.adapters import convolutions, linear_layers, make_lora
from tests.pipeline.lora.test_drawing import (
    REQUEST,
    TOLERANCE,
    Floats,
    distance,
    in_diffusers,
    with_uses,
)
from tests.pipeline.own_model import latents_drawn, open_own
from tests.pipeline.prepare.lora.loras import Tensors, modern_kohya, old_kohya, plain_diffusers
from tests.pipeline.prepare.lora.loras import write as write_file
from tests.pipeline.preparing import Shared

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and peft warn of each other


class Stage:
    """An engine with the tiny model, and a library of converted files."""

    def __init__(self, model: ModelFolder, engine: OwnEngine, library: Path) -> None:
        self.model = model
        self.engine = engine
        self.library = library

    def draw(self, path: Path, strength: float) -> Floats:
        """The latents with the LoRA in `path`."""
        draft = self.library / "draft"
        layers = LinearLayers.of(self.model.path)
        made = convert(LoraFile(path, products=True), layers, draft)
        draft.rename(self.library / f"{made.sha256}.safetensors")
        use = LoraUse(name=path.stem, strength=strength, digest=made.sha256)
        return latents_drawn(self.engine, with_uses(use))


@pytest.fixture(scope="module")
def stage(
    tiny: ModelFolder, shared: Shared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    library = tmp_path_factory.mktemp("loras")
    engine = open_own(shared(tiny, "fp32").path, loras=library)
    yield Stage(tiny, engine, library)
    engine.close()


@pytest.mark.parametrize(
    ("tensors", "strength"),
    [
        (modern_kohya(), 0.7),
        (old_kohya(), -0.6),
        (plain_diffusers(), 1.0),
        ({key: each.half() for key, each in modern_kohya().items()}, 1.0),
    ],
    ids=["kohya", "kohya, older names", "diffusers", "half"],
)
def test_formats(
    tensors: Tensors, strength: float, pipe: Any, stage: Stage, tmp_path: Path
) -> None:
    path = write_file(tmp_path / "style.safetensors", tensors)
    without = in_diffusers(pipe, REQUEST, stage.model)
    pipe.load_lora_weights(tmp_path, weight_name=path.name, adapter_name="style")
    pipe.set_adapters(["style"], [strength])
    wanted = in_diffusers(pipe, REQUEST, stage.model)
    assert distance(wanted, without) > 0.01, "the LoRA should be seen, or this shows nothing"
    assert distance(stage.draw(path, strength), wanted) < TOLERANCE


def test_every_layer_and_convolution(pipe: Any, stage: Stage, tmp_path: Path) -> None:
    """As step-distilled LoRAs change them: resnets, samplers, shortcuts, embeddings of the time."""
    linear_alone = linear_layers(pipe)
    every = linear_alone | convolutions(pipe)
    lora = make_lora("whole", every, seed=4, ranks=(4, 2), scale=0.1)
    linear = make_lora("linear", linear_alone, seed=4, ranks=(4, 2), scale=0.1)
    lora.load(pipe, tmp_path)
    pipe.set_adapters(["whole"], [0.9])
    wanted = in_diffusers(pipe, REQUEST, stage.model)
    path = tmp_path / "whole.safetensors"
    assert distance(stage.draw(path, 0.9), wanted) < TOLERANCE
    use = linear.use(stage.library, 0.9)
    assert distance(latents_drawn(stage.engine, with_uses(use)), wanted) > 0.01


def test_ranks_that_differ_by_layer(pipe: Any, stage: Stage, tmp_path: Path) -> None:
    lora = make_lora("mixed", linear_layers(pipe), seed=3, ranks=(1, 3, 8), every=2, scale=0.2)
    lora.load(pipe, tmp_path)
    pipe.set_adapters(["mixed"], [0.8])
    wanted = in_diffusers(pipe, REQUEST, stage.model)
    found = stage.draw(tmp_path / "mixed.safetensors", 0.8)
    assert distance(found, wanted) < TOLERANCE
