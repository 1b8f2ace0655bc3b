"""Gives a UNet exported with a scalar `timestep` one timestep per row, changing only the graph."""

from pathlib import Path
from typing import Any

from pipeline.onnx.library import onnx


def with_timestep_axis(path: Path) -> bytes | None:
    """The graph of `path` with `timestep` as float `['steps']`, serialised without external data.

    None if nothing has to be done (the axis is there) or it can't be done: the scalar does not go
    through one Unsqueeze into an Expand over the rows, or the graph exceeds protobuf's 2 GiB.
    """
    if path.stat().st_size >= 2**31:
        return None
    model = onnx.load(str(path), load_external_data=False)
    return bytes(model.SerializeToString()) if give_timestep_axis(model) else None


def give_timestep_axis(model: Any) -> bool:
    """Change an `onnx.ModelProto` like that; False if nothing was or could be done."""
    graph = model.graph
    timestep = next((value for value in graph.input if value.name == "timestep"), None)
    if timestep is None or len(timestep.type.tensor_type.shape.dim) > 0:
        return False
    users = [(index, node) for index, node in enumerate(graph.node) if "timestep" in node.input]
    if len(users) != 1 or users[0][1].op_type != "Unsqueeze":
        return False
    index, node = users[0]
    if not _only_expanded(graph, node.output[0]):
        return False
    timestep.type.tensor_type.shape.dim.add().dim_param = "steps"
    graph.node.remove(node)
    graph.node.insert(index, onnx.helper.make_node("Identity", ["timestep"], [node.output[0]]))
    del graph.value_info[:]
    return True


def _only_expanded(graph: Any, name: str) -> bool:
    """Whether `name` goes into Expands alone, casts on the way allowed."""
    users = [node for node in graph.node if name in node.input]
    return bool(users) and all(
        node.op_type == "Expand"
        or (node.op_type == "Cast" and _only_expanded(graph, node.output[0]))
        for node in users
    )
