"""Cleans input for tokenizers, databases and PNG text."""

import re
import unicodedata
from typing import Final

_LINES = re.compile(r"(?:(?<![ \t])[ \t]+)?(?:\r\n|[\n\r\v\f\x85\u2028\u2029])\s*")
_LINES_IN_BRACES = re.compile(  # of choices that are written over several lines
    r"(?<=[{|$\uff5b\uff5c\uff04])[ \t]*+[\r\n]\s*+|(?<!\s)[ \t]*+[\r\n]\s*+(?=[|}\uff5c\uff5d])"
)
_BLANKS = re.compile(r"[ \t\u00a0\u3000]+")

_LINE_COMMENT = re.compile(r"(?:^|(?<=\s))(?:#(?=[ \t])|//(?=[ \t])).*$", re.MULTILINE)
_WHOLE_LINE_COMMENT = re.compile(r"^[ \t]*(?:#|//)(?!\S*,)[^\n]*$", re.MULTILINE)


_HIDDEN: Final = frozenset(
    "\u200b\u2060\ufeff\u180e"  # zero-width spaces, which only hide what is written
    "\u00ad\u2061\u2062\u2063\u2064\ufff9\ufffa\ufffb"  # hyphens and signs that are not shown
    "\u206a\u206b\u206c\u206d\u206e\u206f"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # overrides of the reading direction
)


def clean_text(text: str) -> str:
    """`text` on one line: line ends become commas, control characters and lone surrogates go.

    Emoji (with their joiners), every script and the marks of right-to-left text stay.
    """
    one_line = _LINES.sub(", ", text.strip())
    kept = "".join(letter for letter in one_line if letter == "\t" or not _is_control(letter))
    return _BLANKS.sub(" ", kept).strip()


def clean_prompt(text: str) -> str:
    """`clean_text` of a prompt: comments to the end of a line (`# like this`) become `/* ... */`,
    since there are no lines afterwards. Line ends beside `{`, `|` and before `}` are no commas."""
    kept = _LINE_COMMENT.sub(_enclosed, text)
    if "\n" in kept.strip():
        kept = _WHOLE_LINE_COMMENT.sub(_enclosed, kept)
    return clean_text(_LINES_IN_BRACES.sub(" ", kept))


def _enclosed(comment: "re.Match[str]") -> str:
    words = comment[0].strip().lstrip("#/").strip().replace("*/", "")
    return f"/* {words} */" if words else ""


def _is_control(letter: str) -> bool:
    return letter in _HIDDEN or unicodedata.category(letter) in {"Cc", "Cs"}
