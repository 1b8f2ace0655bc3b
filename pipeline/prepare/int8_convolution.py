"""Convolutions in eight bits, without calibration: what each row needs is measured while it runs.

In ONNX Runtime one is a product of matrices: the pixels around each pixel side by side, times the
weights. Copies of bytes cost little, and products in eight bits are three times as fast as
convolutions in single precision. (`ConvInteger` is four times slower than these; `QLinearConv`
has to know the range of its output beforehand.)

OpenVINO has convolutions of bytes that give more than bytes, for inputs in a fixed range. A
convolution is linear, so `conv(x) = s conv(x / s)`: with `s` measured in each run the range of
`x / s` is fixed, and no prompt or size can exceed it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from pipeline.onnx.graph import GraphView, opset_of, replace_nodes, use_domain
from pipeline.onnx.library import onnx
from pipeline.onnx.linear import module_of
from pipeline.prepare.attention import DOMAIN
from pipeline.prepare.int8 import FULL_RANGE, Array
from pipeline.prepare.recipes import Conversion, Recipe, Target

_SIDE: Final = 3  # of the kernels that are changed, in pixels
_END: Final = 2**31 - 1
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

Maker = Callable[[Any, Any, str, list[Any]], None]
"""Appends the nodes that replace a Conv: of the node, its weight and what it takes."""


def convolve_in_int8(conversion: Conversion, *, largest: int, keep: str = "") -> int:
    """Make the convolutions behind a SiLU compute in int8 in ONNX Runtime, with weights from
    -largest to largest and a scale for each output channel. Returns their number.

    Others take what blocks hand on, where few numbers are much larger than the rest. The module
    `keep` stays as it is: an error in the UNet's last layer is one in its output.
    """
    model = conversion.model
    found = _behind_silu(model, keep)
    constants = {_name("ring"): np.array([0, 1, 1, 0] * 2, np.int64), **_shifts()}
    measured: set[str] = set()

    def make(node: Any, weight: Any, source: str, order: list[Any]) -> None:
        if source not in measured:
            measured.add(source)
            order += _neighbours(source)
        order += _product(node, weight, source)
        conversion.recipes[weight.name] = _by_channel(weight, largest, _as_matrix)

    _replace(model, found, constants, make)
    if found:
        use_domain(model, DOMAIN, 1)
    return len(found)


def convolve_for_openvino(conversion: Conversion, *, dtype: np.dtype[Any], keep: str = "") -> int:
    """The same for OpenVINO, where the rest computes in `dtype`."""
    model = conversion.model
    has_axes = opset_of(model) >= _AXES_ARE_INPUTS
    constants = {
        _name("least"): np.array(_LEAST, np.float32),
        _name("step"): np.array((1 + _BELOW) / _LEVELS, np.float32),
        _name("zero"): np.array(round(_LEVELS * _BELOW / (1 + _BELOW)), np.uint8),
        _name("column"): np.array([1, -1, 1, 1], np.int64),
    } | ({_name("axes"): np.array([1, 2, 3], np.int64)} if has_axes else {})
    rounded: set[str] = set()

    def make(node: Any, weight: Any, source: str, order: list[Any]) -> None:
        if source not in rounded:
            rounded.add(source)
            order += _in_range(source, has_axes=has_axes)
        order += _in_eight_bits(node, weight, source, dtype)
        conversion.recipes[weight.name] = _by_channel(weight, FULL_RANGE, _as_it_is)

    found = _behind_silu(model, keep)
    _replace(model, found, constants, make)
    return len(found)


def _behind_silu(model: Any, keep: str) -> dict[str, Any]:
    """The weight of each convolution that is changed, by its output."""
    view = GraphView(model)
    found: dict[str, Any] = {}
    for node in model.graph.node:
        weight = view.initializers.get(node.input[1]) if node.op_type == "Conv" else None
        if weight is None or not _is_usual(node, weight):
            continue
        if weight.data_type != onnx.TensorProto.FLOAT:  # nor is what it takes
            continue
        if keep and module_of(node) == keep:
            continue
        if len(view.users[weight.name]) == 1 and _is_silu(view, node.input[0]):
            found[node.output[0]] = weight
    return found


def _is_usual(node: Any, weight: Any) -> bool:
    """Whether the Conv `node` has 3 x 3 pixels and keeps the size."""
    said = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    width, depth, *kernel = (int(dim) for dim in weight.dims)
    return (
        kernel == [_SIDE, _SIDE]
        and min(width, depth) >= _LEAST_CHANNELS
        and list(said.get("pads", ())) == [1] * 4
        and set(said.get("strides", (1,))) == {1}
        and set(said.get("dilations", (1,))) == {1}
        and said.get("group", 1) == 1
    )


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


def _replace(model: Any, found: dict[str, Any], constants: dict[str, Array], make: Maker) -> None:
    """Replace the convolutions whose weights are in `found`, by what each makes."""
    if not found:
        return
    order: list[Any] = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value))
        for name, value in constants.items()
    ]
    for node in model.graph.node:
        weight = found.get(node.output[0])
        if weight is None:
            order.append(node)
        else:
            make(node, weight, str(node.input[0]), order)
    replace_nodes(model, order)  # the old weights stay: their recipes are found by their names


def _places() -> Iterator[tuple[int, int]]:
    """The rows and columns of a kernel, in the order in which a pixel's surroundings lie."""
    return ((row, column) for row in range(_SIDE) for column in range(_SIDE))


