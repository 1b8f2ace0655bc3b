"""Identifiers: of our own rows, and Discord's."""

import re
import secrets
from typing import Final

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no similar letters
LENGTH = 12  # 31**12 is about 2**59: can't be guessed, and short enough to type


def new_id() -> str:
    """A random identifier, safe in URLs and in a button's custom_id."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


PUBLIC_LENGTH = 26  # 31**26 is more than 2**128: for ids that anybody on the internet can request


def new_public_id() -> str:
    """A random identifier of something on the web page."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_LENGTH))


_TYPED: Final = re.compile(
    rf"(?<![a-z0-9])(?:[{_ALPHABET}]{{{LENGTH}}}|[{_ALPHABET}]{{{PUBLIC_LENGTH}}})(?![a-z0-9])"
)


def typed_id(typed: str) -> str:
    """The first id in typed or pasted text: an id, a displayed suggestion (`id: prompt`), the name
    of a picture's file. The whole text if there is none."""
    lowered = typed.strip().lower()
    found = _TYPED.search(lowered)
    return lowered if found is None else found[0]


def is_id(text: str) -> bool:
    """Whether `text` is an id, and nothing else."""
    return _TYPED.fullmatch(text) is not None


_MESSAGE: Final = re.compile(
    r"discord(?:app)?\.com/channels/(?:@me|[0-9]{1,20})/[0-9]{1,20}/([0-9]{1,19})(?![0-9])",
    re.IGNORECASE,
)


def linked_message(typed: str) -> int | None:
    """The id of the message that a link in `typed` leads to, as Discord's clients copy it."""
    found = _MESSAGE.search(typed)
    return None if found is None else snowflake(found[1])


MAX_SNOWFLAKE: Final = 2**63 - 1
"""Discord's ids have 64 bits, the first never set. SQLite's integers end there too."""

_MAX_DIGITS: Final = 19  # digits of MAX_SNOWFLAKE; Python refuses to parse thousands of them


def snowflake(text: str) -> int | None:
    """Discord's id in `text`, in ASCII digits; None if it can't be one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        return None
    number = int(text)
    return number if number <= MAX_SNOWFLAKE else None
