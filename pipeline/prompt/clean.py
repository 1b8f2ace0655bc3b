"""What people send, made fit for tokenizers, databases and PNG text."""

import re
import unicodedata
from typing import Final

_LINES = re.compile(r"[ \t]*(?:\r\n|[\n\r\v\f\x85\u2028\u2029])\s*")
_BLANKS = re.compile(r"[ \t\u00a0\u3000]+")

_SAD_FACE = re.compile(r"((?:^|,)\s*>?[:;]['-]?)([(\[])(?=\s*(?:,|$))")

_HIDDEN: Final = frozenset(
    "\u200b\u2060\ufeff"  # spaces without width, which only hide what is written
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # overrides of the reading direction
)


def clean_text(text: str) -> str:
    """`text` on one line: line ends become commas, control characters and lone surrogates go.

    Emoji (with their joiners), every script and the marks of right-to-left text stay.
    """
    one_line = _LINES.sub(", ", text.strip())
    kept = "".join(letter for letter in one_line if letter == "\t" or not _is_control(letter))
    return _BLANKS.sub(" ", kept).strip()


def escape_faces(text: str) -> str:
    r"""`text` with the brackets of faces that stand alone escaped: `>:(` -> `>:\(`.

    Danbooru has such tags, and a bracket opened before a comma is never meant as emphasis.
    """
    return _SAD_FACE.sub(r"\1\\\2", text)


def _is_control(letter: str) -> bool:
    return letter in _HIDDEN or unicodedata.category(letter) in {"Cc", "Cs"}
