"""Splits a UNet where its last up block begins, so that a step can reuse the deep features of an
earlier step (DeepCache, https://arxiv.org/abs/2312.00858).

The whole graph has the features as a second output. The shallow graph takes them as an input and
keeps only the first and the last blocks: a fifteenth of SDXL's work. It reads the same weight
files, and given the features of its own step it computes exactly what the whole graph does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.onnx.bare_graph import bare_graph
from pipeline.onnx.graph import GraphView, drop_unused, inner_inputs
from pipeline.onnx.library import onnx
from pipeline.onnx.linear import stored_behind
from pipeline.onnx.weight_files import SHALLOW_NAME

DEEP: Final = "deep_features"
"""The features' name, as an output of the whole graph and an input of the shallow one."""

_CHANNELS: Final = 1  # the axis along which a skip connection joins
_SHAPE: Final = ("rows", "channels", "deep_height", "deep_width")


def give_deep_features(model: Any, layers: Sequence[int], stored: Mapping[str, int]) -> bool:
    """Add the output to an `onnx.ModelProto`; False if its blocks are not found.

    `layers`: how many layers each up block has. `stored`: the ONNX type in which each weight is
    stored, by its name. The output has the type that the graph computes in, except bfloat16, which
    numpy lacks: there it is float32.
    """
    remove_deep_features(model)
    join = _last_up_block(model, layers)
    kind = None if join is None else _kind(GraphView(model), str(join.input[0]), stored)
    if join is None or kind is None:
        return False
    features, given = str(join.input[0]), _given(kind)
    model.graph.node.append(_cast(features, DEEP, kind, given))
    model.graph.output.append(onnx.helper.make_tensor_value_info(DEEP, given, _SHAPE))
    return True


def remove_deep_features(model: Any) -> None:
    """Remove the output again, if there is one."""
    graph = model.graph
    for values in (graph.output, graph.node):
        for index in range(len(values) - 1, -1, -1):
            if values[index].name == DEEP:
                del values[index]


def write_shallow(path: Path) -> Path | None:
    """Write the shallow graph beside the whole one in `path`; None if that has no deep features.
    Returns its path."""
    model = onnx.load_model_from_string(bare_graph(path))
    if not make_shallow(model):
        return None
    target = path.with_name(SHALLOW_NAME)
    target.write_bytes(model.SerializeToString(deterministic=True))
    return target


def make_shallow(model: Any) -> bool:
    """Reduce an `onnx.ModelProto` to the shallow graph; False if it has no deep features."""
    graph = model.graph
    out = next((node for node in graph.node if node.name == DEEP), None)
    if out is None:
        return False
    features = str(out.input[0])
    given = next(value.type.tensor_type.elem_type for value in graph.output if value.name == DEEP)
    # Only bfloat16 is cast.
    kind = onnx.TensorProto.BFLOAT16 if out.op_type == "Cast" else given
    remove_deep_features(model)
    maker = GraphView(model).makers[features]
    for index, name in enumerate(maker.output):
        if name == features:
            maker.output[index] = f"{features}/deep"
    graph.node.insert(0, _cast(DEEP, features, given, kind))
    graph.input.append(onnx.helper.make_tensor_value_info(DEEP, given, _SHAPE))
    drop_unused(model)
    used = {name for node in graph.node for name in (*node.input, *inner_inputs(node))}
    for index in range(len(graph.input) - 1, -1, -1):
        if graph.input[index].name not in used:
            del graph.input[index]
    del graph.value_info[:]
    return True


def _last_up_block(model: Any, layers: Sequence[int]) -> Any | None:
    """The node that joins the last up block's input with its first skip connection; None where the
    graph has not one such node for each of `layers`."""
    joins = [node for node in model.graph.node if _joins_channels(node)]
    return joins[-layers[-1]] if layers and len(joins) == sum(layers) else None


def _joins_channels(node: Any) -> bool:
    return (
        node.op_type == "Concat"
        and len(node.input) == len(("hidden", "skip"))
        and any(each.name == "axis" and each.i == _CHANNELS for each in node.attribute)
    )


def _kind(view: GraphView, name: str, stored: Mapping[str, int]) -> int | None:
    """The ONNX type of a value that a convolution makes, maybe changed on the way."""
    while (node := view.makers.get(name)) is not None:
        if node.op_type == "Conv":
            weight, kind = stored_behind(view, node.input[1])
            return kind if kind is not None else stored[weight.name] if weight else None
        name = node.input[0]
    return None


def _given(kind: int) -> int:
    """The type in which features leave a graph that computes in `kind`."""
    return int(onnx.TensorProto.FLOAT) if kind == onnx.TensorProto.BFLOAT16 else kind


def _cast(source: str, target: str, of: int, to: int) -> Any:
    """A node that gives `source` the name `target`, and another type where needed."""
    if of == to:
        return onnx.helper.make_node("Identity", [source], [target], name=DEEP)
    return onnx.helper.make_node("Cast", [source], [target], name=DEEP, to=to)