def _shifts() -> dict[str, Array]:
    """Where the parts of a picture with a ring around it begin and end that lie at each place of
    the kernel: as many pixels less at the end as there are before it."""
    last = _SIDE - 1
    made = {_name("sides"): np.array([1, 2], np.int64)}
    for place in _places():
        ends = [begin - last if begin < last else _END for begin in place]
        made[_at("begin", place)] = np.array(place, np.int64)
        made[_at("end", place)] = np.array(ends, np.int64)
    return made


def _neighbours(source: str) -> list[Any]:
    """What rounds `source` (rows, channels, height, width) and puts the surroundings of each pixel
    side by side: (rows, height, width, 9 channels)."""
    make = onnx.helper.make_node
    parts = _parts(source)
    last, ringed = f"{source}__last", f"{source}__ringed"
    shifted = [f"{source}__{row}{column}" for row, column in _places()]
    return [
        make("DynamicQuantizeLinear", [source], parts, name=parts[0]),
        make("Transpose", [parts[0]], [last], name=last, perm=[0, 2, 3, 1]),
        make("Pad", [last, _name("ring"), parts[2]], [ringed], name=ringed),
        *(
            make(
                "Slice",
                [ringed, _at("begin", place), _at("end", place), _name("sides")],
                [name],
                name=name,
            )
            for name, place in zip(shifted, _places(), strict=True)
        ),
        make("Concat", shifted, [f"{source}__around"], name=f"{source}__around", axis=3),
    ]


def _parts(source: str) -> list[str]:
    """The names of `source` in eight bits, of its scale and of its zero: not those that linear
    layers give it."""
    return [f"{source}__pixels_{part}" for part in ("int8", "scale", "zero")]


def _product(node: Any, weight: Any, source: str) -> list[Any]:
    """The nodes that replace the Conv `node`, whose output and name they keep."""
    make = onnx.helper.make_node
    name, output = str(weight.name), str(node.output[0])
    _, scale, zero = _parts(source)
    bias = ["", _bias(node)] if _bias(node) else []
    product = f"{output}__product"
    return [
        make(
            "MatMulIntegerToFloat",
            [f"{source}__around", f"{name}__int8", scale, f"{name}__scale", zero, *bias],
            [product],
            name=str(node.name),
            domain=DOMAIN,
        ),
        make("Transpose", [product], [output], name=_part_of(node, "last"), perm=[0, 3, 1, 2]),
    ]


