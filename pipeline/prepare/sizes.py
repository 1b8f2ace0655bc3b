"""How large a model will be once it is prepared, from its graphs alone."""

from dataclasses import replace

from pipeline.model.folder import COMPONENTS, Component, ModelFolder
from pipeline.model.options import IN_BF16, Variant
from pipeline.onnx.branch import branch_layers
from pipeline.onnx.skeleton import load_skeleton
from pipeline.plan.card_plan import Sizes
from pipeline.plan.memory_plan import Shape, Weights, plan_for
from pipeline.plan.on_card import sizes_of
from pipeline.prepare.convert import ROWS_ALONE, convert
from pipeline.prepare.write import plan


def prepared_bytes(source: ModelFolder, variant: Variant) -> dict[Component, int]:
    """Bytes of the weights of each component of `source` that will be written for `variant`."""
    return {
        name: plan(convert(source.onnx_file(name), name, variant, full_range=False)).size_bytes
        for name in COMPONENTS
        if source.has(name)
    }


def half_sizes(source: ModelFolder) -> Sizes:
    """Its memory on a card once it is prepared in half precision."""
    shape = replace(Shape.of(source), fused=True, numbers_per_rank=branch_numbers(source))
    return sizes_of(prepared_bytes(source, "fp16"), shape, is_half=True)


def needed_when_prepared(source: ModelFolder, variant: Variant) -> int:
    """Main memory for drawing with it, without savings that cost speed or tones."""
    return needed_with(source, variant, prepared_bytes(source, variant))


def needed_with(source: ModelFolder, variant: Variant, weights: Weights) -> int:
    """The same if the `weights` of `variant` are already known."""
    made = replace(
        Shape.of(source),
        fused=variant not in IN_BF16,
        in_openvino=variant in IN_BF16,
        rows_alone=variant in ROWS_ALONE,
        numbers_per_rank=branch_numbers(source),
    )
    return plan_for(weights, made, 1 << 62, can_map=variant == "fp32").peak_bytes


def branch_numbers(source: ModelFolder) -> int:
    """Numbers per rank of the low-rank branch that its UNet will get."""
    layers = {
        layer.module: layer for layer in branch_layers(load_skeleton(source.onnx_file("unet")))
    }
    return sum(layer.numbers_per_rank for layer in layers.values())
