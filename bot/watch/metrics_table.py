"""The table of metrics in docs/operations.md, generated from their declaration by
`python -m bot.watch.metrics_table docs/operations.md`.
"""

import sys
from pathlib import Path
from typing import Final

from bot.watch.table import COUNTED, READ, Metric

_MARKS: Final = "<!-- metrics -->\n", "\n<!-- /metrics -->"


def metrics_table() -> str:
    """Each metric with its kind, labels and meaning."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{metric.name}` | {metric.kind} | {_labels(metric)} | {metric.help} |"
        for metric in (*COUNTED, *READ)
    ]
    return "\n".join(lines)


def _labels(metric: Metric) -> str:
    """The names, with the values that are known in advance."""
    return "; ".join(
        f"`{name}`: {', '.join(values)}" if values else f"`{name}`"
        for name, values in metric.labels.items()
    )


def in_page(page: str) -> str:
    """The text of docs/operations.md with the table as it is now."""
    begin, end = _MARKS
    before, _, rest = page.partition(begin)
    return f"{before}{begin}{metrics_table()}{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(in_page(path.read_text(encoding="utf-8")), encoding="utf-8")
