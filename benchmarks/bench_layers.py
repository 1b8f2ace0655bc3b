# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false
# (the border to onnx and the runtimes, whose types are partly missing)
"""`python -m benchmarks.bench_layers`: layers of SDXL's shapes in eight bits, in both runtimes.

Each way takes turns with single precision in ONNX Runtime, on one thread; ratios are those of the
processor's seconds. Convolutions follow a SiLU, as most of SDXL's do. Where a range has to be known
beforehand it is that of the same input, so that errors are the least that eight bits make.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from benchmarks.report import Row
from benchmarks.results import Meter, publish
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.prepare.int8_convolution import convolve_for_openvino, convolve_in_int8
from pipeline.prepare.recipes import Conversion
from pipeline.prepare.write import GRAPH_NAME, ComponentWriter
from pipeline.runtime.openvino import openvino_version
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import session_options

Floats = npt.NDArray[np.float32]
Run = Callable[[Floats], Floats]

CONVOLUTIONS: Final = ((1280, 32), (640, 64), (320, 128))
"""Channels and side of SDXL's three levels at 1024x1024."""
LINEAR: Final = ((1024, 1280, 5120), (4096, 640, 2560))
"""Tokens, depth and width."""
GROUPS: Final = (32, 128, 320)
ROUNDS: Final = 5
_STEPS: Final = 255
_LARGEST: Final = 127


class Layer:
    """A layer with random weights (out, in, ...) and the ranges of what it takes and makes."""

    def __init__(self, weight: Floats, given: Floats, made: Floats) -> None:
        self.weight = weight
        axes = tuple(range(1, weight.ndim))
        self.scale: Floats = np.abs(weight).max(axis=axes).astype(np.float32) / _LARGEST
        column = self.scale.reshape(-1, *[1] * len(axes))
        self.rounded = np.rint(weight / column).astype(np.int8)
        self.given, self.made = _scale_and_zero(given), _scale_and_zero(made)


def _scale_and_zero(values: Floats) -> tuple[np.float32, np.uint8]:
    low, high = min(float(values.min()), 0.0), float(values.max())
    scale = np.float32((high - low) / _STEPS)
    return scale, np.uint8(round(-low / scale))


def _graph(nodes: list[Any], weights: Mapping[str, Any], axes: int) -> bytes:
    """A model of `nodes` from `x` to `y`, whose sizes are free."""
    sides = [f"side_{axis}" for axis in range(axes)]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString())


def _silu() -> list[Any]:
    """From `x` to `active`."""
    make = helper.make_node
    return [make("Sigmoid", ["x"], ["gate"]), make("Mul", ["x", "gate"], ["active"])]


def convolution(weight: Floats) -> bytes:
    """In single precision, with what is before it."""
    node = helper.make_node("Conv", ["active", "w"], ["y"], name="conv", pads=[1] * 4)
    return _graph([*_silu(), node], {"w": weight}, weight.ndim)


def rounded(graph: bytes, folder: Path, change: Callable[[Conversion], int]) -> Path:
    """`convolution` in eight bits as prepared models have it, in a new `folder`."""
    source, target = folder / "source", folder / "target"
    for each in (source, target):
        each.mkdir(parents=True)
    (source / GRAPH_NAME).write_bytes(graph)
    conversion = Conversion(load_skeleton(source / GRAPH_NAME))
    change(conversion)
    weights = Weights(source)
    ComponentWriter(conversion, weights, target, lambda _: None).write()
    weights.close()
    return target / GRAPH_NAME


def as_product(conversion: Conversion) -> int:
    """As the variant int8 has it."""
    return convolve_in_int8(conversion, largest=_LARGEST)


def in_range(conversion: Conversion) -> int:
    """As the variant int8-bf16 has it."""
    return convolve_for_openvino(conversion, dtype=np.dtype(np.float32))


def quantised(layer: Layer) -> bytes:
    """`QLinearConv`: input and output have scales that are known beforehand."""
    make = helper.make_node
    (scale, zero), (out_scale, out_zero) = layer.given, layer.made
    parts = ["q", "scale", "zero", "w", "w_scale", "w_zero", "out_scale", "out_zero"]
    nodes = [
        *_silu(),
        make("QuantizeLinear", ["active", "scale", "zero"], ["q"]),
        make("QLinearConv", parts, ["made"], pads=[1] * 4),
        make("DequantizeLinear", ["made", "out_scale", "out_zero"], ["y"]),
    ]
    weights = {
        "scale": scale,
        "zero": zero,
        "w": layer.rounded,
        "w_scale": layer.scale,
        "w_zero": np.zeros(len(layer.scale), np.int8),
        "out_scale": out_scale,
        "out_zero": out_zero,
    }
    return _graph(nodes, weights, layer.weight.ndim)


def dynamic(layer: Layer) -> bytes:
    """`ConvInteger`: the input's scale is measured in each run."""
    make = helper.make_node
    nodes = [
        *_silu(),
        make("DynamicQuantizeLinear", ["active"], ["q", "scale", "zero"]),
        make("ConvInteger", ["q", "w", "zero"], ["sums"], pads=[1] * 4),
        make("Cast", ["sums"], ["wide"], to=TensorProto.FLOAT),
        make("Mul", ["scale", "w_scale"], ["factor"]),
        make("Mul", ["wide", "factor"], ["y"]),
    ]
    column = layer.scale.reshape(1, -1, 1, 1)
    return _graph(nodes, {"w": layer.rounded, "w_scale": column}, layer.weight.ndim)


