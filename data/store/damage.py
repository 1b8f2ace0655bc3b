"""Columns that may be damaged, read so that one such row stops nobody who reads many."""

import json
from typing import Any

from pipeline.rating import Rating


def object_of(stored: str) -> dict[str, Any]:
    """A JSON object; an empty one where the text is none."""
    try:
        return dict(json.loads(stored))
    except (ValueError, TypeError, RecursionError):
        return {}


def rating_of(stored: int, *, ceiling: bool = False) -> Rating:
    """A rating; where the number is none the highest, of a `ceiling` the lowest, so that nobody
    sees what they should not."""
    try:
        return Rating(stored)
    except ValueError:
        return min(Rating) if ceiling else max(Rating)
