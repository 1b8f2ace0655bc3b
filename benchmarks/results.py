"""What a run found, as a file that docs are made from: rows, and what they hold for."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.report import Machine, Row, print_report

RESULTS: Final = Path(__file__).parent / "results"
"""One file a benchmark, committed. Whoever changes a figure measures again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One benchmark's rows. `weights` says whose they are; `others` is the share (0..1) of the
    machine's processors that other programs had meanwhile."""

    title: str
    command: str
    weights: str
    machine: Machine
    seconds: int
    processor_s: int
    others: float
    rows: Sequence[Row]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        said = asdict(self)
        said["rows"] = [{key: value for key, value in row.items() if value} for row in said["rows"]]
        text = json.dumps(said, indent=1, ensure_ascii=False)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)

    @classmethod
    def of(
        cls, spent: "Spent", rows: Sequence[Row], *,
        title: str, command: str, weights: str, machine: Machine,
    ) -> "Result":  # fmt: skip
        """What was measured while `spent` was."""
        return cls(
            title=title,
            command=command,
            weights=weights,
            machine=machine,
            seconds=round(spent.seconds),
            processor_s=round(spent.processor_s),
            others=round(spent.others, 2),
            rows=rows,
        )

    @classmethod
    def load(cls, path: Path) -> "Result":
        """What `save` wrote."""
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row(**row) for row in said.pop("rows")]
        return cls(machine=Machine(**said.pop("machine")), rows=rows, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds gone by, processor seconds of ours, and of everybody else."""

    seconds: float
    processor_s: float
    others_s: float

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            seconds=self.seconds + other.seconds,
            processor_s=self.processor_s + other.processor_s,
            others_s=self.others_s + other.others_s,
        )

    @property
    def others(self) -> float:
        """The share of the machine's processors that others had."""
        return self.others_s / max(self.seconds * (os.cpu_count() or 1), 1e-9)


NOTHING_SPENT: Final = Spent(seconds=0, processor_s=0, others_s=0)


class Meter:
    """Counts from when it is made. A child's processor time is counted once it has ended."""

    def __init__(self) -> None:
        self._began, self._own, self._all = time.monotonic(), _own_s(), _all_s()

    def read(self) -> Spent:
        """What was spent so far."""
        own = _own_s() - self._own
        return Spent(
            seconds=time.monotonic() - self._began,
            processor_s=own,
            others_s=max(0.0, _all_s() - self._all - own),
        )


def _own_s() -> float:
    """Processor seconds of this process and its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _all_s() -> float:
    """Seconds that the machine's processors were busy, or taken from it by its host."""
    times: Any = psutil.cpu_times()
    uncounted = ("idle", "iowait", "guest", "guest_nice")  # a guest's time is in its user's, too
    return float(sum(times) - sum(getattr(times, name, 0.0) for name in uncounted))


def publish(
    rows: Sequence[Row], spent: Spent, *, title: str, name: str, folder: Path | None
) -> None:
    """Print what `python -m benchmarks.bench_NAME` measured with random weights, and leave it in
    `folder`, if there is one, as NAME.json."""
    print_report(title, rows)
    if folder is not None:
        command = f"python -m benchmarks.bench_{name}"
        here = Machine.here()
        found = Result.of(spent, rows, title=title, command=command, weights="random", machine=here)
        found.save(folder / f"{name}.json")
