"""What is known about a server and its channels now: existing, deleted, or unknown.

discord.py's cache lacks a server during an outage of Discord, and at the start of a session until
the server was sent. None of that means that anything was deleted: only Discord's answer does.
"""

from typing import Final, TypeAlias

import discord

from bot.client.client import EkakiBot
from pipeline.errors import RefusedError

GuildChannel: TypeAlias = discord.abc.GuildChannel | discord.Thread
GONE: Final = frozenset({10003, 10004})  # unknown channel, unknown guild


class PlaceUnknownError(RefusedError):
    """The server is not known now: ask again later. `guild_id` is in the data."""

    def __init__(self, guild_id: int) -> None:
        super().__init__("place_unknown")
        self.guild_id = guild_id


class PlaceClosedError(PlaceUnknownError):
    """The server is known, but the bot can't see this thread or channel."""


def guild_of(bot: EkakiBot, guild_id: int) -> discord.Guild:
    """A server with all its channels. PlaceUnknownError if it is not known."""
    guild = bot.get_guild(guild_id)
    if guild is None or guild.unavailable or guild.me is None:  # pyright: ignore[reportUnnecessaryComparison] - while Discord has not sent it
        raise PlaceUnknownError(guild_id)
    return guild


async def channel_of(bot: EkakiBot, guild_id: int, channel_id: int) -> GuildChannel | None:
    """A channel or thread; None if Discord says that it does not exist. PlaceUnknownError if the
    server is not known, PlaceClosedError if the bot can't see it. Discord's other errors are
    raised."""
    guild = guild_of(bot, guild_id)
    found = guild.get_channel_or_thread(channel_id)
    if found is not None:
        return found
    if channel_id in bot.gone_channels:
        return None
    try:
        fetched = await bot.fetch_channel(channel_id)
    except discord.NotFound as error:
        if error.code not in GONE:
            raise
        bot.gone_channels.add(channel_id)
        return None
    except discord.Forbidden as error:  # such as a private thread from which the bot was removed
        raise PlaceClosedError(guild_id) from error
    if isinstance(fetched, discord.Thread) and fetched.locked:
        bot.locked_threads.add(channel_id)
    return fetched if isinstance(fetched, discord.abc.GuildChannel | discord.Thread) else None
