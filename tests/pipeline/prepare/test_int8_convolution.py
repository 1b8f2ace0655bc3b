# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""Convolutions in eight bits give what they give in single precision, whatever the range."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest

from pipeline.model.folder import ModelFolder
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.prepare.convert import convert
from pipeline.prepare.int8 import FULL_RANGE, REDUCED_RANGE, compute_in_int8
from pipeline.prepare.int8_convolution import convolve_for_openvino, convolve_in_int8
from pipeline.prepare.options import Prepared
from pipeline.prepare.recipes import Conversion
from pipeline.prepare.write import GRAPH_NAME, ComponentWriter
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.openvino import computes_bf16, open_in_bf16, openvino_version
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.preparing import Shared, make

Floats = npt.NDArray[np.float32]
Run = Callable[[Floats], Floats]

DEPTH, WIDTH = 32, 24
LARGEST = FULL_RANGE if this_cpu().int8_is_safe else REDUCED_RANGE

needs_openvino = pytest.mark.skipif(
    not openvino_version(), reason="openvino is not installed: pip install '.[openvino]'"
)
needs_bf16 = pytest.mark.skipif(
    not (openvino_version() and computes_bf16(this_cpu())),
    reason="openvino is not installed, or this processor has no bfloat16",
)


def graph_of(
    folder: Path,
    *,
    kernel: int = 3,
    opset: int = 17,
    bias: bool = True,
    active: bool = True,
    **where: Any,
) -> Path:
    """Write a graph of a SiLU (unless not `active`) and a convolution."""
    make, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    random = np.random.default_rng(0)
    weights: dict[str, Floats] = {
        "weight": random.standard_normal((WIDTH, DEPTH, kernel, kernel), np.float32)
        / np.float32(17),
        "bias": random.standard_normal(WIDTH).astype(np.float32),
    }
    where = {"pads": [kernel // 2] * 4} | where
    inputs = ["active" if active else "x", *list(weights)[: 1 + bias]]
    nodes = [
        make("Sigmoid", ["x"], ["gate"]),
        make("Mul", ["gate", "x"], ["active"]),
        make("Conv", inputs, ["y"], **where),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes if active else nodes[2:],
        "layer",
        [value("x", kind, ["rows", DEPTH, "height", "width"])],
        [value("y", kind, None)],
        [onnx.numpy_helper.from_array(weights[name], name) for name in inputs[1:]],
    )
    opsets = [onnx.helper.make_opsetid("", opset)]
    folder.mkdir()
    path = folder / GRAPH_NAME
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def changed(path: Path, change: Callable[[Conversion], int]) -> tuple[Path, int]:
    """The graph in `path` after `change`, and how many convolutions that changed."""
    conversion = Conversion(load_skeleton(path))
    count = change(conversion)
    made = path.parent / "made"
    made.mkdir()
    weights = Weights(path.parent)
    ComponentWriter(conversion, weights, made, lambda _: None).write()
    weights.close()
    return made / path.name, count


def in_ort(conversion: Conversion) -> int:
    return convolve_in_int8(conversion, largest=LARGEST)


def in_openvino(conversion: Conversion) -> int:
    return convolve_for_openvino(conversion, dtype=np.dtype(np.float32))


def run_in_ort(path: Path) -> Run:
    session: Any = ort.InferenceSession(path, providers=[CPU])
    return lambda values: session.run(None, {"x": values})[0]


def run_in_openvino(path: Path) -> Run:
    session = open_in_bf16(path, threads=1)
    return lambda values: next(iter(session.run({"x": values}).values()))


def pictures(rows: int, height: int, width: int) -> Floats:
    shape = (rows, DEPTH, height, width)
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def error(got: Floats, wanted: Floats) -> float:
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("size", [(12, 20), (1, 1), (1, 7), (3, 2)])
@pytest.mark.parametrize("factor", [1e-3, 1.0, 3.0, 500.0])
@pytest.mark.parametrize("opset", [13, 21])
def test_right_for_every_range_and_size(
    factor: float, opset: int, size: tuple[int, int], tmp_path: Path
) -> None:
    path = graph_of(tmp_path / "source", opset=opset)
    made, count = changed(path, in_ort)
    assert count == 1
    values = factor * pictures(1, *size)
    assert error(run_in_ort(made)(values), run_in_ort(path)(values)) < 0.05


@needs_openvino
@pytest.mark.parametrize("factor", [1e-3, 1.0, 3.0, 500.0])
@pytest.mark.parametrize("opset", [13, 18, 21])
def test_right_in_openvino_for_every_range(factor: float, opset: int, tmp_path: Path) -> None:
    """Its range is measured, so none is too large, and rows don't share one."""
    path = graph_of(tmp_path / "source", opset=opset)
    made, count = changed(path, in_openvino)
    assert count == 1
    run = run_in_openvino(made)
    values = pictures(2, 12, 20)
    values[0] *= factor
    got, wanted = run(values), run_in_ort(path)(values)
    for row in (0, 1):
        assert error(got[row], wanted[row]) < 0.05, row
        assert error(run(values[row : row + 1])[0], got[row]) < 0.02, row


@pytest.mark.parametrize("change", [in_ort, in_openvino])
@pytest.mark.parametrize(
    "layer",
    [
        {"kernel": 1},
        {"strides": [2, 2]},
        {"dilations": [2, 2]},
        {"pads": [0, 0, 0, 0]},
        {"active": False},
    ],
)
def test_other_convolutions_stay_as_they_are(
    layer: dict[str, Any], change: Callable[[Conversion], int], tmp_path: Path
) -> None:
    path = graph_of(tmp_path / "source", **layer)
    made, count = changed(path, change)
    assert count == 0
    values = pictures(1, 8, 8)
    np.testing.assert_array_equal(run_in_ort(made)(values), run_in_ort(path)(values))


def test_a_silu_may_feed_a_linear_layer_as_well(tmp_path: Path) -> None:
    path = graph_of(tmp_path / "source")
    model = onnx.load(path)
    matrix = np.random.default_rng(2).standard_normal((DEPTH, DEPTH), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(matrix, "matrix"))
    model.graph.node.append(onnx.helper.make_node("MatMul", ["active", "matrix"], ["z"]))
    kind = onnx.TensorProto.FLOAT
    model.graph.output.append(onnx.helper.make_tensor_value_info("z", kind, None))
    onnx.save(model, path)

    def change(conversion: Conversion) -> int:
        return compute_in_int8(conversion, largest=LARGEST, keep="") + in_ort(conversion)

    made, count = changed(path, change)
    assert count == 2
    values = pictures(1, 8, DEPTH)
    assert error(run_in_ort(made)(values), run_in_ort(path)(values)) < 0.05


@pytest.mark.parametrize("change", [in_ort, pytest.param(in_openvino, marks=needs_openvino)])
def test_a_layer_without_a_bias(change: Callable[[Conversion], int], tmp_path: Path) -> None:
    path = graph_of(tmp_path / "source", bias=False)
    made, count = changed(path, change)
    assert count == 1
    run = run_in_ort if change is in_ort else run_in_openvino
    values = pictures(1, 8, 8)
    assert error(run(made)(values), run_in_ort(path)(values)) < 0.05


def test_the_last_layer_of_a_unet_stays_in_single_precision(tiny: ModelFolder) -> None:
    path = tiny.onnx_file("unet")
    nodes = convert(path, "unet", "int8", full_range=True).model.graph.node
    left = [node.name for node in nodes if node.op_type == "Conv" and "lora" not in node.name]
    assert "/conv_out/Conv" in left
    assert not [name for name in left if "/conv1/" in name or "/conv2/" in name]
    eight = [node.name for node in nodes if node.op_type == "MatMulIntegerToFloat"]
    assert [name for name in eight if name.endswith("/conv1/Conv")]


def test_a_model_that_computes_in_half_precision_keeps_its_convolutions(
    tiny: ModelFolder, shared: Shared, mapped: SessionFactory, tmp_path: Path
) -> None:
    """ONNX Runtime rounds only single precision to eight bits."""
    halved = as_source(shared(tiny, "fp16"), tmp_path / "halved")
    made = make(halved, tmp_path / "models", "int8", mapped)
    assert made.manifest.errors["unet"] < 0.01


def test_a_model_in_eight_bits_is_prepared_again(
    tiny: ModelFolder, shared: Shared, mapped: SessionFactory, tmp_path: Path
) -> None:
    """Its branch for LoRAs is removed and added anew, and nothing else with it."""
    before = as_source(shared(tiny, "int8"), tmp_path / "before")
    made = make(before, tmp_path / "models", "int8", mapped)
    assert made.manifest.errors["unet"] < 1e-6


@needs_bf16
def test_a_model_in_eight_bits_of_openvino_is_prepared_again(
    tiny: ModelFolder, shared: Shared, mapped: SessionFactory, tmp_path: Path
) -> None:
    before = as_source(shared(tiny, "int8-bf16"), tmp_path / "before")
    made = make(before, tmp_path / "models", "int8-bf16", mapped)
    assert made.path.name == "int8-bf16"


def as_source(made: Prepared, folder: Path) -> ModelFolder:
    """A prepared model that was moved to where a downloaded one would be."""
    shutil.copytree(made.path, folder)
    return ModelFolder.open(folder)
