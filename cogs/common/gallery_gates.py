"""A server's current gallery: its settings, and what its channels allow."""

import logging
from dataclasses import replace

import discord

from bot.client.client import EkakiBot
from bot.gallery.gate import Gate
from cogs.common.known import channel_of, guild_of
from cogs.common.places import place_of_channel
from data.gallery.watched import Watched
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.errors import StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

NEEDED = ("view_channel", "send_messages", "embed_links", "attach_files", "read_message_history")
"""The permissions for posting into a gallery channel, by discord.py's names."""


GALLERY_PLACES = (discord.TextChannel, discord.ForumChannel)


async def gate_of(bot: EkakiBot, guild_id: int) -> Gate:
    """The gate of a server. The second channel is used only while it is age-restricted.

    PlaceUnknownError if the server is not known now: then nothing may be concluded.
    """
    services = bot.services
    settings = await services.servers.settings(guild_id)
    ceilings: dict[int, Rating] = {}
    guild_of(bot, guild_id)
    for channel_id, adult in (
        (settings.gallery_channel_id, False),
        (settings.gallery_adult_channel_id, True),
    ):
        channel = None if channel_id is None else await channel_of(bot, guild_id, channel_id)
        if channel_id is None or not isinstance(channel, GALLERY_PLACES):
            continue  # deleted, or of a kind without posts
        place = place_of_channel(channel)
        if adult and not place.age_restricted:
            continue
        ceiling, _ = await services.jobs.ceiling(
            place=place, guild_id=guild_id, channel_id=channel_id
        )
        ceilings[channel_id] = ceiling.rating
    return Gate(guild_id=guild_id, settings=settings, ceilings=ceilings)


async def offers_gallery(bot: EkakiBot, job: JobRecord) -> bool:
    """Whether the server of `job` has a gallery; otherwise its buttons are useless. What a gallery
    accepts can change, so a picture that it refuses now keeps its buttons."""
    if job.guild_id is None:
        return False
    try:
        settings = await bot.services.servers.settings(job.guild_id)
    except StorageError as error:
        _log.warning("Whether there is a gallery can't be read: %s", error)
        return False
    chosen = {settings.gallery_channel_id, settings.gallery_adult_channel_id} - {None}
    return any(channel_id not in bot.gone_channels for channel_id in chosen)


async def gate_for(bot: EkakiBot, guild_id: int, made: Watched | JobRecord) -> Gate:
    """The gate of a server, for the pictures of a job."""
    return replace(await gate_of(bot, guild_id), made_in=await _made_in(bot, made))


async def _made_in(bot: EkakiBot, made: Watched | JobRecord) -> tuple[int, int]:
    """The channel in which a job was made, and the parent if it is a thread. The job stores that as
    `rules_channel_id`, because a closed thread is not in the cache. Only jobs of early versions
    lack it; Discord is asked about those."""
    channel_id = made.made_in if isinstance(made, Watched) else made.channel_id
    if made.rules_channel_id is not None or made.guild_id is None:
        return channel_id, made.rules_channel_id or channel_id
    channel = await channel_of(bot, made.guild_id, channel_id)
    return channel_id, channel.parent_id if isinstance(channel, discord.Thread) else channel_id


def missing_in(bot: EkakiBot, channel_id: int) -> tuple[str, ...]:
    """What the bot lacks to post in a gallery channel, in Discord's words."""
    channel = bot.get_channel(channel_id)
    if not isinstance(channel, GALLERY_PLACES):
        return ()
    granted = channel.permissions_for(channel.guild.me)
    return tuple(text(f"permissions.{name}") for name in NEEDED if not getattr(granted, name))
