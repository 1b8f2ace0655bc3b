"""Queries on an ONNX graph: which node makes a value, which use it, and which are unused."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.onnx.library import onnx

Array = npt.NDArray[Any]


class GraphView:
    """Indices over a graph as it was when this was made. `model` is an `onnx.ModelProto`."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.makers: dict[str, Any] = {}
        self.users: dict[str, list[Any]] = {}
        for node in model.graph.node:
            for name in node.output:
                self.makers[name] = node
            for name in node.input:
                self.users.setdefault(name, []).append(node)
        self.initializers = {tensor.name: tensor for tensor in model.graph.initializer}

    def maker(self, name: str, *kinds: str) -> Any | None:
        """The node that makes `name`, if it is one of `kinds` (none given: of any kind)."""
        node = self.makers.get(name)
        return node if node is not None and (not kinds or node.op_type in kinds) else None

    def only_user(self, name: str, kind: str) -> Any | None:
        """The only node of `kind` that uses `name`; None if another one does too."""
        users = self.users.get(name, [])
        return users[0] if len(users) == 1 and users[0].op_type == kind else None

    def constant(self, name: str) -> Array | None:
        """The value of a constant stored in the graph itself, otherwise None."""
        node = self.makers.get(name)
        if node is not None and node.op_type == "Identity":
            return self.constant(node.input[0])
        if node is not None and node.op_type == "Constant" and node.attribute[0].name == "value":
            return onnx.numpy_helper.to_array(node.attribute[0].t)
        tensor = self.initializers.get(name)
        if tensor is None or tensor.data_location == onnx.TensorProto.EXTERNAL:
            return None
        return onnx.numpy_helper.to_array(tensor)

    def weight(self, name: str) -> Any | None:
        """The initializer behind `name`, through Identity nodes, as its `onnx.TensorProto`."""
        node = self.makers.get(name)
        if node is not None and node.op_type == "Identity":
            return self.weight(node.input[0])
        return self.initializers.get(name)


def whole(value: Array | None) -> int | None:
    """The whole number in an array of one element."""
    if value is None or value.size != 1 or not np.issubdtype(value.dtype, np.integer):
        return None
    return int(value.reshape(-1)[0])


def drop_unused(model: Any) -> None:
    """Remove nodes and initializers that no output needs."""
    graph = model.graph
    needed = {value.name for value in graph.output}
    for index in range(len(graph.node) - 1, -1, -1):
        node = graph.node[index]
        if needed.isdisjoint(node.output):
            del graph.node[index]
        else:
            needed.update(node.input)
            needed.update(inner_inputs(node))
    for index in range(len(graph.initializer) - 1, -1, -1):
        if graph.initializer[index].name not in needed:
            del graph.initializer[index]


def inner_inputs(node: Any) -> set[str]:
    """What the graphs inside `node` (an If's branches) take from the graph around them."""
    found: set[str] = set()
    for attribute in node.attribute:
        for graph in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
            made = {tensor.name for tensor in graph.initializer}
            for inner in graph.node:
                found.update((*inner.input, *inner_inputs(inner)))
                made.update(inner.output)
            found.update(value.name for value in graph.output)
            found -= made
    return found


def replace_nodes(model: Any, order: list[Any]) -> None:
    """Replace the graph's nodes by `order`, some of which may be its own."""
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in order]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    del model.graph.value_info[:]


def use_domain(model: Any, domain: str, version: int) -> None:
    """Declare that nodes of `domain` may occur."""
    if all(opset.domain != domain for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(domain, version))


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators that an `onnx.ModelProto` uses."""
    return next(int(opset.version) for opset in model.opset_import if not opset.domain)
