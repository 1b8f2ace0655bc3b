# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch, diffusers, peft and safetensors, whose types are partly missing)
"""LoRAs as programs write them, and merging them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.prepare.lora.lora import Lora
from pipeline.prepare.options import Prepared, PrepareOptions, Reporter
from pipeline.prepare.prepare import prepare_model
from pipeline.runtime.sessions import SessionFactory

Tensors = dict[str, torch.Tensor]
UNET = "down_blocks.1.attentions.0"
ATTENTION = f"{UNET}.transformer_blocks.0.attn1"
TEXT = "text_model.encoder.layers.0"


def pair(rank: int, out: int, inner: int, seed: int, tail: tuple[int, ...] = ()) -> list[Any]:
    """`down` and `up`, large enough that a wrong merge is seen."""
    random = torch.Generator().manual_seed(seed)
    ones = (1,) * len(tail)
    down = torch.randn((rank, inner, *tail), generator=random) / inner**0.5
    return [down, torch.randn((out, rank, *ones), generator=random) * 0.3]


def kohya(layers: dict[str, list[Any]], *, alpha: float | None = 2.0) -> Tensors:
    tensors: Tensors = {}
    for name, (down, up) in layers.items():
        tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
        if alpha is not None:
            tensors[f"{name}.alpha"] = torch.tensor(alpha)
    return tensors


def in_diffusers(layers: dict[str, list[Any]]) -> Tensors:
    tensors: Tensors = {}
    for name, (down, up) in layers.items():
        tensors |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
    return tensors


def modern_kohya() -> Tensors:
    unet = "lora_unet_" + UNET.replace(".", "_")
    block = f"{unet}_transformer_blocks_0"
    return kohya(
        {
            f"{block}_attn1_to_q": pair(4, 64, 64, 0),
            f"{block}_attn2_to_k": pair(4, 64, 64, 1),
            f"{block}_attn1_to_out_0": pair(4, 64, 64, 2),
            f"{block}_ff_net_0_proj": pair(4, 512, 64, 3),
            "lora_te1_" + TEXT.replace(".", "_") + "_self_attn_q_proj": pair(4, 32, 32, 5),
            "lora_te1_" + TEXT.replace(".", "_") + "_self_attn_out_proj": pair(4, 32, 32, 7),
            "lora_te2_" + TEXT.replace(".", "_") + "_mlp_fc1": pair(2, 64, 32, 6),
        }
    )


def old_kohya() -> Tensors:
    """The UNet's blocks by the names of the first Stable Diffusion (one layer a block here)."""
    return kohya(
        {
            "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_v": pair(4, 64, 64, 0),
            "lora_unet_middle_block_1_transformer_blocks_1_attn2_to_q": pair(4, 64, 64, 1),
            "lora_unet_output_blocks_1_1_transformer_blocks_1_ff_net_2": pair(4, 64, 256, 2),
            "lora_unet_input_blocks_1_0_in_layers_2": pair(4, 32, 32, 3, (3, 3)),
            "lora_unet_input_blocks_1_0_emb_layers_1": pair(4, 32, 128, 4),
            "lora_unet_middle_block_2_out_layers_3": pair(4, 64, 64, 5, (3, 3)),
        },
        alpha=1.0,
    )


def plain_diffusers() -> Tensors:
    return in_diffusers(
        {
            f"unet.{ATTENTION}.to_q": pair(4, 64, 64, 0),
            f"unet.{ATTENTION}.to_out.0": pair(4, 64, 64, 1),
            f"unet.{UNET}.proj_in": pair(4, 64, 64, 2),
            "unet.down_blocks.0.resnets.0.conv1": pair(4, 32, 32, 3, (3, 3)),
            f"text_encoder.{TEXT}.self_attn.v_proj": pair(4, 32, 32, 4),
            f"text_encoder_2.{TEXT}.self_attn.out_proj": pair(4, 32, 32, 5),
        }
    )


def write(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> Path:
    save_file({name: each.contiguous() for name, each in tensors.items()}, path, metadata)
    return path


def merge(source: ModelFolder, models: Path, *loras: Lora, variant: Variant = "fp32") -> Prepared:
    factory = SessionFactory(provider="cpu", threads=1, mapped=True)
    request = PrepareOptions(variant=variant, loras=loras)
    return prepare_model(source, models, request, factory=factory, report=Reporter())


def refused(source: ModelFolder, tmp_path: Path, path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        merge(source, tmp_path / "models", Lora(path=path))
    assert not list(tmp_path.rglob("model.onnx*")), "nothing is written for it"
    return caught.value
