r"""Completing the tag that somebody is typing at the end of a prompt.

What stands before it is never touched: not its spacing, not its brackets.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipeline.prompt.names import escape_name
from pipeline.prompt.width import as_ascii
from pipeline.tags.tag import MAX_LABEL, TagMatch

_FLAG: Final = re.compile(r"(?:^|\s)--\w")  # `--ar 3:2`: no tags follow
_SEPARATOR: Final = re.compile(r"[,，、､﹐﹑]|\n|\bBREAK\b")
_OPENING: Final = re.compile(r"[\s(\[{|（［｛｜]*")
# The end of a weight, read from its last sign to its first.
_CLOSING: Final = re.compile(r"\s*[)\]）］}｝]*\s*(?:[\d.．]*[-+－＋]?\s*[:：])?(?!\\)")
_ESCAPE: Final = re.compile(r"\\([()\[\]])")


class LastPiece(NamedTuple):
    """`head` stays as typed; `piece` is what is searched, without brackets and escapes."""

    head: str
    piece: str


@dataclass(frozen=True, slots=True)
class _Cut:
    """`head` + `body` + `tail` is the text as typed."""

    head: str
    body: str
    tail: str


def complete_last_piece(typed: str) -> LastPiece:
    r"""The end of `typed` that is being typed, and everything before it.

    `1girl, (long ha` gives (`1girl, (`, `long ha`). The piece is empty after a comma, and after
    `--flags`, where there is nothing to complete.
    """
    cut = _cut(typed)
    return LastPiece(cut.head, _ESCAPE.sub(r"\1", cut.body))


def completion(typed: str, match: TagMatch, limit: int = MAX_LABEL) -> str | None:
    r"""`typed` with its last piece completed to `match`, or None where that has over `limit`
    characters: nothing is ever cut. Brackets in the name are escaped, weights kept.
    """
    if _FLAG.search(typed):
        return None
    cut = _cut(typed)
    text = cut.head + escape_name(match.tag.name) + cut.tail
    return text if len(text) <= limit else None


def _cut(typed: str) -> _Cut:
    if _FLAG.search(typed):
        return _Cut(typed, "", "")
    start = 0
    for separator in _SEPARATOR.finditer(typed):
        start = separator.end()
    opening = _OPENING.match(typed, start)
    begin = opening.end() if opening else start
    body, tail = _closed(typed[begin:], is_open=_open_brackets(typed[:begin]) > 0)
    return _Cut(typed[:begin], body, tail)


def _closed(text: str, *, is_open: bool) -> tuple[str, str]:
    """Take the end of a weight off (`:1.2)`), where a bracket before the piece asks for one.

    Brackets that the piece opens itself belong to its name: `ganyu (genshin impact)`.
    """
    tail = _CLOSING.match(text[::-1])
    at = len(text) - tail.end() if tail else len(text)
    if not is_open or not at:
        return text, ""
    own = max(0, _open_brackets(text[:at]))
    while own and at < len(text):
        own -= text[at] in ")]）］"
        at += 1
    return text[:at], text[at:]


def _open_brackets(text: str) -> int:
    plain = as_ascii(re.sub(r"\\.", "", text))
    return sum(plain.count(sign) for sign in "([{") - sum(plain.count(sign) for sign in ")]}")
