"""The measured speed of this machine, stored with its models."""

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, cast

import onnxruntime as ort

from pipeline.disk import replace_json
from pipeline.model.options import IN_BF16, Variant
from pipeline.plan.prepared import CALIBRATION
from pipeline.runtime.cpu import Cpu
from pipeline.runtime.openvino import computes_bf16, openvino_version

LINEAR_SHARE: Final = 0.64
"""Of SDXL's UNet, counted in operations; convolutions and attention are the rest."""


CONV_SHARE: Final = 0.24

_LEAST: Final = 1e-6
_MOST: Final = 1e18
"""What a note may say: no processor is slower or faster, and nothing overflows in between."""

BEHIND_SILU: Final = 0.8
"""Of its convolutions' operations, those that are computed in eight bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """`linear_flops` and `conv_flops`: operations a second of linear layers and convolutions in
    single precision, all threads together, on a machine that does nothing else.

    The rest are seconds of layers in single precision over those in another form. `int8_linear`
    and `int8_conv`: in eight bits; `bf16_linear` and `bf16_conv`: in OpenVINO, and
    `bf16_int8_linear` and `bf16_int8_conv` there in eight bits; None where it can't be used.
    """

    linear_flops: float
    conv_flops: float
    int8_linear: float
    int8_conv: float = 1.0
    bf16_linear: float | None = None
    bf16_conv: float | None = None
    bf16_int8_linear: float | None = None
    bf16_int8_conv: float | None = None

    def convolutions(self, variant: Variant) -> float:
        """All convolutions of the UNet in `variant`, of which some are in eight bits."""
        if variant == "int8":
            return _mixed(1, self.int8_conv)
        if variant not in IN_BF16 or self.bf16_conv is None:
            return 1
        if variant == "bf16" or self.bf16_int8_conv is None:
            return self.bf16_conv
        return _mixed(self.bf16_conv, self.bf16_int8_conv)


def _mixed(usual: float, in_eight_bits: float) -> float:
    """Of convolutions of which those behind a SiLU are in eight bits."""
    return 1 / (BEHIND_SILU / in_eight_bits + (1 - BEHIND_SILU) / usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was measured on `machine`."""

    machine: str
    speeds: Speeds

    @property
    def int8_step(self) -> float:
        """The relative time of a whole UNet step in eight bits."""
        beside = 1 - LINEAR_SHARE - CONV_SHARE
        conv = CONV_SHARE / self.speeds.convolutions("int8")
        return 1 / (beside + LINEAR_SHARE / self.speeds.int8_linear + conv)

    @property
    def bf16_step(self) -> float | None:
        """The relative time in OpenVINO, counting attention as linear layers."""
        linear, conv = self.speeds.bf16_linear, self.speeds.bf16_conv
        if linear is None or conv is None:
            return None
        return 1 / ((1 - CONV_SHARE) / linear + CONV_SHARE / conv)

    @property
    def int8_bf16_step(self) -> float | None:
        """The same with linear layers and most convolutions in eight bits."""
        attention, eight = self.speeds.bf16_linear, self.speeds.bf16_int8_linear
        if attention is None or eight is None:
            return None
        beside = (1 - LINEAR_SHARE - CONV_SHARE) / attention
        conv = CONV_SHARE / self.speeds.convolutions("int8-bf16")
        return 1 / (beside + LINEAR_SHARE / eight + conv)


def noted(models_dir: Path, cpu: Cpu, *, threads: int) -> Calibration | None:
    """What `calibrate` stored for this processor; None if it has not run."""
    machine = _name(cpu, threads)
    speeds = _read(models_dir / "prepared" / CALIBRATION).get(machine)
    return None if speeds is None else Calibration(machine=machine, speeds=speeds)


def note(models_dir: Path, cpu: Cpu, speeds: Speeds, *, threads: int) -> Calibration:
    """Store the measurements of this processor in `models_dir`."""
    path, machine = models_dir / "prepared" / CALIBRATION, _name(cpu, threads)
    _write(path, _read(path) | {machine: speeds})
    return Calibration(machine=machine, speeds=speeds)


def openvino_for(cpu: Cpu) -> str:
    """OpenVINO's version if `cpu` computes in bfloat16 with it, otherwise an empty string."""
    return openvino_version() if computes_bf16(cpu) else ""


def _name(cpu: Cpu, threads: int) -> str:
    openvino = openvino_for(cpu)
    runtimes = f"ONNX Runtime {ort.__version__}" + (f", OpenVINO {openvino}" if openvino else "")
    return f"{cpu.model} ({cpu.skills}), {threads} threads, {runtimes}"


def _read(path: Path) -> dict[str, Speeds]:
    """The stored values; a note in an older format counts as none."""
    try:
        notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Speeds(**cast("dict[str, float]", note))
            for name, note in notes.items()
            if isinstance(note, dict) and _are_speeds(cast("dict[str, object]", note))
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _are_speeds(note: dict[str, object]) -> bool:
    return note.keys() == {field.name for field in fields(Speeds)} and all(
        (isinstance(value, int | float) and _LEAST < value < _MOST)
        or (value is None and name.startswith("bf16"))
        for name, value in note.items()
    )


def _write(path: Path, known: dict[str, Speeds]) -> None:
    """If the folder can't be written, only the same seconds are spent again next time."""
    notes = {name: asdict(speeds) for name, speeds in known.items()}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_json(path, notes, indent=2)
