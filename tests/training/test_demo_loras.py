"""The demo's LoRAs: what the files say, and that they fit the demo model."""

import json
from pathlib import Path

import pytest

from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.prepare.lora.adapter import convert
from pipeline.prepare.lora.file import LoraFile
from pipeline.prepare.lora.linear_layers import LinearLayers

NAMES = ("ink", "pastel")
TRIGGERS = {"ink": "spot color", "pastel": "pastel colors"}
LAYERS = 4 * 12 + 8  # twelve in each transformer, one in each ResNet block


def test_every_style_has_a_file() -> None:
    assert sorted(file.stem for file in DEMO_LORAS.glob("*.safetensors")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_small_and_says_what_it_is(name: str) -> None:
    path = DEMO_LORAS / f"{name}.safetensors"
    assert path.stat().st_size < 2**20
    file = LoraFile(path)
    assert len(file.entries) == LAYERS
    ranks = {file.shape(entry.keys["down"])[0] for entry in file.entries.values()}
    assert ranks == {int(file.metadata["ss_network_dim"])}
    assert max(ranks) <= 8
    assert file.metadata["ss_base_model_version"].startswith("sdxl")
    assert file.metadata["ss_output_name"] == name
    (tags,) = json.loads(file.metadata["ss_tag_frequency"]).values()
    assert max(tags, key=lambda tag: tags[tag]) == TRIGGERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_of_a_file_is_one_of_the_demo_models(name: str, tmp_path: Path) -> None:
    """`convert` refuses keys that the model lacks, shapes that differ, and NaN."""
    layers = LinearLayers.of(DEMO_MODEL)
    file = LoraFile(DEMO_LORAS / f"{name}.safetensors")
    converted = convert(file, layers, tmp_path / "made")
    assert converted.layers == LAYERS
    assert converted.rank == 8
    assert not converted.is_zero
