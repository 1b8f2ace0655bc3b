"""Which reaction votes for which picture of a message. Pure."""

from collections.abc import Mapping
from typing import Final

import discord

STARS: Final[Mapping[str, int]] = {"⭐": 0} | {f"{n}\u20e3": n - 1 for n in range(1, 11)}
"""A star is for the first picture (mostly there is one), a number for that picture."""


def position_of(emoji: discord.PartialEmoji | discord.Emoji | str) -> int | None:
    """The picture, from 0, that a reaction is a vote for; None if it is none."""
    if isinstance(emoji, discord.Emoji) or (
        isinstance(emoji, discord.PartialEmoji) and emoji.id is not None
    ):
        return None
    return STARS.get(str(emoji).replace("\ufe0f", ""))
