"""From the start of a process to its first picture on the disk: `python -m bot imagine`, as people
type it, with the demo model that comes with Ekaki; both engines in turns.

Files are in the system's cache after a first start of each, which is reported as well.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.budget import Budget
from benchmarks.imagine import Imagined, imagine
from benchmarks.report import Row

ENGINES: Final = ("own", "stock")
ROUNDS: Final = 4  # with the first one
_PROMPT: Final = "1girl, green hair, beanie, outdoors, night"


def run(budget: Budget) -> list[Row]:
    """The rows of a report. Three rounds at least."""
    found: dict[str, list[Imagined]] = {engine: [] for engine in ENGINES}
    with TemporaryDirectory(prefix="ekaki-bench-") as folder:
        for number in range(ROUNDS):
            began = time.monotonic()
            for engine in ENGINES:
                found[engine].append(_first_picture(Path(folder), engine))
                print(f"  {engine}: {found[engine][-1].seconds:.1f} s", flush=True)
            if number >= 2 and not budget.allows(time.monotonic() - began):
                break
    return [*(_row(engine, starts) for engine, starts in found.items()), _ratio(found)]


def _first_picture(folder: Path, engine: str) -> Imagined:
    return imagine(_PROMPT, "--engine", engine, folder=folder, settings={"MODEL": "demo"})


def _row(engine: str, starts: list[Imagined]) -> Row:
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


def _ratio(found: dict[str, list[Imagined]]) -> Row:
    pairs = list(zip(found["own"], found["stock"], strict=True))[1:]
    wall = statistics.median(own.seconds / stock.seconds for own, stock in pairs)
    computed = statistics.median(own.processor_s / stock.processor_s for own, stock in pairs)
    return Row("own / stock", f"{wall:.2f} by seconds, {computed:.2f} by the processor's")
