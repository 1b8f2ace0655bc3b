"""Malformed weights: with blanks, a decimal comma, in the wrong place, or not a number."""

import re
from typing import Final, NamedTuple

from pipeline.hints import HintKind
from pipeline.prompt.weights import MAX_WEIGHT

_NUMBER: Final = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)"
_PROPER = re.compile(rf"(?P<words>.*):\s*(?P<number>{_NUMBER})\s*", re.DOTALL)
_COMMA_BLANK = re.compile(r"(?P<words>.*):\s*(?P<number>[+-]?\d+,\s+\d+)\s*", re.DOTALL)
_SEMICOLON = re.compile(rf"(?P<words>.*[^\W\d_]\s*);\s*(?P<number>{_NUMBER})\s*", re.DOTALL)
_WRONG = re.compile(
    r"(?P<words>.*[^\s:])\s*:\s*"
    r"(?P<number>[+*~=-]{0,2}[.,]*\d[^\s:,]*|[x×]\d*[.,]\d+|[.,+-]*)\s*",
    re.DOTALL,
)
_OTHER_SIGN = re.compile(r".*[^\W\d_]\s*[*=×]\s*\d*\.\d+\s*", re.DOTALL)
_LOOKS_WEIGHTED = re.compile(r"[^\W\d]\s*:\s*[+-]?\d*[.,]\d+(?![\w:])")
_WORD = re.compile(r"(?P<words>[^:]*[^\s:])\s*:\s*(?P<number>[^\W\d_]\w*)\s*")
_KINDS_OF_TAGS: Final = frozenset({
    "artist", "art", "by", "char", "character", "copyright", "copy", "series", "style", "general",
    "gen", "meta", "rating", "year", "quality", "source", "from", "medium", "species", "lore",
})  # fmt: skip
_EARLY = re.compile(
    r"\s*+(?P<words>[^,]*[^\s,\d:])\s*:\s*(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*"
)
_DECIMAL = re.compile(
    r"\s*+(?P<words>(?=[\d\s./-]*+[^,:])[^,:]*[^\s,:])\s*:\s*(?P<number>[+-]?\d*\.\d+)\s*"
)


class Weighed(NamedTuple):
    """Words and their weight, "" for that of bare brackets. `kind`: the hint about it."""

    words: str
    number: str
    kind: HintKind | None = None


def weigh(content: str) -> Weighed:
    """The content of round brackets."""
    for pattern, kind in ((_PROPER, None), (_COMMA_BLANK, HintKind.WEIGHT_READ),
                          (_SEMICOLON, HintKind.WEIGHT_READ)):  # fmt: skip
        match = pattern.fullmatch(content)
        if match is not None:
            return _with_number(match, kind)
    if (match := _WRONG.fullmatch(content)) is not None:
        return Weighed(match["words"], "", HintKind.WEIGHT_WRONG)
    if _OTHER_SIGN.fullmatch(content) is not None:
        return Weighed(content, "", HintKind.WEIGHT_WORD)
    match = _WORD.fullmatch(content)
    if match is not None and _last_word(match["words"]) not in _KINDS_OF_TAGS:
        return Weighed(content, "", HintKind.WEIGHT_WORD)
    return Weighed(content, "")


def looks_weighted(words: str) -> bool:
    """Whether a weight is inside words, where it does not count: `smile:1.2 hat`."""
    return _LOOKS_WEIGHTED.search(words) is not None


def _last_word(words: str) -> str:
    return words.rpartition(",")[2].strip().casefold()


def _with_number(match: "re.Match[str]", kind: HintKind | None) -> Weighed:
    number = re.sub(r",\s*", ".", match["number"])
    words = match["words"].rstrip()
    if abs(float(number)) > MAX_WEIGHT:
        return Weighed(words, "", HintKind.WEIGHT_WRONG)
    doubled = _EARLY.fullmatch(words)
    if doubled is not None and "," not in words:  # `(smile:1.2:1.3)`: the last one counts
        return Weighed(doubled["words"], number, HintKind.WEIGHT_READ)
    return Weighed(words, number, kind)


def _without_weight(piece: str, early: "re.Match[str]") -> str:
    return piece[: early.end("words")]


def split_early(words: str, number: str) -> list[str]:
    """`(a:1.2, b:1.3)` as separate groups, if there are weights before the last tag; otherwise
    none.

    `words` is what precedes the last weight `number`, "" for none.
    """
    groups: list[str] = []
    waiting: list[str] = []
    pieces = words.split(",")
    for index, each in enumerate(pieces):
        early = _EARLY.fullmatch(each) if index < len(pieces) - 1 or not number else None
        waiting.append(each if early is None else _without_weight(each, early))
        if early is not None:
            groups.append(f"({','.join(waiting).strip()}:{early['number']})")
            waiting = []
    if not groups:
        return []
    rest = ",".join(waiting).strip(" ,")
    return [*groups, f"({rest}:{number})" if number else f"({rest})"] if rest else groups


def first_early(content: str) -> tuple[str, str] | None:
    """An unclosed bracket: the group up to its first weight, and what follows; None if no weight
    shows where it ends."""
    pieces = content.split(",")
    for index, each in enumerate(pieces):
        early = _EARLY.fullmatch(each)
        if early is None:
            continue
        number, after = early["number"], pieces[index + 1 :]
        if number.isdecimal() and after and after[0].strip().isdecimal():
            number += "." + after.pop(0).strip()  # a decimal comma
        words = ",".join([*pieces[:index], _without_weight(each, early)])
        return f"({words}:{number})", ",".join(["", *after]) if after else ""
    return None


def bare_weight(piece: str) -> Weighed | None:
    """A weight without brackets, `smile:1.2`; None if `piece` has none.

    Only with a decimal point: `16:9` and `chapter:5` are words.
    """
    match = _DECIMAL.fullmatch(piece)
    return None if match is None else Weighed(match["words"], match["number"])
