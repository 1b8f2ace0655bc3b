"""Measures how fast this machine is, and how much faster in eight bits or in OpenVINO in bfloat16,
within seconds, on SDXL's own shapes."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from pipeline.onnx.library import onnx
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.prepare.int8 import (
    FULL_RANGE,
    REDUCED_RANGE,
    compute_in_int8,
    store_for_openvino,
)
from pipeline.prepare.int8_convolution import convolve_for_openvino, convolve_in_int8
from pipeline.prepare.recipes import Conversion
from pipeline.prepare.write import GRAPH_NAME, ComponentWriter
from pipeline.runtime.cpu import Cpu
from pipeline.runtime.openvino import open_in_bf16
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import session_options
from pipeline.speed.notes import Calibration, Speeds, note, noted, openvino_for

_SHAPES: Final = ((1280, 1280), (1280, 5120), (5120, 1280))
"""The linear layers of its widest blocks, the feed-forward ones in one half."""

_CONV_CHANNELS: Final = (640, 640)
_CONV_SIDE: Final = 32
_KINDS: Final = ("fp32", "int8", "stored", "conv", "conv-int8", "conv-rounded")
_TOKENS: Final = 256
_ROUNDS: Final = 5
_LEAST_S: Final = 0.05
"""Windows counts the processor's time in steps of 1/64 s, in which some layers seem to take no
time."""
_INPUT: Final = "values"


def calibrate(
    models_dir: Path, cpu: Cpu, *, threads: int, progress: Callable[[str], None]
) -> Calibration:
    """The speeds of this processor with these runtimes: those stored in `models_dir`, or measured
    now and stored there."""
    found = noted(models_dir, cpu, threads=threads)
    if found is not None:
        return found
    openvino = bool(openvino_for(cpu))
    what = "eight bits and bfloat16" if openvino else "eight bits"
    progress(f"Timing {what} against single precision, a few seconds ...")
    speeds = measure(threads=threads, full_range=cpu.int8_is_safe, openvino=openvino)
    return note(models_dir, cpu, speeds, threads=threads)


def measure(*, threads: int, full_range: bool, openvino: bool) -> Speeds:
    """The best of interleaved rounds. `openvino`: whether to measure that as well.

    Processor seconds of all threads, so that other programs don't count.
    """
    with tempfile.TemporaryDirectory(prefix="ekaki-calibration-") as scratch:
        folders = {name: Path(scratch) / name for name in _KINDS}
        for folder in folders.values():
            folder.mkdir()
        _save_layers(folders["fp32"] / GRAPH_NAME)
        _save_convolution(folders["conv"] / GRAPH_NAME)
        largest = FULL_RANGE if full_range else REDUCED_RANGE
        single = np.dtype(np.float32)
        changes: dict[str, tuple[str, Callable[[Conversion], object]]] = {
            "int8": ("fp32", lambda graph: compute_in_int8(graph, largest=largest, keep="")),
            "stored": ("fp32", lambda graph: store_for_openvino(graph, dtype=single, keep="")),
            "conv-int8": ("conv", lambda graph: convolve_in_int8(graph, largest=largest)),
            "conv-rounded": ("conv", lambda graph: convolve_for_openvino(graph, dtype=single)),
        }
        for name, (source, change) in changes.items():
            _convert(folders[source], folders[name], change)
        graphs = {name: folder / GRAPH_NAME for name, folder in folders.items()}
        random = np.random.default_rng(0)
        tokens = random.standard_normal((1, _TOKENS, _SHAPES[0][0]), np.float32)
        picture = random.standard_normal((1, _CONV_CHANNELS[0], _CONV_SIDE, _CONV_SIDE), np.float32)
        linear = [_in_ort(graphs[name], threads, tokens) for name in ("fp32", "int8")]
        convolutions = [_in_ort(graphs[name], threads, picture) for name in ("conv", "conv-int8")]
        if openvino:
            linear += [_in_openvino(graphs[name], threads, tokens) for name in ("fp32", "stored")]
            convolutions += [
                _in_openvino(graphs[name], threads, picture) for name in ("conv", "conv-rounded")
            ]
        linear_s, eight_s, *half_s = _best(linear)
        conv_s, eight_conv_s, *half_conv_s = _best(convolutions)
    return Speeds(
        linear_flops=_linear_operations() * threads / linear_s,
        conv_flops=_conv_operations() * threads / conv_s,
        int8_linear=linear_s / eight_s,
        int8_conv=conv_s / eight_conv_s,
        bf16_linear=linear_s / half_s[0] if half_s else None,
        bf16_conv=conv_s / half_conv_s[0] if half_conv_s else None,
        bf16_int8_linear=linear_s / half_s[1] if half_s else None,
        bf16_int8_conv=conv_s / half_conv_s[1] if half_conv_s else None,
    )


def _convert(source: Path, target: Path, change: Callable[[Conversion], object]) -> None:
    """Write the graph in the folder `source`, changed, into the folder `target`."""
    conversion = Conversion(load_skeleton(source / GRAPH_NAME))
    change(conversion)
    weights = Weights(source)
    ComponentWriter(conversion, weights, target, lambda _: None).write()
    weights.close()


def _linear_operations() -> float:
    return sum(2.0 * _TOKENS * depth * width for depth, width in _SHAPES)


def _conv_operations() -> float:
    deep, wide = _CONV_CHANNELS
    return 2.0 * 9 * deep * wide * _CONV_SIDE**2


def _best(runs: list[Callable[[], object]]) -> list[float]:
    """The least processor time that each of `runs` took, in turn."""
    best = [float("inf")] * len(runs)
    for _ in range(_ROUNDS):
        for index, run in enumerate(runs):
            best[index] = min(best[index], _seconds(run))
    return best


def _seconds(run: Callable[[], object]) -> float:
    """The processor time of `run`, the mean of as many as take long enough to be measured."""
    began, count, spent = time.process_time(), 0, 0.0
    while spent < _LEAST_S:
        run()
        count += 1
        spent = time.process_time() - began
    return spent / count


def _in_ort(path: Path, threads: int, values: Any) -> Callable[[], object]:
    session: Any = ort.InferenceSession(str(path), session_options(threads), providers=[CPU])
    return lambda: session.run(None, {_INPUT: values})


def _in_openvino(path: Path, threads: int, values: Any) -> Callable[[], object]:
    session = open_in_bf16(path, threads=threads)
    return lambda: session.run({_INPUT: values})


def _save_layers(path: Path) -> None:
    """A graph of the linear layers one after another, with random weights."""
    random = np.random.default_rng(0)
    nodes: list[Any] = []
    weights: list[Any] = []
    name = _INPUT
    for index, (depth, width) in enumerate(_SHAPES):
        values = random.standard_normal((depth, width), np.float32) / np.float32(depth**0.5)
        weights.append(onnx.numpy_helper.from_array(values, f"weight_{index}"))
        nodes.append(onnx.helper.make_node("MatMul", [name, f"weight_{index}"], [f"out_{index}"]))
        name = f"out_{index}"
    shapes = ([1, _TOKENS, _SHAPES[0][0]], [1, _TOKENS, _SHAPES[-1][1]])
    _save(path, nodes, weights, shapes)


def _save_convolution(path: Path) -> None:
    """A graph of one convolution of its middle level, behind a SiLU."""
    deep, wide = _CONV_CHANNELS
    values = np.random.default_rng(0).standard_normal((wide, deep, 3, 3), np.float32)
    weight = onnx.numpy_helper.from_array(values / np.float32((9 * deep) ** 0.5), "weight")
    make = onnx.helper.make_node
    nodes = [
        make("Sigmoid", [_INPUT], ["gate"]),
        make("Mul", [_INPUT, "gate"], ["active"]),
        make("Conv", ["active", "weight"], ["out_0"], pads=[1, 1, 1, 1]),
    ]
    shapes = ([1, deep, _CONV_SIDE, _CONV_SIDE], [1, wide, _CONV_SIDE, _CONV_SIDE])
    _save(path, nodes, [weight], shapes)


def _save(
    path: Path, nodes: list[Any], weights: list[Any], shapes: tuple[list[int], list[int]]
) -> None:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "layers",
        [value(_INPUT, onnx.TensorProto.FLOAT, shapes[0])],
        [value(nodes[-1].output[0], onnx.TensorProto.FLOAT, shapes[1])],
        weights,
    )
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
