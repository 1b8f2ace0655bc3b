"""What a signed-in person may see and do in a server: Discord is asked, as the bot.

The list of servers from the sign-in only narrows down which to ask about: whoever has left a server
or lost a role since loses access within a minute.
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
class GalleryChannel:
    """What a member may do in a gallery channel. `open`: they can view it."""

    open: bool
    age_restricted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a member may do in a server. `may_act`: they have passed its screening and are not timed
    out, so Discord lets them react and press buttons. `channels`: those asked about that exist."""

    may_act: bool
    channels: Mapping[int, GalleryChannel]

    def sees(self, channel_id: int | None) -> bool:
        """Whether they see this channel."""
        channel = self._channel(channel_id)
        return channel is not None and channel.open

    def sees_restricted(self, channel_id: int | None) -> bool:
        """Whether they see this channel, and it is age-restricted."""
        channel = self._channel(channel_id)
        return channel is not None and channel.open and channel.age_restricted

    def has_gallery(self, settings: GuildSettings) -> bool:
        """Whether the server has a gallery now, as `cogs.common.gallery_gates` sees it."""
        adult = self._channel(settings.gallery_adult_channel_id)
        return settings.gallery_channel_id in self.channels or (
            adult is not None and adult.age_restricted
        )

    def _channel(self, channel_id: int | None) -> GalleryChannel | None:
        return None if channel_id is None else self.channels.get(channel_id)


class Memberships(Protocol):
    """Knows who is in which server and which channels they see."""

    async def membership(
        self, *, user_id: int, guild_id: int, channel_ids: Collection[int]
    ) -> Membership | None:
        """The membership of `user_id`; None if they are no member or Discord can't be asked."""
        ...


class DiscordMemberships:
    """Uses what the running bot has cached, and asks Discord's API for the rest."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def membership(
        self, *, user_id: int, guild_id: int, channel_ids: Collection[int]
    ) -> Membership | None:
        if self._client.user is None:  # not logged in yet
            return None
        try:
            guild = self._client.get_guild(guild_id)
            if guild is None or guild.unavailable:  # roles are not known then
                guild = await self._client.fetch_guild(guild_id)
            member = await guild.fetch_member(user_id)
            channels = {
                channel_id: await _channel(guild, channel_id, member) for channel_id in channel_ids
            }
        except (discord.NotFound, discord.Forbidden):
            return None
        except discord.DiscordException as error:
            _log.warning("Could not look up a member of a server: %s", error)
            return None
        return Membership(
            may_act=not (member.pending or member.is_timed_out()),
            channels={
                channel_id: channel
                for channel_id, channel in channels.items()
                if channel is not None
            },
        )


async def _channel(
    guild: discord.Guild, channel_id: int, member: discord.Member
) -> GalleryChannel | None:
    """None where there is no such gallery channel (any more), or the bot can't look."""
    try:
        channel = guild.get_channel(channel_id) or await guild.fetch_channel(channel_id)
    except (discord.NotFound, discord.Forbidden, discord.InvalidData):
        return None
    if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
        return None
    return GalleryChannel(
        open=channel.permissions_for(member).view_channel, age_restricted=channel.is_nsfw()
    )


_Question = tuple[int, int, tuple[int, ...]]
"""Person, server, channels."""


class Access:
    """Which servers show a person every rating, and whether the person is a member now."""

    def __init__(self, *, database: Database, clock: Clock, memberships: Memberships) -> None:
        self._database = database
        self._clock = clock
        self._memberships = memberships
        self._known: dict[_Question, tuple[float, Membership | None]] = {}

    async def open_guilds(self, session: WebSession | None) -> frozenset[int]:
        """The servers with a public gallery in which this person may see every rating."""
        if session is None or not session.guild_ids:
            return frozenset()
        asked: dict[int, GuildSettings] = {}
        async with self._database.reader() as connection:
            for guild_id in sorted(session.guild_ids):
                settings = await self._settings(connection, guild_id)
                if settings is not None and settings.gallery_adult_channel_id is not None:
                    asked[guild_id] = settings
        found = await asyncio.gather(
            *(self._membership(session.user_id, each, settings) for each, settings in asked.items())
        )
        return frozenset(
            guild_id
            for (guild_id, settings), membership in zip(asked.items(), found, strict=True)
            if membership and membership.sees_restricted(settings.gallery_adult_channel_id)
        )

    async def membership(
        self, session: WebSession | None, guild_id: int, *, fresh: bool = False,
        channel_id: int | None = None,
    ) -> Membership | None:  # fmt: skip
        """The person's membership of a server with a public gallery; None if there is none.
        `channel_id`: a channel to ask about besides the gallery's. `fresh`: ask Discord now."""
        if session is None or guild_id not in session.guild_ids:
            return None
        async with self._database.reader() as connection:
            settings = await self._settings(connection, guild_id)
        if settings is None:
            return None
        return await self._membership(session.user_id, guild_id, settings, channel_id, fresh=fresh)

    async def _settings(self, connection: Connection, guild_id: int) -> GuildSettings | None:
        if not await web.guild_on_web(connection, guild_id=guild_id):
            return None
        return await guild_settings.get(connection, guild_id=guild_id)

    async def _membership(
        self,
        user_id: int,
        guild_id: int,
        settings: GuildSettings,
        channel_id: int | None = None,
        *,
        fresh: bool = False,
    ) -> Membership | None:
        wanted = {settings.gallery_channel_id, settings.gallery_adult_channel_id, channel_id}
        channels = tuple(sorted(each for each in wanted if each is not None))
        key, now = (user_id, guild_id, channels), self._clock.monotonic()
        at, known = self._known.get(key, (float("-inf"), None))
        if not fresh and now - at < KNOWN_S:
            return known
        known = await self._memberships.membership(
            user_id=user_id, guild_id=guild_id, channel_ids=channels
        )
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = (now, known)
        return known
