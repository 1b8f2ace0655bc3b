"""Applies a vocabulary to the pieces of a read prompt: aliases, series, and unknown tags."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from pipeline.hints import MAX_TYPED, HintKind, Hints
from pipeline.prompt.names import escape_name
from pipeline.prompt.pieces import split_pieces
from pipeline.prompt.schedule import all_words
from pipeline.prompt.tags import plain_key, plain_keys

NameOf = Callable[[str], str | None]
"""The name of the tag of which a piece is an alias, or None."""

_SHORTCUT: Final = 2  # ASCII signs; aliases so short are for completion: `lh`, `b`
_RUN: Final = re.compile(r"(?:\\.|[^\\,()\[\]])+")
_WEIGHT: Final = re.compile(r"\s*:\s*[-+]?[\d.]+\s*\Z")
_BREAK: Final = re.compile(r"\b(BREAK)\b")
_ESCAPE: Final = re.compile(r"\\([()\[\]\\])")


def nothing(_text: str) -> None:
    """Used without a vocabulary."""
    return


def replace_aliases(text: str, alias_of: NameOf, hints: Hints) -> str:
    """A read prompt in which pieces that are exactly an alias are replaced by their tags; each is
    reported.

    Weights, brackets and BREAK stay. What can no longer be reported is not replaced either.
    """

    def replaced(run: re.Match[str]) -> str:
        return "".join(part if part == "BREAK" else one(part) for part in _BREAK.split(run[0]))

    def one(part: str) -> str:
        weight = _WEIGHT.search(part)
        body = part[: weight.start()] if weight else part
        typed = body.strip()
        alias = _ESCAPE.sub(r"\1", typed).removesuffix("。")
        if not typed or (alias.isascii() and len(alias) <= _SHORTCUT) or len(alias) > MAX_TYPED:
            return part
        name = None if hints.are_full else alias_of(alias)
        if name is None:
            return part
        hints.add(HintKind.ALIAS, alias, name)
        return part.replace(typed, escape_name(name), 1)

    return _RUN.sub(replaced, text)


def add_series(character: str, typed: str, series_of: NameOf, hints: Hints) -> str:
    """The series of the characters in an option, as prompt text; "" if `typed` names them."""
    there = plain_keys(typed)
    found = dict.fromkeys(
        series for each in split_pieces(character) if (series := series_of(each.key)) is not None
    )
    added = [series for series in found if plain_key(series) not in there]
    for series in added:
        hints.add(HintKind.SERIES, series)
    return ", ".join(map(escape_name, added))


def unknown_pieces(text: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    """The pieces of a read prompt that are no tags, as typed and each once."""
    seen: set[str] = set()
    for run in _RUN.findall(all_words(text)):
        for part in _BREAK.split(run):
            typed = " ".join(_ESCAPE.sub(r"\1", _WEIGHT.sub("", part)).split())
            key = plain_key(typed)
            if part == "BREAK" or key in seen or not any(map(str.isalpha, key)):
                continue
            seen.add(key)
            if not is_known(key):
                yield typed