def _in_range(source: str, *, has_axes: bool) -> list[Any]:
    """What rounds `source` to eight bits, in parts of its row's largest value. The result is single
    precision, as OpenVINO recognises it."""
    make = onnx.helper.make_node
    wide, most, scale, parts, bytes_, rounded = (
        f"{source}__{end}" for end in ("wide", "most", "scale", "parts", "int8", "rounded")
    )
    if has_axes:
        largest = make("ReduceMax", [wide, _name("axes")], [most], name=most, keepdims=1)
    else:
        largest = make("ReduceMax", [wide], [most], name=most, keepdims=1, axes=[1, 2, 3])
    fixed = [_name("step"), _name("zero")]
    return [
        make("Cast", [source], [wide], name=wide, to=onnx.TensorProto.FLOAT),
        largest,
        make("Max", [most, _name("least")], [scale], name=scale),
        make("Div", [wide, scale], [parts], name=parts),
        make("QuantizeLinear", [parts, *fixed], [bytes_], name=bytes_),
        make("DequantizeLinear", [bytes_, *fixed], [rounded], name=rounded),
    ]


def _in_eight_bits(node: Any, weight: Any, source: str, dtype: np.dtype[Any]) -> list[Any]:
    """The nodes that replace the Conv `node`, whose output and name they keep."""
    make = onnx.helper.make_node
    kind = int(onnx.helper.np_dtype_to_tensor_dtype(dtype))
    name, output = str(weight.name), str(node.output[0])
    wide, product, scale = f"{name}__wide", f"{output}__product", f"{source}__scale"
    changed = onnx.NodeProto.FromString(node.SerializeToString())
    del changed.input[:]
    changed.input.extend([f"{source}__rounded", wide])
    changed.output[0] = f"{output}__parts"
    nodes = [
        make("DequantizeLinear", [f"{name}__int8", f"{name}__scale"], [wide], name=wide, axis=0),
        changed,
        make("Mul", [changed.output[0], scale], [product], name=_part_of(node, "product")),
    ]
    if bias := _bias(node):
        wide, column, added = (f"{output}__{end}" for end in ("bias", "column", "wide"))
        nodes += [
            make("Cast", [bias], [wide], name=_part_of(node, "bias"), to=onnx.TensorProto.FLOAT),
            make("Reshape", [wide, _name("column")], [column], name=_part_of(node, "column")),
            make("Add", [product, column], [added], name=_part_of(node, "wide")),
        ]
        product = added
    return [*nodes, make("Cast", [product], [output], name=_part_of(node, "cast"), to=kind)]


def _bias(node: Any) -> str:
    """The name of the bias of the Conv `node`; empty without one."""
    return str(node.input[2]) if len(node.input) > len(("source", "weight")) else ""


def _part_of(node: Any, part: str) -> str:
    """The name of a node that helps to replace `node`. Not its output's: once the layer has a
    branch for LoRAs, that is named like a part of the branch, and would be removed with it."""
    return f"{node.name or node.output[0]}__{part}"


def _by_channel(weight: Any, largest: int, lie: Callable[[Array], Array]) -> Recipe:
    """Eight bits with a scale for each output channel; `lie` says how the values (out, in, height,
    width) are stored."""
    dims = tuple(int(dim) for dim in weight.dims)
    stored = lie(np.empty(dims, np.int8)).shape

    def make(values: Array) -> tuple[Array, ...]:
        scale = np.abs(values).max(axis=(1, 2, 3)) / np.float32(largest)
        scale[scale == 0] = 1
        rounded = np.rint(values / scale[:, None, None, None]).astype(np.int8)
        return np.ascontiguousarray(lie(rounded)), scale.astype(np.float32)

    return Recipe(
        (
            Target(f"{weight.name}__int8", np.dtype(np.int8), stored),
            Target(f"{weight.name}__scale", np.dtype(np.float32), dims[:1]),
        ),
        make,
    )


def _as_it_is(values: Array) -> Array:
    return values


def _as_matrix(values: Array) -> Array:
    """(9 in, out), in the order of `_places`."""
    return values.transpose(2, 3, 1, 0).reshape(-1, values.shape[0])


def _name(constant: str) -> str:
    return f"eight_bits/{constant}"


def _at(what: str, place: tuple[int, int]) -> str:
    return _name(f"{what}{place[0]}{place[1]}")
