"""How benchmarks speak: rows of name and figures, under the name of the machine."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psutil

_PACKAGES = (
    "discord.py",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "optimum-onnx",
    "diffusers",
    "numpy",
    "torch",
)


LEFT_OUT: Final = "left out"
"""The column of those who did not take part: why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report: what was measured and what came out, as text.

    Instead of `value` it may have `cells`, figures by the names of their columns; rows with the
    same columns make a table.
    """

    name: str
    value: str = ""
    cells: Mapping[str, str] = field(default_factory=dict[str, str])

    def text(self) -> str:
        """What came out, on one line."""
        return self.value or "; ".join(f"{column}: {cell}" for column, cell in self.cells.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What figures hold for: processor, cores, memory (GiB), system and versions."""

    processor: str
    cores: int
    memory_gib: int
    system: str
    python: str
    packages: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """The machine that this runs on."""
        return cls(
            processor=_processor(),
            cores=os.cpu_count() or 1,
            memory_gib=round(psutil.virtual_memory().total / 2**30),
            system=platform.system(),
            python=platform.python_version(),
            packages=_versions(),
        )

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB,"
            f" {self.system}, Python {self.python}; {versions}"
        )


def machine() -> str:
    """The machine as text, so that a figure means something elsewhere."""
    return str(Machine.here())


def print_report(title: str, rows: Sequence[Row]) -> None:
    """A block of aligned lines."""
    print(f"\n{title}")
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        print(f"  {row.name:<{width}}  {row.text()}", flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of `values` lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        said = dict(_field(line) for line in lines if ":" in line)
        if "model name" in said:
            return said["model name"] + _fast_types(said.get("flags", ""))
    return platform.processor() or platform.machine()


def _field(line: str) -> tuple[str, str]:
    name, _, content = line.partition(":")
    return name.strip(), content.strip()


def _fast_types(flags: str) -> str:
    """What decides how fast eight and sixteen bits are."""
    known = {
        "avx2": "AVX2",
        "avx512f": "AVX512",
        "avx512_vnni": "VNNI",
        "avx512_bf16": "BF16",
        "amx_tile": "AMX",
    }
    here = [name for flag, name in known.items() if flag in flags.split()]
    return f" ({', '.join(here)})" if here else ""


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
