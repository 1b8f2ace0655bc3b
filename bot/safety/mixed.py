"""Words of Latin letters with letters of another alphabet among them: `c\u10f0ild`.

Nobody writes tags like that. Whatever the foreign letter looks like, it may represent any letter.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

from bot.safety.normalise import normalise

ANY: Final = "?"
"""Represents one letter that may be any."""

_WORD = re.compile(r"[^\W\d_]{3,24}")
_FEWEST_LATIN: Final = 2
# Scripts written next to Latin words without a space. Their letters end the word.
_SPACELESS: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "THAI", "LAO", "KHMER")


def mixed_words(text: str) -> Iterator[str]:
    """The words of a prompt that mix alphabets, at least half of them Latin, with `ANY` for the
    other letters. Raises on no string."""
    if text.isascii():
        return
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn"))
    for word in set(_WORD.findall(seen)):
        if word.isascii():
            continue
        for part in "".join(map(_letter, word)).split(" "):
            strange = part.count(ANY)
            if strange and len(part) - strange >= max(strange, _FEWEST_LATIN):
                yield part


@cache
def _letter(character: str) -> str:
    """The Latin letter that `character` is, or `ANY`, or a space where words end."""
    name = unicodedata.name(character, "")
    if name.startswith(_SPACELESS):
        return " "
    plain = normalise(character)
    return plain if "LATIN" in name and plain.isascii() and plain.isalpha() else ANY
