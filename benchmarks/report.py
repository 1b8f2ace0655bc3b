"""How benchmarks speak: rows of name and figures, under the name of the machine."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = ("discord.py", "onnxruntime-gpu", "onnxruntime", "optimum-onnx", "numpy", "torch")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report: what was measured and what came out, as text."""

    name: str
    value: str


def machine() -> str:
    """Processor, cores, memory and versions, so that a figure means something elsewhere."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB,"
        f" {platform.system()}, Python {platform.python_version()}; {', '.join(_versions())}"
    )


def print_report(title: str, rows: Sequence[Row]) -> None:
    """A block of aligned lines."""
    print(f"\n{title}")
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        print(f"  {row.name:<{width}}  {row.value}")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of `values` lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> list[str]:
    found: list[str] = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
