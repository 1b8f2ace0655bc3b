"""Characters written as codes of web pages, addresses and programs, made plain again."""

import html
import re
from typing import Final
from urllib.parse import unquote

# `&#108;` `&#x6c;` `&lpar;`, also without the semicolon
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}(?=;));?")
# `\\u006c` `\\u{6c}` `\\x6c` `\\U0000006c` `U+006C`
_ESCAPE: Final = re.compile(
    r"(?:\\+[uUxX]|\b[uU]\+)"
    r"(?:\{([0-9a-fA-F]{1,8})\}|(0{4}[0-9a-fA-F]{4})|([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))"
)
# `%6c`, also of UTF-8: `%E3%83%AD`
_PERCENT: Final = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ROUNDS: Final = 2  # a code may itself be written in codes


def decoded(text: str) -> str:
    """`text` with what is written in codes; the same where there are none. Raises on no string."""
    for _ in range(_ROUNDS):
        before = text
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        text = _ESCAPE.sub(lambda found: _character(found[found.lastindex or 0]), text)
        text = _PERCENT.sub(lambda found: unquote(found[0], errors="ignore"), text)
        if text == before:
            break
    return text


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else ""
