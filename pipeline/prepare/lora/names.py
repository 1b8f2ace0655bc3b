"""Which layer of which component a LoRA's spelling means."""

import re
from typing import Final

from pipeline.model.folder import Component

_PREFIXES: Final[tuple[tuple[str, Component], ...]] = (
    ("lora_unet_", "unet"),  # kohya's
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("unet_", "unet"),  # diffusers'
    ("text_encoder_2_", "text_encoder_2"),
    ("text_encoder_", "text_encoder"),
    ("diffusion_model_", "unet"),  # the first Stable Diffusion's, and ComfyUI's
    ("model_diffusion_model_", "unet"),
)
_PEFT: Final = "base_model_model_"
"""Of a model that peft wrapped, before or behind the component's prefix; alone it is the UNet's."""
_RESNET: Final = (
    ("in_layers_2", "conv1"),
    ("emb_layers_1", "time_emb_proj"),
    ("out_layers_3", "conv2"),
    ("skip_connection", "conv_shortcut"),
)
_OUTSIDE: Final = (
    ("time_embed_0", "time_embedding_linear_1"),
    ("time_embed_2", "time_embedding_linear_2"),
    ("label_emb_0_0", "add_embedding_linear_1"),
    ("label_emb_0_2", "add_embedding_linear_2"),
    ("input_blocks_0_0", "conv_in"),
    ("out_2", "conv_out"),
)
_BLOCK: Final = re.compile(r"(input_blocks|output_blocks|middle_block)_(\d+)(?:_(\d+))?_?(.*)")
_PROCESSOR: Final = re.compile(r"\.processor\.(to_\w+)$")


def place(layer: str, *, layers_per_block: int) -> tuple[Component, str] | None:
    """The component, and the layer's name in it with `_` for every `.` (files have either, in any
    spelling); None for what is no LoRA of an SDXL. `layers_per_block`: of the UNet."""
    flat = _PROCESSOR.sub(_attention, layer).replace(".", "_")
    if _PEFT in flat:
        flat = flat.replace(_PEFT, "", 1)
        if flat.startswith(("down_blocks_", "mid_block_", "up_blocks_")):
            flat = f"unet_{flat}"
    for prefix, component in _PREFIXES:
        if flat.startswith(prefix):
            name = flat.removeprefix(prefix)
            return component, _modern(name, layers_per_block) if component == "unet" else name
    return None


def _attention(match: "re.Match[str]") -> str:
    return ".to_out.0" if match[1] == "to_out" else f".{match[1]}"


def _modern(name: str, layers_per_block: int) -> str:
    """Diffusers' name of a UNet's layer that may be named as in the first Stable Diffusion."""
    for old, new in _OUTSIDE:
        if name == old:
            return new
    match = _BLOCK.fullmatch(name)
    if match is None:
        return name
    kind, block, inner, rest = match[1], int(match[2]), match[3], match[4]
    if kind == "middle_block":
        within = ("resnets_0", "attentions_0", "resnets_1")
        rest = "_".join(part for part in (inner, rest) if part)
        return f"mid_block_{within[block]}_{_resnet(rest)}" if block < 3 else name
    if inner is None:
        return name
    if kind == "input_blocks":
        level, layer = divmod(block - 1, layers_per_block + 1)
        if rest == "op":
            return f"down_blocks_{level}_downsamplers_0_conv"
        return f"down_blocks_{level}_{_part(int(inner))}_{layer}_{_resnet(rest)}"
    level, layer = divmod(block, layers_per_block + 1)
    if rest == "conv":
        return f"up_blocks_{level}_upsamplers_0_conv"
    return f"up_blocks_{level}_{_part(int(inner))}_{layer}_{_resnet(rest)}"


def _part(inner: int) -> str:
    return ("resnets", "attentions", "upsamplers")[min(inner, 2)]


def _resnet(rest: str) -> str:
    return next((new for old, new in _RESNET if rest == old), rest)
