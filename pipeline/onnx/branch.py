"""The low-rank branch: a second way through each layer, `x A B`, whose matrices are inputs of the
graph. So one copy of the weights draws with any LoRA, or none.

A is (in, rank), B is (rank, out); for convolutions A is (rank, in, height, width) and B is
(out, rank, 1, 1). Both default to empty initializers, rank 0, with which the branch adds zeros.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from pipeline.lora.adapter import PREFIX, input_name
from pipeline.onnx.convolution import Convolution, added, convolutions
from pipeline.onnx.graph import GraphView, replace_nodes
from pipeline.onnx.library import onnx
from pipeline.onnx.linear import Linear, is_stored, linear_layers, stored_behind

Layer = Linear | Convolution

_QUANTIZED: Final = "MatMulIntegerToFloat"
_MARK: Final = "/lora/"
_BASE: Final = f"{_MARK}base"
"""Ends the name of what a layer makes without its branch."""


def branch_layers(model: Any) -> list[Layer]:
    """The layers of an `onnx.ModelProto` that a LoRA may change."""
    return [*linear_layers(model), *convolutions(model)]


def add_branch(
    model: Any, layers: Iterable[Layer], stored: Mapping[str, int], *, defaults: bool = True
) -> int:
    """Add the branch to `layers` of an `onnx.ModelProto`, whatever their nodes were converted to;
    returns how many have it.

    `stored`: the ONNX type in which each weight will be stored, by its name. Inputs have the type
    that the layer computes in, except bfloat16, which numpy lacks: there they are float32.
    `defaults`: without a value an input is empty; OpenVINO takes such inputs for constants, and
    compiles the graph with those convolutions alone that have a branch.
    """
    return _Branching(model, {layer.node: layer for layer in layers}, stored, defaults).run()


class _Branching:
    """One pass over a graph."""

    def __init__(
        self, model: Any, layers: Mapping[str, Layer], stored: Mapping[str, int], defaults: bool
    ) -> None:
        self._model = model
        self._layers = layers
        self._stored = stored
        self._defaults = defaults
        self._view = GraphView(model)
        self._known: dict[str, tuple[str, str]] = {}

    def run(self) -> int:
        order: list[Any] = []
        after: dict[str, list[Any]] = {}
        count = 0
        for node in list(self._model.graph.node):
            layer = self._layers.get(node.name)
            order.append(node)
            if layer is not None:
                last = node if isinstance(layer, Convolution) else self._with_bias(node)
                after.setdefault(last.output[0], []).append((layer, node, last))
            for found, product, last in after.pop(node.output[0], []):
                if isinstance(found, Convolution):
                    order += self._beside_convolution(found, product)
                else:
                    order += self._branch(found, product, last)
                count += 1
        replace_nodes(self._model, order)
        return count

    def _with_bias(self, node: Any) -> Any:
        """The node that adds the layer's bias, else `node` itself: the branch comes after it, so
        that the runtime can still fuse the two."""
        user = self._view.only_user(node.output[0], "Add")
        if user is None:
            return node
        other = next(name for name in user.input if name != node.output[0])
        return user if is_stored(self._view, other) else node

    def _branch(self, layer: Linear, product: Any, last: Any) -> list[Any]:
        """The nodes behind `last`, which gets another output."""
        kind = self._kind(product)
        source = layer.source if product.op_type == _QUANTIZED else product.input[0]
        nodes: list[Any] = []
        a, b = self._inputs(layer, kind, nodes)
        make, name = onnx.helper.make_node, f"{product.name}{_MARK}"
        output = str(last.output[0])
        last.output[0] = f"{output}{_BASE}"
        base = last.output[0]
        nodes.append(make("MatMul", [source, a], [f"{name}down"], name=f"{name}down"))
        if kind != onnx.TensorProto.FLOAT:  # ONNX Runtime's Gemm is wrong for rank 0 in float16
            nodes += [
                make("MatMul", [f"{name}down", b], [f"{name}up"], name=f"{name}up"),
                make("Add", [base, f"{name}up"], [output], name=f"{name}add"),
            ]
            return nodes
        # One Gemm adds to a copy. A MatMul would write zeros and an Add read them: 4 % of a step.
        nodes += [
            make("Flatten", [f"{name}down"], [f"{name}flat"], name=f"{name}flat", axis=-1),
            make("Flatten", [base], [f"{name}sum"], name=f"{name}sum", axis=-1),
            make("Gemm", [f"{name}flat", b, f"{name}sum"], [f"{name}up"], name=f"{name}up"),
            make("Shape", [base], [f"{name}shape"], name=f"{name}shape"),
            make("Reshape", [f"{name}up", f"{name}shape"], [output], name=f"{name}reshape"),
        ]
        return nodes

    def _beside_convolution(self, layer: Convolution, product: Any) -> list[Any]:
        """The nodes behind a Conv, which gets another output."""
        kind = self._kind(product)
        nodes: list[Any] = []
        a, b = self._inputs(layer, kind, nodes)
        output = str(product.output[0])
        product.output[0] = f"{output}{_BASE}"
        name = f"{product.name}{_MARK}"
        base = product.output[0]
        guarded = self._defaults
        nodes += added(product, a, b, kind, name=name, base=base, output=output, guarded=guarded)
        return nodes

    def _inputs(self, layer: Layer, kind: int, nodes: list[Any]) -> tuple[str, str]:
        """The names of A and B in the type `kind`; what has to be computed for that goes to
        `nodes`. A module that is used twice has one pair."""
        if layer.module in self._known:
            return self._known[layer.module]
        wide = onnx.TensorProto.BFLOAT16
        given = onnx.TensorProto.FLOAT if kind == wide else kind
        # A name of its own for each rank: equal names promise equal sizes.
        rank = f"{PREFIX}{layer.module}/rank"
        names: list[str] = []
        a: tuple[int | str, ...] = (layer.depth, rank)
        b: tuple[int | str, ...] = (rank, layer.width)
        if isinstance(layer, Convolution):
            a, b = (rank, layer.depth, *layer.kernel), (layer.width, rank, 1, 1)
        for matrix, dims in (("A", a), ("B", b)):
            name = input_name(layer.module, matrix)
            self._declare(name, given, dims)
            if kind == wide:
                cast = onnx.helper.make_node("Cast", [name], [f"{name}/bf16"], to=wide)
                cast.name = f"{name}{_MARK}cast"
                nodes.append(cast)
                name = str(cast.output[0])
            names.append(name)
        self._known[layer.module] = (names[0], names[1])
        return self._known[layer.module]

    def _declare(self, name: str, kind: int, dims: tuple[int | str, ...]) -> None:
        graph = self._model.graph
        graph.input.append(onnx.helper.make_tensor_value_info(name, kind, dims))
        if self._defaults:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
            empty = np.zeros([dim if isinstance(dim, int) else 0 for dim in dims], dtype)
            graph.initializer.append(onnx.numpy_helper.from_array(empty, name))

    def _kind(self, product: Any) -> int:
        """The ONNX type that a layer's product is computed in."""
        if product.op_type not in {"MatMul", "Gemm", "Conv"}:  # eight bits, which give float32
            return int(onnx.TensorProto.FLOAT)
        name = str(product.input[1])
        if (scaled := self._view.maker(name, "Mul")) is not None:  # eight bits times their scale
            name = str(scaled.input[1])
        weight, kind = stored_behind(self._view, name)
        if kind is not None:
            return kind
        return self._stored[name if weight is None else weight.name]


def has_branch(model: Any) -> bool:
    """Whether an `onnx.ModelProto` has the branch."""
    return any(value.name.startswith(PREFIX) for value in model.graph.input)


def remove_branch(model: Any) -> None:
    """Remove the branch again, if there is one: a model with it is converted like any other."""
    if not has_branch(model):
        return
    graph = model.graph
    kept = [node for node in graph.node if _MARK not in node.name]
    for node in kept:
        for index, name in enumerate(node.output):
            node.output[index] = name.removesuffix(_BASE)
    replace_nodes(model, kept)
    for values in (graph.input, graph.initializer):
        for index in range(len(values) - 1, -1, -1):
            if values[index].name.startswith(PREFIX):
                del values[index]
