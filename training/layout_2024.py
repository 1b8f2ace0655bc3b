# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""An export of today in the layout of early 2024, by graph surgery.

`timestep`: int64 with axis `steps` instead of a float scalar. `vae_encoder`: `latent_sample`, drawn
inside the graph, instead of `latent_parameters` (mean and log variance, joined).
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper


def to_layout_2024(folder: Path) -> None:
    """Change the model folder in place. Weights stay where they are."""
    _int_timestep(folder / "unet" / "model.onnx")
    _sampling_encoder(folder / "vae_encoder" / "model.onnx")


def _int_timestep(path: Path) -> None:
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
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
    del graph.value_info[:]
    onnx.save(model, path)


def _sampling_encoder(path: Path) -> None:
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    output = graph.output[0]
    assert output.name == "latent_parameters"
    bounds = numpy_helper.from_array
    import numpy as np

    graph.initializer.extend(
        [
            bounds(np.array(-30, np.float32), "logvar_min"),
            bounds(np.array(20, np.float32), "logvar_max"),
            bounds(np.array(0.5, np.float32), "half"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node(
                "Split", ["latent_parameters"], ["mean", "logvar_raw"], axis=1, num_outputs=2
            ),
            helper.make_node("Clip", ["logvar_raw", "logvar_min", "logvar_max"], ["logvar"]),
            helper.make_node("Mul", ["logvar", "half"], ["logstd"]),
            helper.make_node("Exp", ["logstd"], ["std"]),
            helper.make_node("RandomNormalLike", ["mean"], ["noise"]),
            helper.make_node("Mul", ["std", "noise"], ["spread"]),
            helper.make_node("Add", ["mean", "spread"], ["latent_sample"]),
        ]
    )
    shape = output.type.tensor_type.shape
    output.name = "latent_sample"
    if shape.dim[1].dim_value:
        shape.dim[1].dim_value //= 2
    del graph.value_info[:]
    onnx.save(model, path)
    onnx.checker.check_model(path)  # by its path: its weights may lie beside it
