"""Finished parts of a prompt put aside, so that what reads the rest can't trip over them."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from pipeline.hints import MAX_TYPED

_FIRST: Final = 0x100000  # the last private plane of Unicode: no text has letters there
_LAST: Final = 0x10FFFD
PART: Final = f"[{chr(_FIRST)}-{chr(_LAST)}]"
"""A pattern for the letter of any part."""
_LETTERS = re.compile(f"({PART})")
_ENOUGH: Final = 4 * MAX_TYPED  # blanks may be among them


class Part(NamedTuple):
    """`text` is what becomes of it, `typed` what stood there."""

    text: str
    typed: str


class Shelf:
    """Parts, each named by one letter that stands in the text in its stead."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def put(self, text: str, typed: str) -> str:
        """The letter for a part. It may hold letters of parts that were put before."""
        if _FIRST + len(self._parts) > _LAST:
            return typed
        self._parts.append(Part(text, typed))
        return chr(_FIRST + len(self._parts) - 1)

    def at(self, letter: str) -> Part | None:
        """The part that `letter` names, if it names one."""
        index = ord(letter) - _FIRST if len(letter) == 1 else -1
        return self._parts[index] if 0 <= index < len(self._parts) else None

    def back(self, text: str) -> str:
        """`text` with what became of the parts."""
        return self._expanded(text, lambda part: part.text)

    def typed(self, text: str) -> str:
        """`text` as it was typed, or the beginning of it, longer than any hint shows."""
        return self._expanded(text, lambda part: part.typed, _ENOUGH)

    def _expanded(self, text: str, chosen: Callable[[Part], str], enough: int | None = None) -> str:
        """Letters replaced, also those in what replaces them; each part holds only earlier ones.

        Ends with the piece that makes it as long as `enough`.
        """
        done: list[str] = []
        length = 0
        waiting = _LETTERS.split(text)[::-1]
        while waiting and (enough is None or length < enough):
            piece = waiting.pop()
            part = self.at(piece)
            if part is None:
                done.append(piece)
                length += len(piece)
            else:
                waiting.extend(_LETTERS.split(chosen(part))[::-1])
        return "".join(done)


def without_letters(text: str) -> str:
    """`text` without letters that a shelf would give out."""
    return _LETTERS.sub("", text)
