"""Anything that may be said about a picture, made from the table of options."""

from enum import Enum
from typing import Any

from hypothesis import strategies as st

from pipeline.options import Option

TEXT = st.text(max_size=8)


def values_of(option: Option, *, text: st.SearchStrategy[str] = TEXT) -> st.SearchStrategy[Any]:
    """Values within the bounds of `option`; numbers have at most four digits after the point."""
    kind: Any = option.kind
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    if kind is bool:
        return st.booleans()
    if kind is str:
        return text
    low: Any = option.low
    high: Any = option.high
    if kind is int:
        return st.integers(low, high)
    return st.floats(low, high).map(lambda value: round(value, 4))


def said_of(option: Option) -> st.SearchStrategy[Any]:
    """The same, or nothing where that may be."""
    return values_of(option) if option.default is not None else st.none() | values_of(option)
