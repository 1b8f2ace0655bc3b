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

Found = dict[str, tuple[int, int, int]]


def modules(model: Any) -> Found:
    """Width, depth and kernel of the layers that a LoRA may change."""
    found: Found = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            found[name] = (module.out_features, module.in_features, 0)
        elif isinstance(module, torch.nn.Conv2d) and "embeddings" not in name:
            found[name] = (module.out_channels, module.in_channels, module.kernel_size[0])
    return found


def ours(layers: LinearLayers, part: Any) -> Found:
    return {
        each.module: (each.width, each.depth, each.kernel) for each in layers.parts[part].values()
    }


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
        "unet": 794,
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


def test_projections_that_are_convolutions() -> None:
    unet = {
        **linear_layers._UNET,  # pyright: ignore[reportPrivateUsage]
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "attention_head_dim": 8,
        "use_linear_projection": False,
        "block_out_channels": [32, 96, 128, 160],
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"] * 1
        + ["CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D"] * 2 + ["UpBlock2D", "CrossAttnUpBlock2D"],
        "transformer_layers_per_block": [1, 1, 2, 3],
        "layers_per_block": 3,
        "norm_num_groups": 16,
    }
    layers = LinearLayers._of(unet, linear_layers._TEXT, linear_layers._TEXT_2)  # pyright: ignore[reportPrivateUsage]
    check(layers, unet, linear_layers._TEXT, linear_layers._TEXT_2)  # pyright: ignore[reportPrivateUsage]
    assert layers.parts["unet"]["mid_block_attentions_0_proj_in"].kernel == 1


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
