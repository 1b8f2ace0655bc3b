"""`python -m benchmarks.docs`: writes the committed results into the docs, between their marks.

`<!-- bench:NAME -->` begins what is made from `benchmarks/results/NAME.json`, `<!-- /bench -->`
ends it; `bench:summary` is the README's choice among all. Prose stands outside, written by hand. A
section whose benchmark has no result there stays as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.report import Row
from benchmarks.results import RESULTS, Result

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ("README.md", "docs/performance.md", "docs/gallery.md")

SUMMARY: Final = (
    ("tag search, processor time", "tags", "all"),
    ("memory of the tag search", "tags", "memory of the process"),
    ("process start to first picture, demo model", "start", "`bot imagine --engine own`"),
    ("the same by `stock`", "start", "`bot imagine --engine stock`"),
    ("`own` / `stock`, seconds a step, 256x256", "engine", "own / stock"),
    ("what `own` costs outside the UNet", "engine", "outside the UNet"),
    ("autocompletion while two people's pictures are drawn", "loop", "autocomplete while drawing"),
    ("a search among the pictures of a gallery", "gallery", "search, all of these"),
    ("its first page over HTTP", "gallery", "over HTTP, first page"),
    ("a step of SDXL at 1024x1024, `stock`", "full", "stock"),
    ("the same as `fp32`", "full", "own fp32"),
    ("as `int8`", "full", "own int8"),
    ("as `bf16`", "full", "own bf16 (OpenVINO)"),
)
"""Of the README: what is said, and the benchmark and row that it is taken from (of rows of one name
the first)."""

_CHOSEN: Final = frozenset(name for _, name, _ in SUMMARY)
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
    lines += [f"| {said} | {text} |" for said, text in _chosen(results)]
    return "\n".join(lines)


def _chosen(results: Mapping[str, Result]) -> Iterator[tuple[str, str]]:
    for said, name, row_name in SUMMARY:
        rows = {row.name: row for row in reversed(results[name].rows)}
        yield said, rows[row_name].text()


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
