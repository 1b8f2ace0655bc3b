# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""An export of today in the layout of early 2024, by graph surgery.

As in `tests/pipeline/export_2024_04`, a real one: `timestep` is int64 with axis `steps` instead
of a float scalar; `vae_encoder` gives `latent_sample`, drawn inside the graph, instead of
`latent_parameters` (mean and log variance, joined); `input_ids` of the first text encoder are
int32; channels are named, not counted; opset 14, which has no LayerNormalization.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET: Final = 14
_IR_VERSION: Final = 7
_LATER_ATTRIBUTES: Final = {
    "Resize": {"antialias", "axes", "keep_aspect_ratio_policy"},
    "Split": {"num_outputs"},
}
"""What opset 18 added and exporters fill with what was meant before."""

_CHANNELS: Final = {
    "unet": {"sample": "num_channels", "out_sample": "num_channels"},
    "vae_decoder": {"latent_sample": "num_channels_latent", "sample": "num_channels"},
    "vae_encoder": {"sample": "num_channels", "latent_sample": "num_channels_latent"},
}


def to_layout_2024(folder: Path) -> None:
    """Change the model's folder in place. Weights stay where they are."""
    changes: dict[str, Callable[[Any], None]] = {
        "text_encoder": _int32_ids,
        "text_encoder_2": lambda _: None,
        "unet": _int_timestep,
        "vae_decoder": lambda _: None,
        "vae_encoder": _sampling_encoder,
    }
    for component, change in changes.items():
        path = folder / component / "model.onnx"
        model = onnx.load(path, load_external_data=False)
        change(model.graph)
        _to_opset_14(model)
        for value in (*model.graph.input, *model.graph.output):
            name = _CHANNELS.get(component, {}).get(value.name)
            if name is not None:
                value.type.tensor_type.shape.dim[1].dim_param = name
        del model.graph.value_info[:]
        onnx.save(model, path)
        onnx.checker.check_model(path)  # by its path: its weights may lie beside it


def _int32_ids(graph: Any) -> None:
    ids = next(value for value in graph.input if value.name == "input_ids")
    ids.type.tensor_type.elem_type = TensorProto.INT32
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == "input_ids":
                node.input[index] = "input_ids_int64"
    cast = helper.make_node("Cast", ["input_ids"], ["input_ids_int64"], to=TensorProto.INT64)
    graph.node.insert(0, cast)


def _int_timestep(graph: Any) -> None:
    timestep = next(value for value in graph.input if value.name == "timestep")
    timestep.type.tensor_type.elem_type = TensorProto.INT64
    del timestep.type.tensor_type.shape.dim[:]
    timestep.type.tensor_type.shape.dim.add().dim_param = "steps"
    index, node = next(
        (index, node)
        for index, node in enumerate(graph.node)
        if node.op_type == "Unsqueeze" and node.input[0] == "timestep"
    )
    graph.node.remove(node)
    cast = helper.make_node("Cast", ["timestep"], [node.output[0]], to=TensorProto.FLOAT)
    graph.node.insert(index, cast)


def _sampling_encoder(graph: Any) -> None:
    output = graph.output[0]
    assert output.name == "latent_parameters"
    for name, value in (("logvar_min", -30), ("logvar_max", 20), ("half", 0.5)):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    graph.node.extend(
        [
            helper.make_node("Split", ["latent_parameters"], ["mean", "logvar_raw"], axis=1),
            helper.make_node("Clip", ["logvar_raw", "logvar_min", "logvar_max"], ["logvar"]),
            helper.make_node("Mul", ["logvar", "half"], ["logstd"]),
            helper.make_node("Exp", ["logstd"], ["std"]),
            helper.make_node("RandomNormalLike", ["mean"], ["noise"]),
            helper.make_node("Mul", ["std", "noise"], ["spread"]),
            helper.make_node("Add", ["mean", "spread"], ["latent_sample"]),
        ]
    )
    output.name = "latent_sample"


def _to_opset_14(model: Any) -> None:
    """Other words for what opset 14 does not have. The checker finds what is left over."""
    graph = model.graph
    nodes: list[Any] = []
    for node in graph.node:
        nodes += _layer_norm(graph, node) if node.op_type == "LayerNormalization" else [node]
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    for node in graph.node:
        later = _LATER_ATTRIBUTES.get(node.op_type, set())
        for attribute in [each for each in node.attribute if each.name in later]:
            node.attribute.remove(attribute)
    model.ir_version = _IR_VERSION
    for opset in model.opset_import:
        if opset.domain == "":
            opset.version = OPSET


def _layer_norm(graph: Any, node: Any) -> list[Any]:
    """The same in the nodes that torch exported to opset 14."""
    said = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    assert said.get("axis", -1) == -1, node.name
    name, source = node.output[0], node.input[0]
    constants = {"two": 2.0, "epsilon": said.get("epsilon", 1e-5)}
    for each, value in constants.items():
        tensor = numpy_helper.from_array(np.array(value, np.float32), f"{name}.{each}")
        graph.initializer.append(tensor)

    def made(kind: str, inputs: list[str], output: str, **rest: Any) -> Any:
        return helper.make_node(kind, inputs, [output], **rest)

    scaled = f"{name}.scaled" if len(node.input) > 2 else name
    nodes = [
        made("ReduceMean", [source], f"{name}.mean", axes=[-1]),
        made("Sub", [source, f"{name}.mean"], f"{name}.centred"),
        made("Pow", [f"{name}.centred", f"{name}.two"], f"{name}.squares"),
        made("ReduceMean", [f"{name}.squares"], f"{name}.variance", axes=[-1]),
        made("Add", [f"{name}.variance", f"{name}.epsilon"], f"{name}.sum"),
        made("Sqrt", [f"{name}.sum"], f"{name}.deviation"),
        made("Div", [f"{name}.centred", f"{name}.deviation"], f"{name}.normal"),
        made("Mul", [f"{name}.normal", node.input[1]], scaled),
    ]
    if len(node.input) > 2:
        nodes.append(made("Add", [scaled, node.input[2]], name))
    return nodes
