"""Finds the linear layers of a graph, by the names of their modules in diffusers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.onnx.graph import GraphView


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer. `module`: its dotted path in diffusers. `node`: the name of its MatMul or
    Gemm, which conversions keep. `source`: the value that it multiplies. `depth` and `width`: the
    last axes of what it takes and what it makes."""

    module: str
    node: str
    source: str
    depth: int
    width: int

    @property
    def numbers_per_rank(self) -> int:
        """How many numbers its branch has for each rank."""
        return self.depth + self.width


def linear_layers(model: Any) -> Iterator[Linear]:
    """The linear layers of an `onnx.ModelProto` whose weights are stored in it."""
    view = GraphView(model)
    for node in model.graph.node:
        if node.op_type not in {"MatMul", "Gemm"} or not node.name:
            continue
        weight, _ = stored_behind(view, node.input[1])
        module = module_of(node)
        if weight is None or len(weight.dims) != 2 or not module:
            continue
        depth, width = (int(dim) for dim in weight.dims)
        if is_turned(node):
            yield Linear(module, str(node.name), str(node.input[0]), depth, width)
        else:
            yield Linear(module, str(node.name), str(node.input[0]), width, depth)


def module_of(node: Any) -> str:
    """The path of the module that `node` (MatMul, Gemm, Conv) computes, "" if it is unknown.

    Exporters keep the path in the weight's name, or in the node's where they transposed the weight.
    """
    name = str(node.input[1])
    if name.endswith(".weight"):
        return name.removesuffix(".weight")
    return str(node.name).strip("/").rpartition("/")[0].replace("/", ".")


def is_turned(node: Any) -> bool:
    """Whether the weight of `node` (MatMul, Gemm, Conv) is (in, out); torch has (out, in)."""
    return node.op_type == "MatMul" or (
        node.op_type == "Gemm"
        and not any(each.name == "transB" and each.i for each in node.attribute)
    )


def stored_behind(view: GraphView, name: str) -> tuple[Any | None, int | None]:
    """The initializer behind `name`, through Identity and Cast nodes, and the ONNX type that it is
    cast to; None where there is none."""
    kind: int | None = None
    while (node := view.maker(name, "Identity", "Cast")) is not None:
        if node.op_type == "Cast" and kind is None:
            kind = int(next(each.i for each in node.attribute if each.name == "to"))
        name = node.input[0]
    return view.initializers.get(name), kind


def is_stored(view: GraphView, name: str) -> bool:
    """Whether `name` is an initializer or a Constant, also through Identity and Cast nodes."""
    while (node := view.maker(name, "Identity", "Cast")) is not None:
        name = node.input[0]
    return name in view.initializers or view.maker(name, "Constant") is not None
