"""Columns that may be damaged, read so that one such row stops nobody who reads many."""

import json
from typing import Any, cast

from pipeline.rating import Rating


def object_of(stored: str) -> dict[str, Any]:
    """A JSON object; an empty one where the text is none."""
    try:
        return dict(json.loads(stored))
    except (ValueError, TypeError, RecursionError):
        return {}


def ids_of(stored: str) -> frozenset[int]:
    """The ids in a JSON list; what is none is left out."""
    try:
        found: object = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        return frozenset()
    values = cast("list[object]", found) if isinstance(found, list) else []
    return frozenset(each for each in values if type(each) is int)


def rating_of(stored: int, *, ceiling: bool = False) -> Rating:
    """A rating; where the number is none the highest, of a `ceiling` the lowest, so that nobody
    sees what they should not."""
    try:
        return Rating(stored)
    except ValueError:
        return min(Rating) if ceiling else max(Rating)
