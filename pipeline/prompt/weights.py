r"""A1111's weight syntax: `(a)` x1.1, `[a]` /1.1, `(a:1.5)`, `\( \) \[ \] \\`, `BREAK`.

Behaves as A1111 does, also where brackets don't balance: an opened one that is never closed counts
to the end, a closing one that was never opened is text. Ours alone: a weight that is no number
(`1.2.3`) is text instead of a crash, weights are kept within `MAX_WEIGHT`, brackets nested deeper
than `MAX_DEPTH` change nothing more, and BREAK works inside brackets too.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from pipeline.prompt.schedule import all_words

MAX_WEIGHT: Final = 100.0
"""Weights stay within +-100: far beyond any use, yet activations of text encoders (a few hundred)
times this stay finite in half precision (65504)."""

MAX_DEPTH: Final = 50
"""1.1**50 is above MAX_WEIGHT already, and the bound keeps parsing linear."""

KAOMOJI: Final = frozenset({
    "^_^", ">_<", ">_o", "o_o", "0_0", "=_=", "+_+", "+_-", "x_x", "u_u", "t_t", "@_@", "3_3",
    "6_9", "._.", "|_|", "||_||", "<o>_<o>", "<|>_<|>", "(o)_(o)", "n_n", "e_e", "q_q", ";_;",
})  # fmt: skip
"""Danbooru names (and a few faces people type) whose underscore is a mouth."""

EMPHASIS: Final = 1.1
_ESCAPABLE = re.compile(r"\\[()\[\]\\]|[()\[\]\\]")
_SPACES = re.compile(r"\s+")
_TOKEN = re.compile(
    r"(?P<escape>\\[()\[\]\\]?)"
    r"|:(?P<weight>[+-]?[.\d]+)\)"
    r"|(?P<bracket>[()\[\]])"
    r"|(?P<text>[^\\()\[\]:]+|:)"
)
# Blanks count from the first of a run only: a long run costs its length, not its square.
_BREAK = re.compile(r"(?:(?<!\s)\s+)?\bBREAK\b\s*")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Text and the factor its tokens get."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Break:
    """The word BREAK: the chunk of 75 tokens ends here."""


Part = Fragment | Break


def parse_weights(prompt: str) -> tuple[Part, ...]:
    """Parse the brackets of `prompt`. Adjacent text of equal weight is one fragment.

    An empty prompt gives no parts. Never fails.
    """
    return _read(prompt, _Reader())


def _read(prompt: str, reader: "_Reader") -> tuple[Part, ...]:
    for match in _TOKEN.finditer(prompt):
        kind = match.lastgroup
        if kind == "escape":
            reader.add(match[0][1:])
        elif kind == "text":
            reader.add_words(match[0])
        elif kind == "weight":
            reader.close_weighted(match["weight"])
        else:
            reader.bracket(match[0])
    return reader.finish()


class _Reader:
    """Parts so far, their weights, and where each open bracket started."""

    def __init__(self, *, weigh: bool = True) -> None:
        self._deepest = MAX_DEPTH if weigh else 0
        self._texts: list[str | None] = []  # None is a BREAK
        self._weights: list[float] = []
        self._round: list[int] = []
        self._square: list[int] = []

    def add(self, text: str) -> None:
        self._texts.append(text)
        self._weights.append(1.0)

    def add_words(self, text: str) -> None:
        for index, words in enumerate(_BREAK.split(text)):
            if index > 0:
                self._texts.append(None)
                self._weights.append(1.0)
            self.add(words)

    def bracket(self, sign: str) -> None:
        if sign == "(":
            self._round.append(len(self._texts))
        elif sign == "[":
            self._square.append(len(self._texts))
        elif sign == ")" and self._round:
            self._close(self._round, EMPHASIS)
        elif sign == "]" and self._square:
            self._close(self._square, 1 / EMPHASIS)
        else:
            self.add(sign)

    def close_weighted(self, digits: str) -> None:
        weight = read_weight(digits)
        if weight is not None and self._round:
            self._close(self._round, weight)
            return
        self.add(f":{digits}")
        self.bracket(")")

    def _close(self, opened: list[int], factor: float) -> None:
        start = opened.pop()
        if len(opened) < self._deepest:
            for index in range(start, len(self._weights)):
                self._weights[index] *= factor

    def _close_at_end(self, opened: list[int], factor: float) -> None:
        """Unclosed brackets extend to the end: all of them in one pass, however many."""
        starts = Counter(opened[: self._deepest])
        reach = 1.0
        for index in range(min(starts, default=len(self._weights)), len(self._weights)):
            if index in starts:
                reach *= factor ** starts[index]
            self._weights[index] *= reach

    def finish(self) -> tuple[Part, ...]:
        self._close_at_end(self._round, EMPHASIS)
        self._close_at_end(self._square, 1 / EMPHASIS)
        parts: list[Part] = []
        for text, weight in zip(self._texts, self._weights, strict=True):
            if text is None:
                parts.append(Break())
            elif text:
                _append(parts, text, clamp_weight(weight))
        return tuple(parts)


def _append(parts: list[Part], text: str, weight: float) -> None:
    last = parts[-1] if parts else None
    if isinstance(last, Fragment) and last.weight == weight:
        parts[-1] = Fragment(last.text + text, weight)
    else:
        parts.append(Fragment(text, weight))


def read_weight(digits: str) -> float | None:
    """The number in `(a:1.5)`, kept within +-MAX_WEIGHT, or None where it is none (`.`, `1.2.3`).

    Note that `nan` and `inf` never get here: A1111's syntax has digits, points and a sign only.
    """
    try:
        return clamp_weight(float(digits))
    except ValueError:
        return None


def clamp_weight(weight: float) -> float:
    """`weight` within +-MAX_WEIGHT; not a number becomes 1."""
    return 1.0 if math.isnan(weight) else max(-MAX_WEIGHT, min(MAX_WEIGHT, weight))


def escape_tag(name: str) -> str:
    r"""A Danbooru name as prompt text: `ganyu_(genshin_impact)` -> `ganyu \(genshin impact\)`.

    Underscores become spaces except in kaomoji; brackets and backslashes are escaped, what is
    escaped already stays.
    """
    name = name.strip()
    words = name if name.casefold() in KAOMOJI else name.replace("_", " ")
    return _ESCAPABLE.sub(lambda sign: f"\\{sign[0][-1]}", words.strip())


def plain_tags(prompt: str) -> list[str]:
    """The tags of a prompt without weights, brackets and escapes, otherwise as typed.

    Split at commas and BREAK; empty ones are left out, repeated ones stay. Those of every step if
    the prompt changes while it is drawn.
    """
    parts = _read(all_words(prompt), _Reader(weigh=False))
    words = "".join("," if isinstance(p, Break) else p.text for p in parts)
    return [tag for part in words.split(",") if (tag := _SPACES.sub(" ", part).strip())]
