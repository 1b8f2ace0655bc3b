"""The shipped lists of words for `__name__` in prompts: `data/wildcards/NAME.txt`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def shipped_wildcards() -> Mapping[str, tuple[str, ...]]:
    """The entries of each list, by name, in the order of names."""
    found = sorted(
        (
            each
            for each in files("data").joinpath("wildcards").iterdir()
            if each.name[-4:] == ".txt"
        ),
        key=lambda each: each.name,
    )
    return MappingProxyType({each.name[:-4]: _entries(each.read_text("utf-8")) for each in found})


def _entries(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
