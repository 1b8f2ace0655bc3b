"""The meaning of Discord's answers for a delivery."""

import discord

TOO_LARGE = (413, 40005)
PASSING = (408, 429)
PASSING_CODES = (40003, 130000)  # direct messages were opened too fast; Discord is overloaded
# the token expired, the message or channel was deleted, or permissions are missing
CLOSED = (401, 403, 404)
CLOSED_CODES = (30046, 50083)  # too many edits of an old message; the thread is archived
EXPLICIT = 20009
"""Discord's filter blocks explicit pictures for this person or place. Of the codes for rejected
content, the only one that can be explained to people."""
UNWANTED_CODES = (EXPLICIT, 200000, 200001, 240000)  # the next ones: AutoMod, filtered links
CONTENT_CODES = frozenset({*UNWANTED_CODES, 50006, 50035})
"""Codes after which the place may accept another message; the last two: empty, invalid."""


class Refused(Exception):  # noqa: N818 - not an error: the next way is tried
    """The way is permanently closed."""


class TooLarge(Exception):  # noqa: N818 - the caller makes the files smaller
    """The files are too large for this place."""


class Unwanted(Exception):  # noqa: N818 - the caller says in words what happened
    """Discord rejects this message in every way, whatever the reason. `code`: Discord's."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Discord's code {code}")
        self.code = code


def passes(error: discord.HTTPException) -> bool:
    """Whether the same request may work later."""
    return error.status >= 500 or error.status in PASSING or error.code in PASSING_CODES
