# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch, diffusers, peft and safetensors, whose types are partly missing)
"""Layers are found by the names that programs give them, and unknown names are reported."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bot.common.wording import words
from pipeline.model.folder import ModelFolder
from pipeline.prepare.lora.lora import Lora
from pipeline.prepare.lora.names import place
from tests.pipeline.prepare.lora.compare import outputs
from tests.pipeline.prepare.lora.loras import (
    Tensors,
    merge,
    modern_kohya,
    old_kohya,
    pair,
    refused,
    write,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and peft warn of each other


def dotted_diffusers() -> Tensors:
    """The first Stable Diffusion's names with dots, below diffusers' prefix."""
    return _with_dots("unet")


def of_comfy() -> Tensors:
    return _with_dots("diffusion_model")


def kohya_with_dots() -> Tensors:
    return _with_dots("lora_unet")


def _with_dots(prefix: str) -> Tensors:
    renamed = {
        "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_v": (
            "input_blocks.3.1.transformer_blocks.0.attn1.to_v"
        ),
        "lora_unet_middle_block_1_transformer_blocks_1_attn2_to_q": (
            "middle_block.1.transformer_blocks.1.attn2.to_q"
        ),
        "lora_unet_output_blocks_1_1_transformer_blocks_1_ff_net_2": (
            "output_blocks.1.1.transformer_blocks.1.ff.net.2"
        ),
        "lora_unet_input_blocks_1_0_in_layers_2": "input_blocks.1.0.in_layers.2",
        "lora_unet_input_blocks_1_0_emb_layers_1": "input_blocks.1.0.emb_layers.1",
        "lora_unet_middle_block_2_out_layers_3": "middle_block.2.out_layers.3",
    }
    tensors: Tensors = {}
    for key, values in old_kohya().items():
        layer, _, rest = key.partition(".")
        tensors[f"{prefix}.{renamed[layer]}.{rest}"] = values
    return tensors


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("make", [dotted_diffusers, of_comfy, kohya_with_dots])
def test_dots_and_underscores_name_the_same_layers(
    make: Callable[[], Tensors], tiny: ModelFolder, tmp_path: Path
) -> None:
    found = [
        outputs(ModelFolder.open(merge(tiny, tmp_path, Lora(path=path)).path))[0]
        for path in (
            write(tmp_path / "dots.safetensors", make()),
            write(tmp_path / "plain.safetensors", old_kohya()),
        )
    ]
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(
    ("key", "kind", "what"),
    [
        (
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
            "lora_unknown_keys",
            "",
        ),
        (
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
            "lora_model",
            "Stable Diffusion 1.5",
        ),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.hada_w1_a", "lora_method", "LoHa"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.lokr_w1", "lora_method", "LoKr"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.dora_scale", "lora_method", "DoRA"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.diff", "lora_method", "difference"),
        ("transformer.blocks.0.attn.to_q.lora_A.weight", "lora_model", "transformer"),
        ("lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", "lora_model", "FLUX"),
        ("conv_in.weight", "lora_unknown_keys", ""),
    ],
)
def test_unknown_keys_are_named(
    key: str, kind: str, what: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    """Of Stable Diffusion 1.5, of other methods, of other architectures."""
    tensors = modern_kohya()
    down, up = pair(4, 64, 64, 0)
    tensors[key] = down
    if "down.weight" in key:
        tensors[key.replace("down.weight", "up.weight")] = up
    if "lora_A" in key:
        tensors[key.replace("lora_A", "lora_B")] = up
    error = refused(tiny, tmp_path, write(tmp_path / "other.safetensors", tensors))
    assert error.key == kind
    assert what in str(error.data)
    assert key in str(error.data["keys"])
    assert what in words(error)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("lora_unet_input_blocks_4_1_proj_in", "down_blocks_1_attentions_0_proj_in"),
        ("lora_unet_input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
        ("lora_unet_input_blocks_0_0", "conv_in"),
        ("lora_unet_output_blocks_5_2_conv", "up_blocks_1_upsamplers_0_conv"),
        ("lora_unet_output_blocks_3_1_proj_out", "up_blocks_1_attentions_0_proj_out"),
        ("lora_unet_middle_block_0_in_layers_2", "mid_block_resnets_0_conv1"),
        ("lora_unet_time_embed_2", "time_embedding_linear_2"),
        ("lora_unet_label_emb_0_0", "add_embedding_linear_1"),
        ("base_model.model.unet.mid_block.attentions.0.proj_in", "mid_block_attentions_0_proj_in"),
        ("unet.base_model.model.mid_block.attentions.0.proj_in", "mid_block_attentions_0_proj_in"),
        ("base_model.model.mid_block.attentions.0.proj_in", "mid_block_attentions_0_proj_in"),
        ("unet.mid_block.attentions.0.processor.to_out", "mid_block_attentions_0_to_out_0"),
    ],
)
def test_names_of_sdxl_itself(spelled: str, name: str) -> None:
    assert place(spelled, layers_per_block=2) == ("unet", name)
