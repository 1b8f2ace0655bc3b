"""Decodes characters written as HTML entities, in URL or program escapes, or hidden by Unicode."""

import html
import re
from typing import Final
from urllib.parse import unquote

from bot.safety.hangul import syllables

# `&#108;` `&#x6c;` `&lpar;`, also without the semicolon
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}(?=;));?")
# `\\u006c` `\\u{6c}` `\\x6c` `\\U0000006c` `U+006C`
_ESCAPE: Final = re.compile(
    r"(?:(?<!\\)\\++[uUxX]|\b[uU]\+)"
    r"(?:\{([0-9a-fA-F]{1,8})\}|(0{4}[0-9a-fA-F]{4})|([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))"
)
# `%6c`, also of UTF-8: `%E3%83%AD`
_PERCENT: Final = re.compile(r"(?:%[0-9a-fA-F]{2})+")
# Unicode's tag characters: an invisible copy of ASCII.
_TAG_CHARACTERS: Final = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
# Text after a right-to-left override is displayed backwards, to its end or that of the line.
_OVERRIDDEN: Final = re.compile("\u202e([^\u202c\u2069\n]*)")
_ROUNDS: Final = 2  # a code may itself be encoded


def decoded(text: str) -> str:
    """Decode `text`; unchanged if nothing is encoded. Never raises."""
    for _ in range(_ROUNDS):
        before = text
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        text = _ESCAPE.sub(lambda found: _character(found[found.lastindex or 0]), text)
        text = _PERCENT.sub(lambda found: unquote(found[0], errors="ignore"), text)
        if text == before:
            break
    text = syllables(text.translate(_TAG_CHARACTERS))
    return _OVERRIDDEN.sub(lambda found: found[1][::-1], text)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else ""
