"""Convolutions that OpenVINO computes in eight bits, without calibration.

A convolution is linear, so `conv(x) = s conv(x / s)`. With `s` measured in each run `x / s` has a
fixed range, and to a fixed range OpenVINO rounds as it would to a calibrated one: the convolution
takes bytes and gives sixteen bits, and no prompt or size can exceed the range.
"""

from typing import Any, Final

import numpy as np

from pipeline.onnx.graph import GraphView, opset_of, replace_nodes
from pipeline.onnx.library import onnx
from pipeline.onnx.linear import module_of
from pipeline.prepare.int8 import FULL_RANGE, Array
from pipeline.prepare.recipes import Conversion, Recipe, Target

_LEVELS: Final = 255
_BELOW: Final = 0.25
"""SiLU's smallest value is -0.278, so its range begins not far below zero. It is divided into steps
from -0.25 to 1, in parts of its largest value."""
_LEAST: Final = 0.2785 / _BELOW
"""What counts as the largest value at least, so that the smallest is in the range as well."""
_LEAST_CHANNELS: Final = 16
"""Fewer are too little work to gain anything."""
_AXES_ARE_INPUTS: Final = 18
"""The opset from which ReduceMax takes its axes as an input."""


def convolve_in_int8(conversion: Conversion, *, dtype: np.dtype[Any], keep: str = "") -> int:
    """Make the convolutions behind a SiLU, which compute in `dtype`, round what they take and
    their weights to eight bits, with a scale for each row and each output channel. Returns their
    number.

    Others take what blocks hand on, where few numbers are much larger than the rest. The module
    `keep` stays as it is: an error in the UNet's last layer is one in its output.
    """
    model = conversion.model
    order: list[Any] = []
    found = _behind_silu(model, keep)
    shared: dict[str, tuple[str, str]] = {}
    front = _constants(model) if found else []
    for node in model.graph.node:
        weight = found.get(node.output[0])
        if weight is None:
            order.append(node)
            continue
        source = str(node.input[0])
        if source not in shared:
            shared[source] = _rounded(model, source, order)
        order += _in_eight_bits(node, weight, *shared[source], dtype)
        conversion.recipes[weight.name] = _by_channel(weight)
    replace_nodes(model, [*front, *order])
    return len(found)


def _behind_silu(model: Any, keep: str) -> dict[str, Any]:
    """The weight of each convolution that is changed, by its output."""
    view = GraphView(model)
    found: dict[str, Any] = {}
    for node in model.graph.node:
        weight = view.initializers.get(node.input[1]) if node.op_type == "Conv" else None
        if weight is None or len(weight.dims) != 4 or len(view.users[weight.name]) != 1:
            continue
        width, depth = (int(dim) for dim in weight.dims[:2])
        groups = next((each.i for each in node.attribute if each.name == "group"), 1)
        if groups != 1 or min(width, depth) < _LEAST_CHANNELS or module_of(node) == keep:
            continue
        if _is_silu(view, node.input[0]):
            found[node.output[0]] = weight
    return found


def _is_silu(view: GraphView, name: str) -> bool:
    """Whether `name` is x sigmoid(x)."""
    product = view.maker(name, "Mul")
    if product is None:
        return False
    for value, gate in (product.input, reversed(product.input)):
        sigmoid = view.maker(gate, "Sigmoid")
        if sigmoid is not None and sigmoid.input[0] == value:
            return True
    return False


def _constants(model: Any) -> list[Any]:
    """What all convolutions share."""
    values: dict[str, Array] = {
        _name("least"): np.array(_LEAST, np.float32),
        _name("step"): np.array((1 + _BELOW) / _LEVELS, np.float32),
        _name("column"): np.array([1, -1, 1, 1], np.int64),
        _name("zero"): np.array(round(_LEVELS * _BELOW / (1 + _BELOW)), np.uint8),
    }
    if opset_of(model) >= _AXES_ARE_INPUTS:
        values[_name("axes")] = np.array([1, 2, 3], np.int64)
    return [
        onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value))
        for name, value in values.items()
    ]


def _rounded(model: Any, source: str, nodes: list[Any]) -> tuple[str, str]:
    """Append what rounds `source` to eight bits; the names of the result, which is single
    precision, and of the scale of each row."""
    make = onnx.helper.make_node
    wide, most, scale, parts, bytes_, rounded = (
        f"{source}__{end}" for end in ("wide", "most", "scale", "parts", "int8", "rounded")
    )
    if opset_of(model) >= _AXES_ARE_INPUTS:
        largest = make("ReduceMax", [wide, _name("axes")], [most], name=most, keepdims=1)
    else:
        largest = make("ReduceMax", [wide], [most], name=most, keepdims=1, axes=[1, 2, 3])
    fixed = [_name("step"), _name("zero")]
    nodes += [
        make("Cast", [source], [wide], name=wide, to=onnx.TensorProto.FLOAT),
        largest,
        make("Max", [most, _name("least")], [scale], name=scale),
        make("Div", [wide, scale], [parts], name=parts),
        make("QuantizeLinear", [parts, *fixed], [bytes_], name=bytes_),
        make("DequantizeLinear", [bytes_, *fixed], [rounded], name=rounded),
    ]
    return rounded, scale


def _in_eight_bits(
    node: Any, weight: Any, rounded: str, scale: str, dtype: np.dtype[Any]
) -> list[Any]:
    """The nodes that replace the Conv `node`, whose output and name they keep."""
    make = onnx.helper.make_node
    kind = int(onnx.helper.np_dtype_to_tensor_dtype(dtype))
    name, output = str(weight.name), str(node.output[0])
    changed = onnx.NodeProto.FromString(node.SerializeToString())
    del changed.input[:]
    changed.input.extend([rounded, f"{name}__wide"])
    changed.output[0] = f"{output}__parts"
    product = f"{output}__product"
    nodes = [
        make(
            "DequantizeLinear",
            [f"{name}__int8", f"{name}__scale"],
            [f"{name}__wide"],
            name=f"{name}__wide",
            axis=0,
        ),
        changed,
        make("Mul", [changed.output[0], scale], [product], name=product),
    ]
    if len(node.input) > len(("source", "weight")):
        bias, wide, column = str(node.input[2]), f"{output}__bias", f"{output}__column"
        nodes += [
            make("Cast", [bias], [wide], name=wide, to=onnx.TensorProto.FLOAT),
            make("Reshape", [wide, _name("column")], [column], name=column),
            make("Add", [product, column], [f"{output}__wide"], name=f"{output}__wide"),
        ]
        product = f"{output}__wide"
    return [*nodes, make("Cast", [product], [output], name=f"{output}__cast", to=kind)]


def _by_channel(weight: Any) -> Recipe:
    """Eight bits with a scale for each output channel."""
    dims = tuple(int(dim) for dim in weight.dims)

    def make(values: Array) -> tuple[Array, ...]:
        scale = np.abs(values).max(axis=(1, 2, 3)) / np.float32(FULL_RANGE)
        scale[scale == 0] = 1
        rounded = np.rint(values / scale[:, None, None, None])
        return rounded.astype(np.int8), scale.astype(np.float32)

    return Recipe(
        (
            Target(f"{weight.name}__int8", np.dtype(np.int8), dims),
            Target(f"{weight.name}__scale", np.dtype(np.float32), dims[:1]),
        ),
        make,
    )


def _name(constant: str) -> str:
    return f"eight_bits/{constant}"
