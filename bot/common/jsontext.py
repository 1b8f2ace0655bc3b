"""JSON that people may have edited or a disk may have damaged, with errors in a few words."""

import json
from typing import Any, cast


def parsed(text: str) -> object:
    """What `text` says. ValueError if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error


def as_object(value: object, what: str) -> dict[str, Any]:
    """`value` as an object; ValueError if `what` is none."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")  # noqa: TRY004 - it is about the text
    return cast("dict[str, Any]", value)
