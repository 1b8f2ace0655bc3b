"""The demo's LoRAs: what the files say, and that they fit the demo model."""

import json
from pathlib import Path

import pytest

from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.prepare.lora.adapter import convert
from pipeline.prepare.lora.file import LoraFile
from pipeline.prepare.lora.linear_layers import LinearLayers

STYLE_LAYERS = 4 * 12 + 8  # twelve in each transformer, one in each ResNet block
LAYERS = {"draft": STYLE_LAYERS + 4, "ink": STYLE_LAYERS, "pastel": STYLE_LAYERS}
RANKS = {"draft": 16, "ink": 8, "pastel": 8}
TRIGGERS = {"ink": "spot color", "pastel": "pastel colors"}


def test_each_has_a_file_and_a_preview() -> None:
    for suffix in ("safetensors", "webp"):
        assert sorted(file.stem for file in DEMO_LORAS.glob(f"*.{suffix}")) == sorted(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_a_file_is_small_and_says_what_it_is(name: str) -> None:
    path = DEMO_LORAS / f"{name}.safetensors"
    assert path.stat().st_size < 2**20
    file = LoraFile(path)
    assert len(file.entries) == LAYERS[name]
    ranks = {file.shape(entry.keys["down"])[0] for entry in file.entries.values()}
    assert ranks == {int(file.metadata["ss_network_dim"])}
    assert ranks == {RANKS[name]}
    assert file.metadata["ss_base_model_version"].startswith("sdxl")
    assert file.metadata["ss_output_name"] == name
    if name in TRIGGERS:
        (tags,) = json.loads(file.metadata["ss_tag_frequency"]).values()
        assert max(tags, key=lambda tag: tags[tag]) == TRIGGERS[name]
    else:
        assert "ss_tag_frequency" not in file.metadata, "it is for every prompt"


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_of_a_file_is_one_of_the_demo_models(name: str, tmp_path: Path) -> None:
    """`convert` refuses keys that the model lacks, shapes that differ, and NaN."""
    layers = LinearLayers.of(DEMO_MODEL)
    file = LoraFile(DEMO_LORAS / f"{name}.safetensors")
    converted = convert(file, layers, tmp_path / "made")
    assert converted.layers == LAYERS[name]
    assert converted.rank == RANKS[name]
    assert not converted.is_zero
