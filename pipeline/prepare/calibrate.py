# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""How much faster are eight bits on this machine? Measured in seconds, on SDXL's own shapes."""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from pipeline.model.cpu import Cpu
from pipeline.model.prepared import CALIBRATION
from pipeline.prepare.int8 import FULL_RANGE, REDUCED_RANGE, compute_in_int8
from pipeline.prepare.recipes import Conversion
from pipeline.prepare.skeleton import Weights, load_skeleton
from pipeline.prepare.write import GRAPH_NAME, ComponentWriter

LINEAR_SHARE: Final = 0.64
"""Of SDXL's UNet, counted in operations; convolutions and attention stay as they are."""

_SHAPES: Final = ((1280, 1280), (1280, 5120), (5120, 1280))
"""The linear layers of its widest blocks, the feed-forward ones in one half."""

_TOKENS: Final = 256
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`linear_speedup`: seconds of linear layers in single precision over those in eight bits."""

    machine: str
    linear_speedup: float

    @property
    def step_speedup(self) -> float:
        """What that makes of a whole step of the UNet."""
        return 1 / (1 - LINEAR_SHARE + LINEAR_SHARE / self.linear_speedup)


def calibrate(
    models_dir: Path, cpu: Cpu, *, threads: int, progress: Callable[[str], None]
) -> Calibration:
    """The speedup of this processor with this ONNX Runtime: the one noted in `models_dir`, or
    measured now and noted there."""
    path = models_dir / "prepared" / CALIBRATION
    machine = f"{cpu.model} ({cpu.skills}), {threads} threads, ONNX Runtime {ort.__version__}"
    known = _read(path)
    if machine not in known:
        progress("Timing eight bits against single precision, a few seconds ...")
        known[machine] = measure(threads=threads, full_range=cpu.int8_is_safe)
        _write(path, known)
    return Calibration(machine=machine, linear_speedup=known[machine])


def measure(*, threads: int, full_range: bool) -> float:
    """Seconds in single precision over seconds in eight bits, the best of interleaved rounds.

    Seconds of the processor, of all threads: what else runs here doesn't count.
    """
    with tempfile.TemporaryDirectory(prefix="ekaki-calibration-") as scratch:
        single = Path(scratch) / "fp32"
        single.mkdir()
        _save_layers(single / GRAPH_NAME)
        conversion = Conversion(load_skeleton(single / GRAPH_NAME))
        largest = FULL_RANGE if full_range else REDUCED_RANGE
        compute_in_int8(conversion, largest=largest, keep="")
        weights = Weights(single)
        ComponentWriter(conversion, weights, Path(scratch) / "int8", lambda _: None).write()
        weights.close()
        sessions = [
            _session(Path(scratch) / name / GRAPH_NAME, threads) for name in ("fp32", "int8")
        ]
    tokens = np.random.default_rng(0).standard_normal((1, _TOKENS, _SHAPES[0][0]), np.float32)
    best = [float("inf")] * len(sessions)
    for _ in range(_ROUNDS):
        for index, session in enumerate(sessions):
            began = time.process_time()
            session.run(None, {"tokens": tokens})
            best[index] = min(best[index], time.process_time() - began)
    return best[0] / best[1]


def _save_layers(path: Path) -> None:
    """A graph of the layers one after another, with random weights."""
    import onnx

    random = np.random.default_rng(0)
    nodes: list[Any] = []
    weights: list[Any] = []
    name = "tokens"
    for index, (depth, width) in enumerate(_SHAPES):
        values = random.standard_normal((depth, width), np.float32) / np.float32(depth**0.5)
        weights.append(onnx.numpy_helper.from_array(values, f"weight_{index}"))
        nodes.append(onnx.helper.make_node("MatMul", [name, f"weight_{index}"], [f"out_{index}"]))
        name = f"out_{index}"
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "layers",
        [value("tokens", onnx.TensorProto.FLOAT, [1, _TOKENS, _SHAPES[0][0]])],
        [value(name, onnx.TensorProto.FLOAT, [1, _TOKENS, _SHAPES[-1][1]])],
        weights,
    )
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


def _session(path: Path, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _read(path: Path) -> dict[str, float]:
    try:
        noted: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(str(value)) for name, value in noted.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(path: Path, known: dict[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(known, indent=2), encoding="utf-8")
    draft.replace(path)
