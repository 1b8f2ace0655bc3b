"""Reads columns that may be damaged, so that one such row does not break reading many."""

import json
from typing import Any, cast

from pipeline.rating import Rating


def object_of(stored: str) -> dict[str, Any]:
    """A JSON object; an empty one if the text is none."""
    try:
        return dict(json.loads(stored))
    except (ValueError, TypeError, RecursionError):
        return {}


def ids_of(stored: str) -> frozenset[int]:
    """The ids in a JSON list; anything else is left out."""
    try:
        found: object = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        return frozenset()
    values = cast("list[object]", found) if isinstance(found, list) else []
    return frozenset(each for each in values if type(each) is int)


def rating_of(stored: int, *, ceiling: bool = False) -> Rating:
    """A rating; if the number is invalid the highest one, for a `ceiling` the lowest, so that
    nobody sees what they should not."""
    try:
        return Rating(stored)
    except ValueError:
        return min(Rating) if ceiling else max(Rating)