def quantised_input(layer: Layer) -> bytes:
    """The input rounded to a scale known beforehand, weights in eight bits; OpenVINO computes that
    in eight bits and gives single precision."""
    make = helper.make_node
    scale, zero = layer.given
    nodes = [
        *_silu(),
        make("QuantizeLinear", ["active", "scale", "zero"], ["q"]),
        make("DequantizeLinear", ["q", "scale", "zero"], ["rounded"]),
        make("DequantizeLinear", ["w", "w_scale", "w_zero"], ["weight"], axis=0),
        make("Conv", ["rounded", "weight"], ["y"], pads=[1] * 4),
    ]
    weights = {
        "scale": scale,
        "zero": zero,
        "w": layer.rounded,
        "w_scale": layer.scale,
        "w_zero": np.zeros(len(layer.scale), np.int8),
    }
    return _graph(nodes, weights, layer.weight.ndim)


def product(weight: Floats) -> bytes:
    """A linear layer in single precision."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return _graph(nodes, {"w": np.ascontiguousarray(weight.T)}, 3)


def stored(layer: Layer) -> bytes:
    """A linear layer whose weights are stored in eight bits, as in the variant int8-bf16."""
    make = helper.make_node
    nodes = [
        make("Cast", ["w"], ["wide"], to=TensorProto.FLOAT),
        make("Mul", ["wide", "w_scale"], ["weight"]),
        make("MatMul", ["x", "weight"], ["y"]),
    ]
    weights = {"w": np.ascontiguousarray(layer.rounded.T), "w_scale": layer.scale.reshape(1, -1)}
    return _graph(nodes, weights, 3)


def in_ort(graph: bytes | Path) -> Run:
    """In ONNX Runtime."""
    session: Any = ort.InferenceSession(graph, session_options(1), providers=[CPU])
    return lambda values: session.run(None, {"x": values})[0]


def in_openvino(graph: bytes | Path, precision: str, group: int | None = None) -> Run:
    """In OpenVINO, on numbers quantised `group` at a time."""
    import openvino

    core = openvino.Core()
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1}
    options["ENABLE_CPU_PINNING"] = False
    if group is not None:
        options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = group
    request: Any = core.compile_model(core.read_model(graph), "CPU", options).create_infer_request()
    return lambda values: np.array(request.infer({"x": values})[0])


def _random(shape: tuple[int, ...]) -> Floats:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _active(values: Floats) -> Floats:
    """What a SiLU makes of `values`."""
    return (values / (1 + np.exp(-values))).astype(np.float32)


def rows(rounds: int, folder: Path, *, openvino: bool) -> Iterator[Row]:
    """A row for each way of each layer. What has to be a file is made in `folder`."""
    for channels, side in CONVOLUTIONS:
        weight = _random((channels, channels, 3, 3)) / np.float32((9 * channels) ** 0.5)
        values = _random((1, channels, side, side))
        graph = convolution(weight)
        layer = Layer(weight, _active(values), in_ort(graph)(values))
        runs = {
            "single precision": in_ort(graph),
            "`QLinearConv`": in_ort(quantised(layer)),
            "`ConvInteger`": in_ort(dynamic(layer)),
            "a product of matrices in eight bits": in_ort(
                rounded(graph, folder / f"{channels}-product", as_product)
            ),
        }
        if openvino:
            runs |= {
                "OpenVINO, bf16": in_openvino(graph, "bf16"),
                "OpenVINO, eight bits, range known": in_openvino(quantised_input(layer), "bf16"),
                "OpenVINO, eight bits, range measured": in_openvino(
                    rounded(graph, folder / f"{channels}-range", in_range), "bf16"
                ),
            }
        yield from _timed(f"convolution, {channels} at {side}x{side}", runs, values, rounds)
    for tokens, depth, width in LINEAR:
        weight = _random((width, depth)) / np.float32(depth**0.5)
        values = _active(_random((1, tokens, depth)))
        graph = product(weight)
        runs = {"single precision": in_ort(graph)}
        if openvino:
            layer = Layer(weight, values, values)
            runs["OpenVINO, bf16"] = in_openvino(graph, "bf16")
            for group in GROUPS:
                name = f"OpenVINO, eight bits, groups of {group}"
                runs[name] = in_openvino(stored(layer), "bf16", group)
        yield from _timed(f"linear, {tokens} x {depth} x {width}", runs, values, rounds)


def _timed(name: str, runs: Mapping[str, Run], values: Floats, rounds: int) -> Iterator[Row]:
    """The first of `runs` is what the others are compared with."""
    made = {way: run(values) for way, run in runs.items()}
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for way, run in runs.items():
            began = time.process_time()
            run(values)
            best[way] = min(best[way], time.process_time() - began)
    first = next(iter(runs))
    size = float(np.sqrt(np.square(made[first]).mean()))
    for way in runs:
        error = float(np.sqrt(np.square(made[way] - made[first]).mean())) / size
        yield Row(
            f"{name}, {way}",
            cells={
                "ms of the processor": f"{1000 * best[way]:.0f}",
                "times as fast": f"{best[first] / best[way]:.2f}",
                "error": f"{error:.4f}",
            },
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_layers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="leave the figures there")
    args = parser.parse_args()
    meter = Meter()
    with tempfile.TemporaryDirectory(prefix="ekaki-layers-") as folder:
        made = list(rows(args.rounds, Path(folder), openvino=bool(openvino_version())))
    spent = meter.read()
    title = "Layers of SDXL in eight bits, one thread"
    publish(made, spent, title=title, name="layers", folder=args.json)


if __name__ == "__main__":
    main()
