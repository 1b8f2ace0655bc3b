"""The words that adjacent tags spell together where some of them are choices: `{lo|x}, {li|y}`.

The same as `bot.safety.readings` does for one prompt, for all that can be chosen. Only what can
still become a word of the rules is followed, so that hundreds of entries in a list cost little.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from bot.safety.normalise import normalise
from bot.safety.readings import PIECE, PIECES, SHORT_PIECE, glued, shortened_runs
from pipeline.errors import InputError

MAX_STEPS: Final = 40_000  # pieces that are put behind another

MayBegin = Callable[[str], bool]
"""Whether a word of the rules can begin with these letters."""

_TAGS = re.compile(r"[,;、。]")
_SIGNS = re.compile(r"[ ,;、。]+")
_SIGN = re.compile(r"\S")


def adjacent_words(slots: Sequence[Sequence[str]], may_begin: MayBegin) -> list[str]:
    """The words that the tags of `slots` can spell together, as far as rules may know them.

    Each of `slots` has all that one tag can be. InputError `choices_unchecked` for too many.
    """
    texts = [{glued(normalise(each)) for each in slot} for slot in slots]
    pieces = _Pieces(_TAGS, PIECE, most=PIECES, short=SHORT_PIECE)
    letters = _Pieces(_SIGNS, _SIGN, most=None, short=1)
    known = cache(may_begin)
    return list(_Search(pieces, known).words(texts) | _Search(letters, known).words(texts))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """How a text is cut, and what a piece of a word is: one that matches, at most `most` of them,
    at least one of `short` letters or fewer."""

    cut: "re.Pattern[str]"
    piece: "re.Pattern[str]"
    most: int | None
    short: int

    def of(self, text: str) -> tuple[str | None, ...]:
        """The pieces of a text; None for one that belongs to no word."""
        cut = (each.strip() for each in self.cut.split(text))
        return tuple(each if self.piece.fullmatch(each) else None for each in cut if each)


class _Begun(NamedTuple):
    """The beginning of a word, made of `pieces`. `short`: one of them is short."""

    letters: str = ""
    pieces: int = 0
    short: bool = False


class _Search:
    """Follows the beginnings of words from tag to tag."""

    def __init__(self, how: _Pieces, may_begin: MayBegin) -> None:
        self._how = how
        self._may_begin = may_begin
        self._left = MAX_STEPS

    def words(self, texts: Sequence[set[str]]) -> set[str]:
        found: set[str] = set()
        begun: set[_Begun] = set()
        for slot in texts:
            after: set[_Begun] = set()
            for pieces in set(map(self._how.of, slot)):
                current = begun
                for piece in pieces:
                    current = self._grown(current, piece)
                    found |= {each.letters for each in current if each.pieces > 1 and each.short}
                after |= current
            begun = after
        return found

    def _grown(self, begun: set[_Begun], piece: str | None) -> set[_Begun]:
        """What the words become with the next piece, which begins one as well; none behind what
        belongs to no word."""
        if piece is None:
            return set()
        self._left -= len(begun) + 1
        if self._left < 0:
            raise InputError("choices_unchecked")
        short, most = len(piece) <= self._how.short, self._how.most
        return {
            _Begun(letters, each.pieces + 1, each.short or short)
            for each in (*begun, _Begun())
            if (most is None or each.pieces < most)
            and self._may_begin(letters := shortened_runs(each.letters + piece))
        }
