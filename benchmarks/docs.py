"""`python -m benchmarks.docs`: writes the committed results into the docs, between their marks.

`<!-- bench:NAME -->` begins what is made from `benchmarks/results/NAME.json`, `<!-- /bench -->`
ends it; `bench:summary` is a choice among all. Prose stands outside, written by hand. A
section whose benchmark has no result there stays as it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.report import LEFT_OUT, Row
from benchmarks.results import RESULTS, Result

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ("docs/performance.md", "docs/gallery.md", "docs/hosts.md")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is said, the benchmark and row that it is taken from (of rows of one name the first),
    and the columns of it; none: all."""

    said: str
    benchmark: str
    row: str
    columns: Sequence[str] = ()

    def text(self, result: Result) -> str:
        """What came out. KeyError if there is no such row or column any more."""
        rows = {row.name: row for row in reversed(result.rows)}
        row = rows[self.row]
        if not self.columns or LEFT_OUT in row.cells:
            return row.text()
        return "; ".join(f"{column}: {row.cells[column]}" for column in self.columns)


_START: Final = ("seconds, median", "most private")
_STEP: Final = ("times stock's speed", "1024x1024: seconds a step")
_LARGEST: Final = ("200,000 entries",)

SUMMARY: Final = (
    Choice("tag search, processor time", "tags", "all"),
    Choice("memory of the tag search", "tags", "memory of the process"),
    Choice(
        "process start to first picture, demo model", "start", "`bot imagine --engine own`", _START
    ),
    Choice("the same by `stock`", "start", "`bot imagine --engine stock`", _START),
    Choice(
        "event loop held up while starting and loading, at most",
        "loop",
        "longest stall, start and model load",
    ),
    Choice("the same while drawing", "loop", "longest stall, drawing, encoding, delivering"),
    Choice(
        "autocompletion while two people's pictures are drawn", "loop", "autocomplete while drawing"
    ),
    Choice(
        "50 people type `/imagine` in 3 s: acknowledged",
        "jobs",
        "own engine: /imagine acknowledged, 50 people in 3 s",
    ),
    Choice(
        "outside the model while jobs wait", "waiting", "outside the model, own engine, from words"
    ),
    Choice(
        "waiting behind one who wants forty pictures",
        "waiting",
        "waiting, seven others, one or two each, twice",
    ),
    Choice("a search in a gallery, p50 / p99", "gallery", "search, all of these", _LARGEST),
    Choice("its first page over HTTP, p50 / p99", "gallery", "over HTTP, first page", _LARGEST),
    Choice("SDXL's UNet as `fp32`", "whole", "own fp32", _STEP),
    Choice("as `int8`", "whole", "own int8", _STEP),
    Choice("as `bf16`", "whole", "own bf16 (OpenVINO)", _STEP),
    Choice("as `int8-bf16`", "whole", "own int8-bf16 (OpenVINO)", _STEP),
    Choice(
        "a whole picture of SDXL as `int8-bf16`, with the VAE's decoder",
        "whole",
        "a picture by own int8-bf16 (OpenVINO)",
        ("times stock's speed",),
    ),
    Choice(
        "the same as `int8`, memory", "whole", "`imagine` with `int8`, 2 steps", ("most private",)
    ),
)
"""What stands in short at the top."""

_CHOSEN: Final = frozenset(choice.benchmark for choice in SUMMARY)
_SECTION: Final = re.compile(r"<!-- bench:(\w+) -->\n.*?<!-- /bench -->", re.DOTALL)


def filled(text: str, results: Mapping[str, Result]) -> str:
    """`text` with every section made anew that there are results for. Raises KeyError for a row of
    the summary that its benchmark no longer has."""

    def section(found: re.Match[str]) -> str:
        name = found[1]
        if name == "summary" and set(results) >= _CHOSEN:
            made = _summary(results)
        elif name in results:
            made = _whole(results[name])
        else:
            return found[0]
        return f"<!-- bench:{name} -->\n{made}\n<!-- /bench -->"

    return _SECTION.sub(section, text)


def load_results(folder: Path = RESULTS) -> dict[str, Result]:
    """All that were measured, by the names of their benchmarks."""
    return {path.stem: Result.load(path) for path in sorted(folder.glob("*.json"))}


def _whole(result: Result) -> str:
    tables = [
        _table(list(rows)) for _, rows in groupby(result.rows, key=lambda row: tuple(row.cells))
    ]
    return "\n\n".join([_conditions(result), *tables])


def _conditions(result: Result) -> str:
    """What the figures hold for."""
    share = f"{result.others:.0%}"
    return (
        f"{result.title}: `{result.command}`, weights: {result.weights}. {result.machine}."
        f" It took {result.seconds} s, {result.processor_s} of the processor; other programs had"
        f" {share} of the processors meanwhile."
    )


def _table(rows: Sequence[Row]) -> str:
    """Rows that have the same columns."""
    columns = list(rows[0].cells) or [""]
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[row.name, *(row.cells.values() or [row.value])] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(results: Mapping[str, Result]) -> str:
    used = [results[name] for name in sorted(_CHOSEN)]
    machines = "; ".join(sorted({str(each.machine) for each in used}))
    share = f"up to {max(each.others for each in used):.0%}"
    lines = [f"{machines}. Other programs had {share} of the processors meanwhile.", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {each.said} | {each.text(results[each.benchmark])} |" for each in SUMMARY]
    return "\n".join(lines)


def main() -> None:
    """Write the docs."""
    results = load_results()
    for name in DOCS:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        new = filled(text, results)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"{name} has new figures")


if __name__ == "__main__":
    main()
