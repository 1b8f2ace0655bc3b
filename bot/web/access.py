"""What somebody may do in a server: asked of Discord, as the bot.

What the sign-in said (servers) only narrows whom to ask about: whoever left a server since, or lost
a role, is out within a minute.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import discord

from bot.common.clock import Clock
from data.gallery import web
from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.people.web_sessions import WebSession
from data.store.connection import Connection
from data.store.database import Database

_log = logging.getLogger(__name__)

KNOWN_S: Final = 60.0  # for how long an answer holds
MAX_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A gallery channel: whether a member sees it, and whether it is age-restricted."""

    open: bool
    age_restricted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member of a server. `may_act`: they are past its screening and not timed out, so Discord
    lets them react and press buttons. `doors`: of the channels asked about, those that exist."""

    may_act: bool
    doors: Mapping[int, Door]

    def sees(self, channel_id: int | None) -> bool:
        """Whether they see this channel."""
        door = self._door(channel_id)
        return door is not None and door.open

    def sees_restricted(self, channel_id: int | None) -> bool:
        """Whether they see this channel, and it is age-restricted."""
        door = self._door(channel_id)
        return door is not None and door.open and door.age_restricted

    def has_gallery(self, settings: GuildSettings) -> bool:
        """Whether the server has a gallery now, as `cogs.common.gallery_gates` sees it."""
        adult = self._door(settings.gallery_adult_channel_id)
        return settings.gallery_channel_id in self.doors or (
            adult is not None and adult.age_restricted
        )

    def _door(self, channel_id: int | None) -> Door | None:
        return None if channel_id is None else self.doors.get(channel_id)


class Doors(Protocol):
    """Knows who is in which server, and sees which channel."""

    async def standing(
        self, *, user_id: int, guild_id: int, channel_ids: Collection[int]
    ) -> Standing | None:
        """Somebody as a member of a server; None: they are none, or Discord does not say."""
        ...


class DiscordDoors:
    """Asks Discord: what the running bot knows by itself, and the rest by its API."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def standing(
        self, *, user_id: int, guild_id: int, channel_ids: Collection[int]
    ) -> Standing | None:
        if self._client.user is None:  # not logged in yet
            return None
        try:
            guild = self._client.get_guild(guild_id)
            guild = guild or await self._client.fetch_guild(guild_id)
            member = await guild.fetch_member(user_id)
            doors = {
                channel_id: await _door(guild, channel_id, member) for channel_id in channel_ids
            }
        except (discord.NotFound, discord.Forbidden):
            return None
        except discord.DiscordException as error:
            _log.warning("Whether somebody is in a server could not be found out: %s", error)
            return None
        return Standing(
            may_act=not (member.pending or member.is_timed_out()),
            doors={channel_id: door for channel_id, door in doors.items() if door is not None},
        )


async def _door(guild: discord.Guild, channel_id: int, member: discord.Member) -> Door | None:
    """None where there is no such gallery channel (any more), or the bot can't look."""
    try:
        channel = guild.get_channel(channel_id) or await guild.fetch_channel(channel_id)
    except (discord.NotFound, discord.Forbidden, discord.InvalidData):
        return None
    if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
        return None
    return Door(open=channel.permissions_for(member).view_channel, age_restricted=channel.is_nsfw())


_Question = tuple[int, int, tuple[int, ...]]
"""Person, server, channels."""


class Access:
    """Which servers show everything to whom, and who is in them at this moment."""

    def __init__(self, *, database: Database, clock: Clock, doors: Doors) -> None:
        self._database = database
        self._clock = clock
        self._doors = doors
        self._known: dict[_Question, tuple[float, Standing | None]] = {}

    async def open_guilds(self, session: WebSession | None) -> frozenset[int]:
        """The servers with a public gallery whose every rating this person may see."""
        if session is None or not session.guild_ids:
            return frozenset()
        asked: dict[int, GuildSettings] = {}
        async with self._database.reader() as connection:
            for guild_id in sorted(session.guild_ids):
                settings = await self._settings(connection, guild_id)
                if settings is not None and settings.gallery_adult_channel_id is not None:
                    asked[guild_id] = settings
        found = await asyncio.gather(
            *(self._standing(session.user_id, each, settings) for each, settings in asked.items())
        )
        return frozenset(
            guild_id
            for (guild_id, settings), standing in zip(asked.items(), found, strict=True)
            if standing and standing.sees_restricted(settings.gallery_adult_channel_id)
        )

    async def standing(
        self, session: WebSession | None, guild_id: int, *, fresh: bool = False,
        channel_id: int | None = None,
    ) -> Standing | None:  # fmt: skip
        """The person as a member of a server with a public gallery; None where they are none.
        `channel_id`: one to be asked about beside the gallery's. `fresh`: ask Discord now."""
        if session is None or guild_id not in session.guild_ids:
            return None
        async with self._database.reader() as connection:
            settings = await self._settings(connection, guild_id)
        if settings is None:
            return None
        return await self._standing(session.user_id, guild_id, settings, channel_id, fresh=fresh)

    async def _settings(self, connection: Connection, guild_id: int) -> GuildSettings | None:
        if not await web.guild_on_web(connection, guild_id=guild_id):
            return None
        return await guild_settings.get(connection, guild_id=guild_id)

    async def _standing(
        self,
        user_id: int,
        guild_id: int,
        settings: GuildSettings,
        channel_id: int | None = None,
        *,
        fresh: bool = False,
    ) -> Standing | None:
        wanted = {settings.gallery_channel_id, settings.gallery_adult_channel_id, channel_id}
        channels = tuple(sorted(each for each in wanted if each is not None))
        key, now = (user_id, guild_id, channels), self._clock.monotonic()
        at, known = self._known.get(key, (float("-inf"), None))
        if not fresh and now - at < KNOWN_S:
            return known
        known = await self._doors.standing(user_id=user_id, guild_id=guild_id, channel_ids=channels)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = (now, known)
        return known
