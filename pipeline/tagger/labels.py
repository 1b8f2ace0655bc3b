"""`selected_tags.csv`: the meaning of each output of a tagger."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import ModelError

RATINGS: Final = ("general", "sensitive", "questionable", "explicit")
"""Danbooru's names of our four levels, in their order."""

_GENERAL, _CHARACTER, _RATING = 0, 4, 9  # the table's categories; the WD taggers know no others


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Columns of the output: of the four ratings in order, and of tags by name."""

    count: int
    ratings: tuple[int, int, int, int]
    general: dict[str, int]
    characters: dict[str, int]


def read_labels(path: Path) -> Labels:
    """Read the table. ModelError `tagger_unreadable` says what is wrong with it."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["name"], int(row["category"])) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise ModelError("tagger_unreadable", path=str(path), problem=str(error)[:200]) from error
    columns = {name: column for column, (name, kind) in enumerate(rows) if kind == _RATING}
    if set(columns) != set(RATINGS):
        raise ModelError("tagger_unreadable", path=str(path), problem="no four ratings")
    general, sensitive, questionable, explicit = (columns[name] for name in RATINGS)
    return Labels(
        count=len(rows),
        ratings=(general, sensitive, questionable, explicit),
        general={name: column for column, (name, kind) in enumerate(rows) if kind == _GENERAL},
        characters={name: column for column, (name, kind) in enumerate(rows) if kind == _CHARACTER},
    )
