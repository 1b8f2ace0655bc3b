"""The ways of running a UNet that are compared, what is seen of each, and the tables of it."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.contender import TORCH, TORCH_BF16, Contender, Entry, Floats, Step
from benchmarks.memory import NOTHING, Memory
from benchmarks.preparing import Preparation
from benchmarks.report import LEFT_OUT, Row
from pipeline.errors import ModelError
from pipeline.model.options import Variant
from pipeline.plan.prepared import check_fit
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.openvino import computes_bf16
from pipeline.runtime.providers import CPU
from training.random_parts import RandomKind

SIZES: Final = ("1024x1024", "832x1216")
HOME: Final = Path("models")
STOCK: Final = "stock"
VARIANTS: Final[tuple[Variant, ...]] = ("fp32", "int8", "bf16", "int8-bf16")

_OURS: Final[Mapping[str, Variant]] = {
    "own fp32": "fp32",
    "own fp32, weights in memory": "fp32",
    "own int8": "int8",
    "own bf16 (OpenVINO)": "bf16",
    "own int8-bf16 (OpenVINO)": "int8-bf16",
}
NAMED_AFTER: Final[Mapping[str, Variant]] = {
    name: variant for name, variant in _OURS.items() if "weights in memory" not in name
}
"""One for each variant, as it runs unless there is much memory."""

NAMES: Final = (STOCK, *_OURS, *TORCH)
"""Everybody, in the order of their turns. `stock` comes first: others are compared with it."""


def pixels(size: str) -> tuple[int, int]:
    """Width and height of `832x1216`."""
    width, height = size.split("x")
    return int(width), int(height)


def variant_of(name: str) -> Variant | None:
    """Which prepared variant a contender runs; None: the source's weights."""
    return _OURS.get(name)


def entry_for(
    name: str, model: Path, kind: RandomKind, made: Mapping[Variant, Preparation]
) -> Entry | None:
    """The contender `name` over `model` and what was made from it; None if that was not made."""
    variant = variant_of(name)
    if variant is None:
        return Entry(name=name, path=model, kind=kind)
    if variant not in made:
        return None
    return Entry(
        name=name,
        path=made[variant].path,
        kind=kind,
        rows_alone=True,  # as the engine runs all of them
        mapped=name == "own fp32",
    )


def unfit(variant: Variant) -> str:
    """Why this machine can't run it; empty where it can."""
    try:
        check_fit(variant, CPU)
    except ModelError as error:
        return str(error.data["reason"])
    return ""


@dataclass(kw_only=True)
class Found:
    """What was seen of one contender; seconds, the processor's alone and the error by size."""

    load_s: float = 0.0
    load_processor_s: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    processor_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    error: dict[str, float] = field(default_factory=dict[str, float])
    memory: Memory = NOTHING
    peak: Memory = NOTHING

    def note_step(self, size: str, step: Step, wanted: Floats) -> None:
        """A step at `size`; `wanted` is what stock gave."""
        self.seconds.setdefault(size, []).append(step.seconds)
        self.processor_s.setdefault(size, []).append(step.processor_s)
        difference = np.square(step.noise_pred - wanted).mean() / np.square(wanted).mean()
        self.error[size] = max(self.error.get(size, 0.0), float(np.sqrt(difference)))

    def note_process(self, contender: Contender) -> None:
        """How it stands now."""
        self.load_s, self.load_processor_s = contender.load_s, contender.load_processor_s
        self.memory, self.peak = contender.memory(), contender.peak.at_least(self.peak)


def left_out(names: Sequence[str]) -> dict[str, str]:
    """Who of `names` can't take part on this machine, and why: what it can't compute, and what it
    could only emulate, which takes longer than all others together and says nothing."""
    found: dict[str, str] = {}
    for name in names:
        variant = variant_of(name)
        reason = unfit(variant) if variant is not None else ""
        if name == TORCH_BF16 and not computes_bf16(this_cpu()):
            reason = f"{this_cpu().skills}: no bfloat16, which torch would emulate"
        if reason:
            found[name] = reason
            print(f"  left out: {name}: {reason}", flush=True)
    return found


def left_out_rows(reasons: Mapping[str, str]) -> Iterator[Row]:
    """A table of those who did not take part."""
    for name, reason in reasons.items():
        yield Row(name, cells={LEFT_OUT: reason})


def preparation_rows(made: Mapping[Variant, Preparation]) -> Iterator[Row]:
    """What `model prepare` took."""
    for variant, found in made.items():
        yield Row(
            f"`model prepare --variant {variant}`",
            cells={
                "seconds": f"{found.seconds:.0f}",
                "of these before the check": f"{found.write_s:.0f}",
                "of the processor": f"{found.processor_s:.0f}",
                "most private": gb(found.peak.private),
                "most resident": gb(found.peak.resident),
                "errors": ", ".join(f"{part} {error:.1e}" for part, error in found.errors.items()),
            },
        )


def step_rows(found: Mapping[str, Found], sizes: Sequence[str]) -> Iterator[Row]:
    """A table a size: seconds, ratios, error. Without those who had no turn at it."""
    for size in sizes:
        for name, seen in found.items():
            if size in seen.seconds:
                yield Row(name, cells=_speed(size, seen, found[STOCK]))


def memory_rows(found: Mapping[str, Found]) -> Iterator[Row]:
    """A table: what each process has after its steps, and the most it had."""
    for name, seen in found.items():
        yield Row(
            name,
            cells={
                "resident": gb(seen.memory.resident),
                "private": gb(seen.memory.private),
                "most private": gb(seen.peak.private),
                "most resident": gb(seen.peak.resident),
                "loading": f"{seen.load_s:.0f} s ({seen.load_processor_s:.0f} of the processor)",
            },
        )


def _speed(size: str, seen: Found, stock: Found) -> dict[str, str]:
    computed, by_stock = min(seen.processor_s[size]), min(stock.processor_s[size])
    return {
        f"{size}: seconds a step": f"{statistics.median(seen.seconds[size]):.2f}",
        "of the processor": f"{computed:.2f}",
        "times stock's speed": f"{_ratio(stock.seconds[size], seen.seconds[size]):.2f}",
        "by the processor's seconds": f"{by_stock / computed:.2f}",
        "error": f"{seen.error[size]:.0e}" if seen.error[size] else "0",
    }


def _ratio(stock: list[float], other: list[float]) -> float:
    """The median of the rounds' ratios: what made one round slow made both slow."""
    return statistics.median(a / b for a, b in zip(stock, other, strict=False))


def gb(size_bytes: int) -> str:
    """`1.50 GB`"""
    return f"{size_bytes / 1e9:.2f} GB"
