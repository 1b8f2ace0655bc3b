"""Passes events of messages in Discord to the gallery, in the order in which they happened."""

import asyncio

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from cogs.common.extension import extension
from cogs.common.gallery_gates import gate_for
from cogs.gallery.posting.mirror import Mirror
from cogs.gallery.posting.queues import GuildQueues, patiently
from cogs.gallery.posting.reconcile import Reconciler
from cogs.gallery.posting.stars import position_of


class GalleryEvents(commands.Cog, name="GalleryEvents"):
    """Listens. Events of a server go through one queue, so that a star that is added and
    immediately removed ends as removed, and reading Discord again at start can't undo newer
    events."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._queues = GuildQueues()
        self._reconciler = Reconciler(bot, self._queues.put_later)
        self.mirror = Mirror(bot, posted=self._reconciler.message)
        self._tasks: set[asyncio.Task[None]] = set()

    async def cog_load(self) -> None:
        self.mirror.enter()

    async def cog_unload(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._queues.stop()

    async def settled(self) -> None:
        """Wait until everything received so far is done."""
        await self._queues.settled()

    @commands.Cog.listener("on_guild_available")
    async def available(self, guild: discord.Guild) -> None:
        """At start, after an outage, and after Discord dropped the session of a shard: much may
        have happened meanwhile."""
        self._catch_up(guild)

    @commands.Cog.listener("on_guild_join")
    async def joined(self, guild: discord.Guild) -> None:
        self._catch_up(guild)

    def _catch_up(self, guild: discord.Guild) -> None:
        """Outside the queue; what it finds goes through the queue."""
        task = asyncio.create_task(
            patiently(lambda: self._reconciler.server(guild)), name=f"gallery of {guild.id}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @commands.Cog.listener("on_raw_reaction_add")
    async def starred(self, event: discord.RawReactionActionEvent) -> None:
        position, guild_id = position_of(event.emoji), event.guild_id
        by_bot = event.member is not None and event.member.bot
        ours = event.message_author_id in {None, self.bot.user and self.bot.user.id}
        if position is None or guild_id is None or by_bot or not ours:
            return

        async def star() -> None:
            stars = self.bot.services.stars
            shown = await stars.watched(event.message_id)
            if shown is None:
                return
            gate = await gate_for(self.bot, guild_id, shown)
            await stars.starred(event.message_id, position, user_id=event.user_id, gate=gate)

        self._queues.put(guild_id, star)

    @commands.Cog.listener("on_raw_reaction_remove")
    async def unstarred(self, event: discord.RawReactionActionEvent) -> None:
        position, guild_id = position_of(event.emoji), event.guild_id
        if position is None or guild_id is None:
            return
        if event.burst:  # their ordinary reaction may remain: only Discord knows
            self._reconciler.message(guild_id, event.message_id)
            return
        stars = self.bot.services.stars
        self._queues.put(
            guild_id,
            lambda: stars.unstarred(event.message_id, position, user_id=event.user_id),
        )

    @commands.Cog.listener("on_raw_reaction_clear")
    async def cleared(self, event: discord.RawReactionClearEvent) -> None:
        self._clear(event.guild_id, event.message_id, None)

    @commands.Cog.listener("on_raw_reaction_clear_emoji")
    async def cleared_emoji(self, event: discord.RawReactionClearEmojiEvent) -> None:
        position = position_of(event.emoji)
        if position is not None:
            self._clear(event.guild_id, event.message_id, position)

    def _clear(self, guild_id: int | None, message_id: int, position: int | None) -> None:
        if guild_id is not None:
            stars = self.bot.services.stars
            self._queues.put(guild_id, lambda: stars.cleared(message_id, position))

    @commands.Cog.listener("on_picture_shown")
    async def shown(
        self, guild_id: int, message_id: int, channel_id: int, job_id: str, picture_id: str | None
    ) -> None:
        """Our own message: pictures of `/show` may have been starred immediately."""
        self._queues.put(
            guild_id,
            lambda: self.bot.services.stars.watch(
                message_id=message_id,
                channel_id=channel_id,
                job_id=job_id,
                picture_id=picture_id,
            ),
        )
        self._reconciler.message(guild_id, message_id)

    @commands.Cog.listener("on_raw_message_delete")
    async def deleted(self, event: discord.RawMessageDeleteEvent) -> None:
        self._gone(event.guild_id, event.message_id)

    @commands.Cog.listener("on_raw_bulk_message_delete")
    async def deleted_many(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        for message_id in event.message_ids:
            self._gone(event.guild_id, message_id)

    @commands.Cog.listener("on_raw_thread_delete")
    async def thread_deleted(self, event: discord.RawThreadDeleteEvent) -> None:
        self._gone(event.guild_id, event.thread_id)  # a forum's post has its first message's id

    def _gone(self, guild_id: int | None, message_id: int) -> None:
        if guild_id is not None:
            self._queues.put(guild_id, lambda: self.bot.services.stars.message_deleted(message_id))

    @commands.Cog.listener("on_guild_channel_delete")
    async def channel_deleted(self, channel: discord.abc.GuildChannel) -> None:
        guild_id = channel.guild.id
        self.bot.gone_channels.add(channel.id)
        self._queues.put(
            guild_id, lambda: self.bot.services.gallery.channel_gone(channel.id, guild_id)
        )

    @commands.Cog.listener("on_guild_channel_update")
    async def channel_updated(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        if _terms(before) != _terms(after):
            self._check(after.guild.id)

    @commands.Cog.listener("on_guild_role_update")
    async def role_updated(self, before: discord.Role, after: discord.Role) -> None:
        if before.permissions != after.permissions:
            self._check(after.guild.id)

    @commands.Cog.listener("on_guild_role_delete")
    async def role_deleted(self, role: discord.Role) -> None:
        self._check(role.guild.id)

    @commands.Cog.listener("on_member_update")
    async def member_updated(self, before: discord.Member, after: discord.Member) -> None:
        """About the bot itself, Discord sends this even without the members intent."""
        is_me = self.bot.user is not None and after.id == self.bot.user.id
        if is_me and (before.roles, before.timed_out_until) != (after.roles, after.timed_out_until):
            self._check(after.guild.id)

    @commands.Cog.listener("on_guild_update")
    async def guild_updated(self, before: discord.Guild, after: discord.Guild) -> None:
        """Its filter for explicit pictures, and how large files may be."""
        if _terms_of_guild(before) != _terms_of_guild(after):
            self._check(after.id)

    def _check(self, guild_id: int) -> None:
        async def check() -> None:
            await self.bot.services.gallery.ask_check(guild_id)
            await self.bot.services.outbox.wake(guild_id)

        self._queues.put(guild_id, check)


def _terms(channel: discord.abc.GuildChannel) -> tuple[object, ...]:
    """What decides whether a post is accepted there."""
    flags = getattr(channel, "flags", None)
    tags = {tag.id for tag in getattr(channel, "available_tags", ())}
    return (
        channel.type,
        getattr(channel, "nsfw", False),
        channel.overwrites,
        getattr(flags, "require_tag", False),
        tags,
    )


def _terms_of_guild(guild: discord.Guild) -> tuple[object, ...]:
    return guild.explicit_content_filter, guild.premium_tier, guild.owner_id


setup = extension(GalleryEvents)
