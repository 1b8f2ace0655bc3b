"""What Discord's answers to a message mean for its delivery."""

import discord

TOO_LARGE = (413, 40005)
TOKEN_OVER = (50027, 10015)  # after 15 minutes: an invalid token, an unknown webhook
PASSING = (408, 429)
PASSING_CODES = (40003, 130000)  # direct messages opened too fast; Discord is overloaded
CLOSED = (401, 403, 404)  # the token, the message, the channel or our permissions are gone
CLOSED_CODES = (30046, 50083)  # too many edits of an old message; the thread is archived
EXPLICIT = 20009
"""Discord's filter keeps explicit pictures from this person or place. Of the codes that say what
Discord does not take, the one that people can be told more about."""
UNWANTED_CODES = (EXPLICIT, 200000, 200001, 240000)  # the next ones: AutoMod, filtered links
CONTENT_CODES = frozenset({*UNWANTED_CODES, 50006, 50035})
"""What says that another message may be taken in the same place; the latter two: empty, invalid."""


class Refused(Exception):  # noqa: N818 - not a fault: the next way is tried
    """The way is permanently closed."""


class TooLarge(Exception):  # noqa: N818 - the caller makes the files smaller
    """The files are too large for this place."""


class Unwanted(Exception):  # noqa: N818 - the caller says in words what happened
    """Discord takes this message by no way, whatever the reason. `code`: Discord's."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Discord's code {code}")
        self.code = code


def passes(error: discord.HTTPException) -> bool:
    """Whether the same request may work later."""
    return error.status >= 500 or error.status in PASSING or error.code in PASSING_CODES
