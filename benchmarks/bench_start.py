"""From the start of a process to its first picture on the disk: `python -m bot imagine`, as people
type it, with the demo model that comes with Ekaki; both engines in turns.

Files are in the system's cache after a first start of each, which is reported as well.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.budget import Budget
from benchmarks.memory import Memory, MemoryWatch
from benchmarks.report import Row

ENGINES: Final = ("own", "stock")
ROUNDS: Final = 4  # with the first one
_PROMPT: Final = "1girl, green hair, beanie, outdoors, night"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    seconds: float
    processor_s: float
    peak: Memory


def run(budget: Budget) -> list[Row]:
    """The rows of a report. Three rounds at least."""
    found: dict[str, list[_Start]] = {engine: [] for engine in ENGINES}
    with TemporaryDirectory(prefix="ekaki-bench-") as folder:
        for number in range(ROUNDS):
            began = time.monotonic()
            for engine in ENGINES:
                found[engine].append(_first_picture(Path(folder), engine))
                print(f"  {engine}: {found[engine][-1].seconds:.1f} s", flush=True)
            if number >= 2 and not budget.allows(time.monotonic() - began):
                break
    return [*(_row(engine, starts) for engine, starts in found.items()), _ratio(found)]


def _first_picture(folder: Path, engine: str) -> _Start:
    out = folder / "picture.png"
    command = [
        *(sys.executable, "-m", "bot", "imagine", _PROMPT),
        *("--engine", engine, "--seed", "1", "--out", str(out), "--force"),
    ]
    environment = os.environ | {"MODEL": "demo", "DATA_DIR": str(folder / "state")}
    before, began = os.times(), time.perf_counter()
    with (
        subprocess.Popen(  # noqa: S603 - ourselves
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process,
        MemoryWatch(process.pid) as watch,
    ):
        _, said = process.communicate()
    seconds, after = time.perf_counter() - began, os.times()
    if process.returncode or not out.exists():
        raise RuntimeError(f"no picture came: {said}")
    out.unlink()
    return _Start(
        seconds=seconds,
        processor_s=after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
        peak=watch.peak,
    )


def _row(engine: str, starts: list[_Start]) -> Row:
    first, *later = starts
    return Row(
        f"`bot imagine --engine {engine}`",
        cells={
            "seconds, median": f"{statistics.median(each.seconds for each in later):.1f}",
            "of the processor": f"{statistics.median(each.processor_s for each in later):.1f}",
            "seconds, first time": f"{first.seconds:.1f}",
            "most private": f"{max(each.peak.private for each in starts) / 1e6:.0f} MB",
            "rounds": f"{len(later)}",
        },
    )


def _ratio(found: dict[str, list[_Start]]) -> Row:
    pairs = list(zip(found["own"], found["stock"], strict=True))[1:]
    wall = statistics.median(own.seconds / stock.seconds for own, stock in pairs)
    computed = statistics.median(own.processor_s / stock.processor_s for own, stock in pairs)
    return Row("own / stock", f"{wall:.2f} by seconds, {computed:.2f} by the processor's")
