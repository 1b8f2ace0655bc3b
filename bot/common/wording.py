"""Errors as one line of text for the shell."""

from typing import Any

from data.shipped.text import text
from pipeline.errors import EkakiError

_GIB = 1024**3


def words(error: EkakiError) -> str:
    """The catalogue's text for `error`, without Discord's backticks."""
    shown = {name: _value(name, value) for name, value in error.data.items()}
    shell = error.data.get("shell", error.key)  # if operators need another text than members
    for key in (f"shell.{shell}", f"errors.{error.key}"):
        try:
            return text(key, **shown).replace("`", "")
        except (KeyError, IndexError, ValueError):  # no text, or a placeholder that has no value
            continue
    return str(error)


def gib(size_bytes: float) -> str:
    """`13.2 GiB`, or `28 MiB` below a tenth."""
    if size_bytes < _GIB / 10:
        return f"{size_bytes / 1024**2:.0f} MiB"
    return f"{size_bytes / _GIB:.1f} GiB"


def _value(name: str, value: object) -> Any:  # whatever format() accepts
    if isinstance(value, int | float) and name.endswith("_bytes"):
        return gib(value)
    if isinstance(value, int | float) and name.endswith("_s"):
        return f"{value:.0f} s"
    return value
