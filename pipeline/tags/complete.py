r"""Completes the tag that is being typed at the end of a prompt.

What precedes it is never changed, including spacing and brackets.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipeline.prompt.names import escape_name
from pipeline.prompt.width import as_ascii
from pipeline.tags.tag import Tag

_FLAG: Final = re.compile(r"(?:^|\s)--\w")  # `--ar 3:2`: no tags follow
_SEPARATOR: Final = re.compile(r"[,，、､﹐﹑]|\n|\bBREAK\b")
_OPENING: Final = re.compile(r"[\s(\[{|（［｛｜]*")
_PIECE_BEGINS: Final = re.compile(r"[\s(\[{|（［｛｜,，、､﹐﹑]\Z")
_BREAK: Final = "BREAK"
# The end of a weight, read from its last sign to its first.
_CLOSING: Final = re.compile(r"\s*[)\]）］}｝]*\s*(?:[\d.．]*[-+－＋]?\s*[:：])?(?!\\)")
_ESCAPE: Final = re.compile(r"\\([()\[\]])")


class LastPiece(NamedTuple):
    """`head` stays as typed; `piece` is what is searched, without brackets and escapes."""

    head: str
    piece: str


@dataclass(frozen=True, slots=True)
class Completion:
    """`head` + `name` + `tail` is the completed prompt: `name` the tag, `head` all before it."""

    head: str
    name: str
    tail: str

    @property
    def text(self) -> str:
        """The whole prompt."""
        return self.head + self.name + self.tail


@dataclass(frozen=True, slots=True)
class _Cut:
    """`head` + `body` + `tail` is the text as typed."""

    head: str
    body: str
    tail: str


def complete_last_piece(typed: str) -> LastPiece:
    r"""Split `typed` into the piece being typed at its end, and everything before it.

    `1girl, (long ha` gives (`1girl, (`, `long ha`). The piece is empty after a comma, and after
    `--flags`, where nothing can be completed.
    """
    cut = _cut(typed)
    return LastPiece(cut.head, _ESCAPE.sub(r"\1", cut.body))


def takes_tags(typed: str) -> bool:
    """Whether tags may follow: not after `--flags`."""
    return _FLAG.search(typed) is None


def completion(typed: str, tag: Tag, *, ready: bool = False) -> Completion:
    r"""`typed`, which takes tags, with its last piece completed to `tag`.

    Brackets in the name are escaped, weights kept. `ready`: with a comma at the end for the next
    tag, unless a bracket is open there. If the next tag is typed directly after it, a space is
    added.
    """
    cut = _cut(typed)
    glued = cut.head.endswith((_BREAK, ",") if ready else _BREAK)
    head = f"{cut.head} " if glued else cut.head
    done = Completion(head, escape_name(tag.name), cut.tail)
    if not ready or _open_brackets(done.text) > 0:
        return done
    return Completion(done.head, done.name, f"{done.tail},")


def ends_before_a_piece(text: str) -> bool:
    """Whether a new piece of a prompt starts directly after `text`."""
    return _PIECE_BEGINS.search(text) is not None


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
    """Remove the end of a weight (`:1.2)`) if a bracket before the piece requires one.

    Brackets opened in the piece belong to its name: `ganyu (genshin impact)`.
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
