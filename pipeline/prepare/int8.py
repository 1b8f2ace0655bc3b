"""Linear layers with eight-bit weights, for processors.

The UNet computes in eight bits with dynamic quantisation of its inputs: fast, if the processor
supports it. The text encoders only store their weights in eight bits and compute in single
precision: small, and correct with the outliers in their hidden states; they are a thousandth of the
work.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.onnx.graph import GraphView, replace_nodes, use_domain
from pipeline.onnx.library import onnx
from pipeline.prepare.attention import DOMAIN
from pipeline.prepare.recipes import Conversion, Recipe, Target

Array = npt.NDArray[Any]

FULL_RANGE: Final = 127
REDUCED_RANGE: Final = 63
"""x86 without VNNI adds pairs of products in 16 bits: 2 * 255 * 63 fits, 2 * 255 * 127 does not."""

_BLOCKS: Final = (128, 64, 32, 16)


def compute_in_int8(conversion: Conversion, *, largest: int, keep: str) -> int:
    """Make the linear layers of `conversion` compute in int8, with weights from -largest to largest
    and a scale per column. Returns their number.

    Layers of the graph's input `keep` only store their weights like this: a prompt's first token is
    so much larger than the others that a common scale would destroy them.
    """
    model = conversion.model
    layers = _layers(model)
    kept = _names_of(model, keep)
    order: list[Any] = []
    measured: set[str] = set()
    for node in model.graph.node:
        weight = layers.get(node.output[0])
        if weight is None:
            order.append(node)
            continue
        source = node.input[0]
        if source in kept:
            order.append(_kept(conversion, node, weight))
            continue
        name = weight.name
        parts = [f"{source}__{part}" for part in ("int8", "scale", "zero")]
        if source not in measured:
            measured.add(source)
            order.append(onnx.helper.make_node("DynamicQuantizeLinear", [source], parts))
        values, scale, zero = parts
        order.append(
            onnx.helper.make_node(
                "MatMulIntegerToFloat",
                [values, f"{name}__int8", scale, f"{name}__scale", zero],
                list(node.output),
                name=node.name,
                domain=DOMAIN,
            )
        )
        conversion.recipes[name] = _columns(weight, largest)
    replace_nodes(model, order)  # the old weights stay: their recipes are found by their names
    use_domain(model, DOMAIN, 1)
    return len(layers)


def keep_in_int8(conversion: Conversion) -> int:
    """Make the linear layers of `conversion` store their weights in eight bits, with a scale for
    each block of a column. Returns their number."""
    model = conversion.model
    layers = _layers(model)
    order: list[Any] = []
    for node in model.graph.node:
        weight = layers.get(node.output[0])
        order.append(node if weight is None else _kept(conversion, node, weight))
    replace_nodes(model, order)  # the old weights stay: their recipes are found by their names
    use_domain(model, DOMAIN, 1)
    return len(layers)


def store_for_openvino(conversion: Conversion, *, dtype: np.dtype[Any], keep: str) -> int:
    """Make the linear layers of `conversion`, which compute in `dtype`, store their weights in
    eight bits with a scale per column. Returns their number.

    OpenVINO computes with such weights in eight bits: it quantises each token of the input by
    itself, some of its numbers at a time. Layers of the graph's input `keep` stay as they are: they
    are little work, and the first token of a prompt has outliers.
    """
    model = conversion.model
    kept = _names_of(model, keep)
    kind = int(onnx.helper.np_dtype_to_tensor_dtype(dtype))
    make = onnx.helper.make_node
    layers = _layers(model)
    done: set[str] = set()
    order: list[Any] = []
    for node in model.graph.node:
        weight = layers.get(node.output[0])
        if weight is not None and node.input[0] not in kept:
            name, wide, scaled = (f"{weight.name}{end}" for end in ("", "__wide", "__scaled"))
            if name not in done:
                done.add(name)
                order += [
                    make("Cast", [f"{name}__int8"], [wide], name=wide, to=kind),
                    make("Mul", [wide, f"{name}__scale"], [scaled], name=scaled),
                ]
                conversion.recipes[name] = _scaled_columns(weight, dtype)
            node.input[1] = scaled
        order.append(node)
    replace_nodes(model, order)
    return len(done)


def _kept(conversion: Conversion, node: Any, weight: Any) -> Any:
    """The node that replaces a MatMul; the same node if no block size fits."""
    depth, width = (int(dim) for dim in weight.dims)
    block = next((size for size in _BLOCKS if depth % size == 0), None)
    if block is None:
        return node
    conversion.recipes[weight.name] = _blocks(weight, block)
    return onnx.helper.make_node(
        "MatMulNBits",
        [node.input[0], f"{weight.name}__int8", f"{weight.name}__scale"],
        list(node.output),
        name=node.name,
        domain=DOMAIN,
        K=depth,
        N=width,
        bits=8,
        block_size=block,
        accuracy_level=1,  # computes in float32
    )


def _names_of(model: Any, name: str) -> set[str]:
    """`name` and what is the same under another one."""
    names = {name}
    for node in model.graph.node:
        if node.op_type in {"Cast", "Identity"} and node.input[0] in names:
            names.update(node.output)
    return names


def _layers(model: Any) -> dict[str, Any]:
    """The weight of each MatMul with a matrix of float32 that nothing else uses, by output."""
    view = GraphView(model)
    found: dict[str, Any] = {}
    for node in model.graph.node:
        weight = view.initializers.get(node.input[1]) if node.op_type == "MatMul" else None
        if weight is None or weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) != 2:
            continue
        users = view.users[weight.name]
        if all(user.op_type == "MatMul" and user.input[1] == weight.name for user in users):
            found[node.output[0]] = weight
    return found


def _scaled_columns(weight: Any, dtype: np.dtype[Any]) -> Recipe:
    depth, width = (int(dim) for dim in weight.dims)

    def make(values: Array) -> tuple[Array, ...]:
        scale = (np.abs(values).max(axis=0, keepdims=True) / np.float32(FULL_RANGE)).astype(dtype)
        scale[scale == 0] = 1
        rounded = np.rint(values / scale.astype(np.float32))  # the scale is rounded, too
        return np.clip(rounded, -FULL_RANGE, FULL_RANGE).astype(np.int8), scale

    return Recipe(
        (
            Target(f"{weight.name}__int8", np.dtype(np.int8), (depth, width)),
            Target(f"{weight.name}__scale", dtype, (1, width)),
        ),
        make,
    )


def _columns(weight: Any, largest: int) -> Recipe:
    depth, width = (int(dim) for dim in weight.dims)

    def make(values: Array) -> tuple[Array, ...]:
        scale = np.abs(values).max(axis=0) / np.float32(largest)
        scale[scale == 0] = 1
        rounded = np.rint(values / scale)
        return rounded.astype(np.int8), scale.astype(np.float32)

    return Recipe(
        (
            Target(f"{weight.name}__int8", np.dtype(np.int8), (depth, width)),
            Target(f"{weight.name}__scale", np.dtype(np.float32), (width,)),
        ),
        make,
    )


def _blocks(weight: Any, block: int) -> Recipe:
    depth, width = (int(dim) for dim in weight.dims)
    count = depth // block

    def make(values: Array) -> tuple[Array, ...]:
        blocks = np.ascontiguousarray(values.T).reshape(width, count, block)
        scale = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(FULL_RANGE)
        scale[scale == 0] = 1
        rounded = np.rint(blocks / scale) + 128
        return rounded.astype(np.uint8), scale.astype(np.float32).reshape(width, count)

    return Recipe(
        (
            Target(f"{weight.name}__int8", np.dtype(np.uint8), (width, count, block)),
            Target(f"{weight.name}__scale", np.dtype(np.float32), (width, count)),
        ),
        make,
    )
