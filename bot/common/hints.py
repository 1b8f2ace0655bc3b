"""The hints about a prompt, as text under its pictures."""

from collections.abc import Sequence
from typing import Final

from data.shipped.text import text
from pipeline.hints import Hint, HintKind

MAX_LINES: Final = 6
_MAX_IN_LINE: Final = 3  # items of one kind that are named; Discord's embeds have 4096 characters

_TOGETHER: Final = {
    HintKind.LORA: "hints.lora_pair",
    HintKind.ALIAS: "hints.alias_pair",
    HintKind.NO_TAG: "hints.no_tag_pair",
}
"""Kinds shown in one line for all their items, with the text for one item."""

_NO_MENTION: Final = "\u200b@\u200b"


def hint_lines(hints: Sequence[Hint]) -> list[str]:
    """One line for each kind of what was left out, and for each item that was read differently."""
    together: dict[tuple[HintKind, str], list[str]] = {}
    for each in hints:
        if each.kind not in _TOGETHER:
            own = (each.kind, each.typed) if each.used else (each.kind, "")
            together.setdefault(own, []).append(each.typed)
    used = {(each.kind, each.typed): each.used for each in hints if each.used}
    lines = [
        text(f"hints.{own[0]}", typed=_named(typed), used=_code(used.get(own, "")))
        for own, typed in together.items()
    ]
    for kind, pair in _TOGETHER.items():
        found = [each for each in hints if each.kind is kind]
        if found:
            lines.append(text(f"hints.{kind}", typed=_paired(found, pair)))
    if len(lines) > MAX_LINES:
        return [*lines[: MAX_LINES - 1], text("hints.more", count=len(lines) - MAX_LINES + 1)]
    return lines


def _paired(found: list[Hint], pair: str) -> str:
    """Items of one kind, each with what was used or suggested instead."""
    named = [
        text(pair, typed=_code(each.typed), used=_named(each.used.split(", ")))
        if each.used
        else _code(each.typed)
        for each in found[:_MAX_IN_LINE]
    ]
    return ", ".join(named) + (", …" if len(found) > _MAX_IN_LINE else "")


def _named(typed: list[str]) -> str:
    more = ", …" if len(typed) > _MAX_IN_LINE else ""
    return ", ".join(map(_code, typed[:_MAX_IN_LINE])) + more


def _code(typed: str) -> str:
    """In a Discord code span, in which nothing is markdown, a link or a mention."""
    return "`" + typed.replace("`", "'").replace("@", _NO_MENTION) + "`"
