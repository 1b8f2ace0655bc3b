"""Reads what is typed in square brackets as a change of the prompt, and writes it as A1111 does.

`[before:after:0.5]` and `[a|b]` are used as typed. Others are written so where that means the same:
`[a:b:c:0.2,0.8]` and `[SEQ:a:0.2:b:0.8]` of ComfyUI's prompt control.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pipeline.hints import HintKind

_NUMBER: Final = r"(?:\d+[.,]?\d*|[.,]\d+)"
_WHEN = re.compile(rf"\s*{_NUMBER}\s*")
_RANGE = re.compile(r"\s*(\d*\.\d+)\s*,\s*(\d*\.\d+|1)\s*")
_PASS = re.compile(r"\s*[A-Z][A-Z_]*\s*")  # `[dog:cat:SECOND_PASS]` of ComfyUI prompt control
_PERIOD = re.compile(r"(?P<words>.*[^\s:])\s*:\s*\d*\.\d+\s*", re.DOTALL)  # `[cat|dog:0.1]`, same
_COLON = re.compile(r"(?<!\\):")
_SEPARATOR = re.compile(r"\\.|\([^()]*\)|([:|])", re.DOTALL)

Words = Callable[[str], str]
"""Reads one of the texts, so that nothing in it is taken for a separator."""


class ReadSchedule(NamedTuple):
    """`kind`: the hint about it, None if it is used as typed."""

    text: str
    kind: HintKind | None = None


def read_schedule(content: str, words: Words) -> ReadSchedule | None:
    """Square brackets with `content`; None if they change nothing. The text is empty if nothing is
    ever drawn for them."""
    if "|" in content:
        return _alternating(content.split("|"), words)
    texts = _COLON.split(content)
    if len(texts) > 2 and texts[0].strip() in {"CUT", "SEQ"}:
        if texts[0].strip() == "CUT":
            return _told(words(texts[1]).strip())
        return _told(_sequence(texts[1::2], texts[2::2], words))
    if len(texts) < 2:
        return None
    span = _RANGE.fullmatch(texts[-1])
    if span is not None:
        during = texts[:-1] if len(texts) > 3 else ["", *texts[:-1]]
        return _told(_sequence(during, span.groups(), words))
    if len(texts) > 2 and _PASS.fullmatch(texts[-1]):
        return _told(words(texts[0]).strip())
    return _at_moments(texts, words)


def escaped(text: str) -> str:
    """`text` in which no letter is a separator. What is in round brackets is safe."""
    return _SEPARATOR.sub(lambda found: found[0] if found[1] is None else f"\\{found[1]}", text)


def _at_moments(texts: list[str], words: Words) -> ReadSchedule | None:
    when: list[str] = []
    while len(texts) > 1 and _WHEN.fullmatch(texts[-1]):
        when.insert(0, texts.pop())
    if not when:
        return None
    if len(when) > 1:
        during = texts if len(texts) > 1 else ["", *texts]
        return _told(_sequence(during, when, words))
    before, after = words(":".join(texts[:-1])), words(texts[-1])
    if not before.strip() and not after.strip():
        return ReadSchedule("")
    number = _number(when[0])
    if "." in number and float(number) >= 1:  # A1111's second pass, or meant as a weight
        return _told(before.strip() or after.strip())
    return ReadSchedule(_switch(before, after, number, alone=len(texts) == 1))


def _alternating(texts: list[str], words: Words) -> ReadSchedule:
    period = _PERIOD.fullmatch(texts[-1])
    with_period = period is not None and ":" not in "".join(texts[:-1])
    if period is not None and with_period:
        texts = [*texts[:-1], period["words"]]
    options = [words(each) for each in texts]
    if not any(each.strip() for each in options):
        return ReadSchedule("")
    kind = HintKind.ALTERNATING if with_period else None
    return ReadSchedule(f"[{'|'.join(options)}]", kind)


def _told(text: str) -> ReadSchedule:
    return ReadSchedule(text, HintKind.EDITING)


def _sequence(texts: Sequence[str], ends: Sequence[str], words: Words) -> str:
    """Texts that follow each other until `ends`; the last one stays if it has none."""
    found = ""
    for text, end in reversed([*zip(texts, [*ends, ""], strict=False)]):
        at = _number(end) if _WHEN.fullmatch(end) else ""
        if not at or (float(at) >= 1 and "." in at) or end.strip() == "1":
            found = words(text)
        else:
            found = _switch(words(text), found, at)
    return found if found.strip() else ""


def _switch(before: str, after: str, when: str, *, alone: bool = False) -> str:
    return f"[{after}:{when}]" if alone else f"[{before}:{after}:{when}]"


def _number(when: str) -> str:
    return when.strip().replace(",", ".")
