"""Placeholders for finished parts of a prompt, so that they don't disturb reading the rest."""

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
    """`text` is the result, `typed` the original."""

    text: str
    typed: str


class Placeholders:
    """Finished parts, each represented in the text by one private letter."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def put(self, text: str, typed: str) -> str:
        """Return the letter for a part, which may contain letters of earlier parts."""
        if _FIRST + len(self._parts) > _LAST:
            return typed
        self._parts.append(Part(text, typed))
        return chr(_FIRST + len(self._parts) - 1)

    def at(self, letter: str) -> Part | None:
        """The part that `letter` names, if it names one."""
        index = ord(letter) - _FIRST if len(letter) == 1 else -1
        return self._parts[index] if 0 <= index < len(self._parts) else None

    def back(self, text: str) -> str:
        """`text` with the results of its parts."""
        return self._expanded(text, lambda part: part.text)

    def typed(self, text: str) -> str:
        """`text` as it was typed, or its start, longer than any hint shows."""
        return self._expanded(text, lambda part: part.typed, _ENOUGH)

    def _expanded(self, text: str, chosen: Callable[[Part], str], enough: int | None = None) -> str:
        """Replace letters, also in their replacements; each part contains only earlier ones.

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
    """`text` without letters that would be used as placeholders."""
    return _LETTERS.sub("", text)
