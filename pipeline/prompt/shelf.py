"""Finished parts of a prompt put aside, so that what reads the rest can't trip over them."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_FIRST: Final = 0x100000  # the last private plane of Unicode: no text has letters there
_LAST: Final = 0x10FFFD
_LETTERS = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")


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
        """`text` as it was typed."""
        return self._expanded(text, lambda part: part.typed)

    def _expanded(self, text: str, chosen: Callable[[Part], str]) -> str:
        """Letters replaced, also those in what replaces them; each part holds only earlier ones."""
        done: list[str] = []
        waiting = [text]
        while waiting:
            before, letter, after = _cut(waiting.pop())
            done.append(before)
            part = self.at(letter)
            if after:
                waiting.append(after)
            if part is not None:
                waiting.append(chosen(part))
        return "".join(done)


def _cut(text: str) -> tuple[str, str, str]:
    match = _LETTERS.search(text)
    return (
        (text, "", "") if match is None else (text[: match.start()], match[0], text[match.end() :])
    )


def without_letters(text: str) -> str:
    """`text` without letters that a shelf would give out."""
    return _LETTERS.sub("", text)
