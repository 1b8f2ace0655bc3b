"""Square brackets of prompts that change during drawing: `[before:after:0.5]`."""

import re
from collections.abc import Sequence
from typing import Final

_NUMBER: Final = r"(?:\d+[.,]?\d*|[.,]\d+)"
_WHEN = re.compile(rf"\s*{_NUMBER}\s*")
_RANGE = re.compile(r"\s*(\d*\.\d+)\s*,\s*(\d*\.\d+|1)\s*")
_PASS = re.compile(r"\s*[A-Z][A-Z_]*\s*")  # `[dog:cat:SECOND_PASS]` of ComfyUI prompt control
_STEPS: Final = 28  # a number above 1 counts steps


def lasting_text(content: str) -> str | None:
    """What brackets with `content` say most of the time; None if they change nothing.

    `[a:b:0.5]`, `[a:0.5]` and `[a::10]` as in A1111; `[a:b:c:0.2,0.8]`, `[a:b:PASS]`,
    `[SEQ:a:0.2:b:0.8]` and `[CUT:a b:b]` as in ComfyUI's prompt control.
    """
    texts = content.split(":")
    if texts[0].strip() == "CUT" and len(texts) > 2:
        return texts[1].strip()
    if texts[0].strip() == "SEQ" and len(texts) > 2:
        return _longest(texts[1::2], texts[2::2])
    if len(texts) < 2:
        return None
    span = _RANGE.fullmatch(texts[-1])
    if span is not None:
        return _longest([*_padded(texts[:-1]), ""], span.groups())
    if len(texts) > 2 and _PASS.fullmatch(texts[-1]):
        return texts[0].strip()
    when: list[str] = []
    while len(texts) > 1 and _WHEN.fullmatch(texts[-1]):
        when.insert(0, texts.pop())
    if not when:
        return None
    if len(when) > 1:
        return _longest([*texts, ""], when)
    return _of_two(":".join(texts[:-1]).strip(), texts[-1].strip(), _share(when[0]))


def _of_two(before: str, after: str, share: float) -> str:
    if not before or not after:
        return before or after
    return before if share >= 0.5 else after


def _padded(texts: list[str]) -> list[str]:
    """Before, during and after a range."""
    return ["", *texts] if len(texts) < 3 else texts


def _longest(texts: Sequence[str], ends: Sequence[str]) -> str:
    """Of texts that follow each other until `ends`, the non-empty one with the longest time."""
    at, found = 0.0, list[tuple[float, str]]()
    for index, text in enumerate(texts):
        end = _share(ends[index]) if index < len(ends) else 1.0
        found.append((end - at, text.strip()))
        at = max(at, end)
    said = [each for each in found if each[1]]
    return max(said, key=lambda each: each[0])[1] if said else ""


def _share(when: str) -> float:
    """The share of the time that is over then."""
    if _WHEN.fullmatch(when) is None:
        return 1.0
    number = float(when.strip().replace(",", "."))
    return number if number <= 1 else min(number / _STEPS, 1.0)
