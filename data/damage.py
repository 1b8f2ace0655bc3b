"""Columns that should hold JSON, read so that a damaged one stops nobody who reads many rows."""

import json
from typing import Any


def object_of(stored: str) -> dict[str, Any]:
    """A JSON object; an empty one where the text is none."""
    try:
        return dict(json.loads(stored))
    except (ValueError, TypeError, RecursionError):
        return {}
