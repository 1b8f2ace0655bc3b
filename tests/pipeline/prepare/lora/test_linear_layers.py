# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# (the border to torch, diffusers and transformers, whose types are partly missing)
"""Names and shapes of layers from a configuration are those of the modules themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from data.shipped.paths import DEMO_MODEL
from pipeline.errors import ModelError
from pipeline.prepare.lora import linear_layers
from pipeline.prepare.lora.linear_layers import SDXL, LinearLayers


def modules(model: Any) -> dict[str, tuple[int, int]]:
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }


def ours(layers: LinearLayers, part: Any) -> dict[str, tuple[int, int]]:
    return {each.module: (each.width, each.depth) for each in layers.parts[part].values()}


def check(layers: LinearLayers, unet: Any, first: Any, second: Any) -> None:
    with torch.device("meta"):
        assert ours(layers, "unet") == modules(UNet2DConditionModel.from_config(unet))
        encoder = CLIPTextModel(CLIPTextConfig(**first))
        assert ours(layers, "text_encoder") == modules(encoder)
        projected = CLIPTextModelWithProjection(CLIPTextConfig(**second))
        assert ours(layers, "text_encoder_2") == modules(projected)


def test_those_of_sdxl() -> None:
    unet = {
        **linear_layers._UNET,  # pyright: ignore[reportPrivateUsage]
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "attention_head_dim": [5, 10, 20],
    }
    layers = LinearLayers.standard()
    check(layers, unet, linear_layers._TEXT, linear_layers._TEXT_2)  # pyright: ignore[reportPrivateUsage]
    assert layers.family == SDXL
    assert {part: len(each) for part, each in layers.parts.items()} == {
        "unet": 743,
        "text_encoder": 72,
        "text_encoder_2": 193,
    }


def test_those_of_a_folder(tiny_path: Path) -> None:
    for path in (tiny_path, DEMO_MODEL):
        configs = [
            json.loads((path / part / "config.json").read_text())
            for part in ("unet", "text_encoder", "text_encoder_2")
        ]
        layers = LinearLayers.of(path)
        check(layers, *configs)
        assert len(layers.family) == 16


def test_a_folder_without_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        LinearLayers.of(tmp_path)
    assert caught.value.key == "model_component_missing"
    for part in ("unet", "text_encoder", "text_encoder_2"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text('{"block_out_channels": [1, 2]}')
    with pytest.raises(ModelError) as caught:
        LinearLayers.of(tmp_path)
    assert caught.value.key == "model_config_wrong"
