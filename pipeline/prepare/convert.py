"""How each component is changed for each variant. Only graphs are changed here, no weights."""

from pathlib import Path
from typing import Any, Final

from pipeline.errors import ModelError
from pipeline.model.configs import read_json, up_layers
from pipeline.model.folder import Component
from pipeline.model.options import IN_BF16, Variant
from pipeline.onnx.branch import add_branch, branch_layers, remove_branch
from pipeline.onnx.encoder_mean import SAMPLED, cut_at_mean
from pipeline.onnx.graph import drop_unused
from pipeline.onnx.library import onnx
from pipeline.onnx.shallow import give_deep_features, remove_deep_features
from pipeline.onnx.skeleton import load_skeleton
from pipeline.onnx.timestep_axis import give_timestep_axis
from pipeline.prepare import half, int8
from pipeline.prepare.attention import fuse_attention
from pipeline.prepare.int8_convolution import convolve_for_openvino, convolve_in_int8
from pipeline.prepare.recipes import Conversion

IN_OPENVINO: Final[frozenset[Component]] = frozenset({"unet", "vae_decoder", "vae_encoder"})
"""What OpenVINO runs of the variants in bfloat16. The VAE's files stay in single precision, whose
products it rounds itself. The text encoders are a thousandth of the work."""

ROWS_ALONE: Final[frozenset[Variant]] = frozenset({"int8", "bf16", "int8-bf16"})
"""Variants whose UNet is given one row at a time: eight bits measure all rows of a run together,
and OpenVINO chooses its kernels by their number."""

_TEXT: Final = "encoder_hidden_states"
_LAST: Final = "conv_out"

WITH_LORAS: Final[frozenset[Component]] = frozenset({"unet", "text_encoder", "text_encoder_2"})
"""What a LoRA changes, so what gets the low-rank branch."""


def convert(
    path: Path, component: Component, variant: Variant, *, full_range: bool, branch: bool = True
) -> Conversion:
    """Convert the graph in `path`. `full_range`: whether this processor multiplies eight bits
    without overflow. `branch`: add the low-rank branch for LoRAs.

    Raises ModelError `variant_unfit`, and as `load_skeleton` does.
    """
    model = load_skeleton(path)
    if variant in IN_BF16 and component == "unet" and half.is_in_half(model):
        reason = "this model's UNet is in half precision, which OpenVINO can't run in bfloat16"
        raise ModelError("variant_unfit", variant=variant, reason=reason)
    remove_branch(model)
    remove_deep_features(model)
    drop_unused(model)
    if component == "unet":
        give_timestep_axis(model)
    if SAMPLED in {value.name for value in model.graph.output}:
        cut_at_mean(model)
    _name_weights(model)
    conversion = Conversion(model)
    layers = branch_layers(model) if branch and component in WITH_LORAS else []
    _compute_in(conversion, component, variant, full_range=full_range)
    in_openvino = variant in IN_BF16 and component in IN_OPENVINO
    stored = _stored(conversion)
    if component == "unet":
        config = path.with_name("config.json")
        layers_up = up_layers(read_json(config)) if config.is_file() else ()
        give_deep_features(model, layers_up, stored)
    add_branch(model, layers, stored, defaults=not in_openvino)
    if component == "unet":  # after the branch, which takes what is not rounded
        _convolve_in(conversion, variant, full_range=full_range)
    del model.graph.value_info[:]
    return conversion


def _compute_in(
    conversion: Conversion, component: Component, variant: Variant, *, full_range: bool
) -> None:
    """Let the graph compute as `variant` does."""
    model = conversion.model
    types = _types(model)
    if variant in IN_BF16 and component in IN_OPENVINO:  # which fuses attention itself
        if component == "unet":
            bf16 = half.Half.bf16()
            half.to_half(conversion, types, half.outside_embeddings(model), bf16)
            if variant == "int8-bf16":
                int8.store_for_openvino(conversion, dtype=bf16.dtype, keep=_TEXT)
        return
    fuse_attention(model)
    if variant == "fp16" and component == "unet":
        half.to_half(conversion, types, half.outside_embeddings(model), half.Half.fp16())
    elif variant == "fp16" and component in {"text_encoder", "text_encoder_2"}:
        half.to_half(conversion, types, half.only_products(model), half.Half.fp16())
    elif variant == "int8" and component == "unet":
        int8.compute_in_int8(conversion, largest=_largest(full_range=full_range), keep=_TEXT)
    elif variant == "int8" and component in {"text_encoder", "text_encoder_2"}:
        int8.keep_in_int8(conversion)


def _convolve_in(conversion: Conversion, variant: Variant, *, full_range: bool) -> None:
    """Let the convolutions compute in eight bits, where `variant` does."""
    if variant == "int8":
        convolve_in_int8(conversion, largest=_largest(full_range=full_range), keep=_LAST)
    elif variant == "int8-bf16":
        convolve_for_openvino(conversion, dtype=half.Half.bf16().dtype, keep=_LAST)


def _largest(*, full_range: bool) -> int:
    return int8.FULL_RANGE if full_range else int8.REDUCED_RANGE


def _stored(conversion: Conversion) -> dict[str, int]:
    """The element type in which each weight will be stored."""
    return {
        target.name: int(onnx.helper.np_dtype_to_tensor_dtype(target.dtype))
        for tensor in conversion.model.graph.initializer
        for target in conversion.recipe(tensor).targets
    }


def _name_weights(model: Any) -> None:
    """Refer to weights directly where exporters put an Identity in between."""
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    other: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Identity" and node.output[0] not in outputs:
            name = str(node.input[0])
            source = other.get(name, name)
            if source in weights:
                other[node.output[0]] = source
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name in other:
                node.input[index] = other[name]
    drop_unused(model)


def _types(model: Any) -> dict[str, int]:
    """The element type of every value."""
    found = {tensor.name: int(tensor.data_type) for tensor in model.graph.initializer}
    inferred = onnx.shape_inference.infer_shapes(model).graph
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        found[value.name] = int(value.type.tensor_type.elem_type)
    return found
