"""Whether somebody may see what a server keeps age-restricted: asked of Discord, as the bot.

What the sign-in said (servers) only narrows whom to ask about: whoever left a server since, or lost
a role, is out within a minute.
"""

import asyncio
import logging
from typing import Final, Protocol

import discord

from bot.common.clock import Clock
from data.gallery import web
from data.guilds import guild_settings
from data.people.web_sessions import WebSession
from data.store.database import Database

_log = logging.getLogger(__name__)

KNOWN_S: Final = 60.0  # for how long an answer holds
MAX_KNOWN: Final = 10_000


class Doors(Protocol):
    """Knows who may see which channel."""

    async def may_see(self, *, user_id: int, guild_id: int, channel_id: int) -> bool:
        """Whether a member sees this channel, and it is age-restricted."""
        ...


class DiscordDoors:
    """Asks Discord: what the running bot knows by itself, and the rest by its API."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def may_see(self, *, user_id: int, guild_id: int, channel_id: int) -> bool:
        try:
            guild = self._client.get_guild(guild_id)
            guild = guild or await self._client.fetch_guild(guild_id)
            channel = guild.get_channel(channel_id) or await guild.fetch_channel(channel_id)
            member = await guild.fetch_member(user_id)
        except (discord.NotFound, discord.Forbidden):
            return False
        except discord.DiscordException as error:
            _log.warning("Whether somebody may see a channel could not be found out: %s", error)
            return False
        if isinstance(channel, discord.Thread):
            return False
        restricted = getattr(channel, "nsfw", False)
        return bool(restricted) and channel.permissions_for(member).view_channel


class Access:
    """Which servers show everything to whom."""

    def __init__(self, *, database: Database, clock: Clock, doors: Doors) -> None:
        self._database = database
        self._clock = clock
        self._doors = doors
        self._known: dict[tuple[int, int, int], tuple[float, bool]] = {}

    async def open_guilds(self, session: WebSession | None) -> frozenset[int]:
        """The servers with a public gallery whose every rating this person may see."""
        if session is None or not session.guild_ids:
            return frozenset()
        asked: list[tuple[int, int, int]] = []
        async with self._database.reader() as connection:
            for guild_id in sorted(session.guild_ids):
                if not await web.guild_on_web(connection, guild_id=guild_id):
                    continue
                settings = await guild_settings.get(connection, guild_id=guild_id)
                if settings.gallery_adult_channel_id is not None:
                    asked.append((session.user_id, guild_id, settings.gallery_adult_channel_id))
        answers = await asyncio.gather(*(self._may_see(*question) for question in asked))
        return frozenset(key[1] for key, yes in zip(asked, answers, strict=True) if yes)

    async def _may_see(self, user_id: int, guild_id: int, channel_id: int) -> bool:
        key, now = (user_id, guild_id, channel_id), self._clock.monotonic()
        at, answer = self._known.get(key, (float("-inf"), False))
        if now - at < KNOWN_S:
            return answer
        answer = await self._doors.may_see(
            user_id=user_id, guild_id=guild_id, channel_id=channel_id
        )
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = (now, answer)
        return answer
