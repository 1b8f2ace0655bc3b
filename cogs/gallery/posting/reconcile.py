"""Reads reactions that changed while the bot was offline."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import discord

from bot.client.client import EkakiBot
from cogs.common.gallery_gates import gate_for, gate_of
from cogs.gallery.posting.stars import position_of
from data.gallery.watched import Watched

_log = logging.getLogger(__name__)

SINCE_S: Final = 30 * 86400
"""The maximum age of a message whose reactions are read again."""
MESSAGES: Final = 2000
"""The number of newest messages per server."""
_WALK: Final = 1000  # messages of a channel, from the newest that counts; 100 cost a request
_ONE_BY_ONE: Final = 100  # older messages of a channel
_UNKNOWN_MESSAGE = 10008


class Reconciler:
    """Compares. What may have changed is put into the server's queue (`enqueue`) and read again
    there, so that newer events are not undone."""

    def __init__(
        self, bot: EkakiBot, enqueue: Callable[[int, Callable[[], Awaitable[None]]], None]
    ) -> None:
        self._bot = bot
        self._enqueue = enqueue

    async def server(self, guild: discord.Guild) -> None:
        """All recent messages of a server, and its entries against its settings."""
        gallery, stars = self._bot.services.gallery, self._bot.services.stars
        if guild.name:
            await gallery.set_guild_name(guild.id, guild.name)
        if (await gate_of(self._bot, guild.id)).allowed is None:
            return
        await gallery.ask_check(guild.id)
        since = self._bot.services.clock.time() - SINCE_S
        by_channel: defaultdict[int, list[Watched]] = defaultdict(list)
        for watched in await stars.recent(guild.id, since=since, limit=MESSAGES):
            by_channel[watched.channel_id].append(watched)
        starred = await stars.starred_messages(guild.id)
        for channel_id, messages in by_channel.items():
            try:
                await self._channel(channel_id, messages, starred)
            except (discord.Forbidden, discord.NotFound) as error:
                _log.info("Stars in channel %d can't be read again: %s", channel_id, error.text)

    async def _channel(
        self, channel_id: int, messages: list[Watched], starred: frozenset[int]
    ) -> None:
        """Walk back from the newest of `messages`; those too far back one by one."""
        wanted = {watched.message_id: watched for watched in messages}
        newest, oldest = max(wanted), min(wanted)
        channel = self._bot.get_partial_messageable(channel_id)
        reached, seen = newest + 1, 0
        if len(wanted) > 1:
            async for message in channel.history(limit=_WALK, before=discord.Object(newest + 1)):
                reached, seen = message.id, seen + 1
                watched = wanted.pop(message.id, None)
                if watched and (message.id in starred or _is_starred(message)):
                    self._again(watched)
                if message.id <= oldest:
                    break
            if seen < _WALK:  # to the oldest, or to the start of the channel
                reached = min(reached, oldest - 1)
        for watched in self._missing(wanted.values(), reached):
            self._again(watched)

    def _missing(self, left: Iterable[Watched], reached: int) -> list[Watched]:
        """Messages that were not found: deleted if the walk passed them, otherwise too far back."""
        left = sorted(left, key=lambda watched: watched.message_id, reverse=True)
        passed = [watched for watched in left if watched.message_id > reached]
        farther = [watched for watched in left if watched.message_id <= reached]
        return [*passed, *farther[:_ONE_BY_ONE]]

    def message(self, guild_id: int, message_id: int) -> None:
        """A message was posted, and may have been starred before it was recorded."""

        async def again() -> None:
            watched = await self._bot.services.stars.watched(message_id)
            if watched is not None:
                await self._message(watched)

        self._enqueue(guild_id, again)

    def _again(self, watched: Watched) -> None:
        self._enqueue(watched.guild_id, lambda: self._message(watched))

    async def _message(self, watched: Watched) -> None:
        """Read who starred a message, and set our votes accordingly. Runs in the queue."""
        stars = self._bot.services.stars
        channel = self._bot.get_partial_messageable(watched.channel_id)
        try:
            message = await channel.fetch_message(watched.message_id)
        except discord.NotFound as error:
            if error.code == _UNKNOWN_MESSAGE:
                await stars.message_deleted(watched.message_id)
            return
        people: dict[int, set[int]] = {}
        for reaction in message.reactions:
            position = position_of(reaction.emoji)
            if position is not None:
                people.setdefault(position, set()).update(await _people(reaction))
        gate = await gate_for(self._bot, watched.guild_id, watched)
        await stars.reconcile(watched.message_id, people, gate=gate)


async def _people(reaction: discord.Reaction) -> set[int]:
    """Who reacted. Discord returns super reactions only if asked for them."""
    found: set[int] = set()
    for count, kind in (
        (reaction.normal_count, discord.ReactionType.normal),
        (reaction.burst_count, discord.ReactionType.burst),
    ):
        if count:
            found |= {user.id async for user in reaction.users(type=kind) if not user.bot}
    return found


def _is_starred(message: discord.Message) -> bool:
    return any(position_of(reaction.emoji) is not None for reaction in message.reactions)
