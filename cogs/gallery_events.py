"""What happens to messages in Discord, told to the gallery in the order in which it happened."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import discord
from discord.ext import commands

from bot.client import EkakiBot
from cogs import errors
from cogs.errors import UNREACHABLE
from cogs.gallery_gates import channel_ids_of, gate_of
from cogs.gallery_mirror import Mirror
from cogs.gallery_reconcile import Reconciler
from cogs.gallery_stars import position_of
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

Deed: TypeAlias = Callable[[], Awaitable[None]]
_TRIES: Final = 30
_AGAIN_S: Final = 1.0  # a locked database or trouble of Discord's passes


class GalleryEvents(commands.Cog, name="GalleryEvents"):
    """Listens. Everything goes through one line, so that a star given and taken in one moment
    ends as taken, and reading Discord again at the start can't undo what came in between."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._line: asyncio.Queue[Deed] = asyncio.Queue()
        self._reconciler = Reconciler(bot, self._line.put_nowait)
        self.mirror = Mirror(bot, posted=self._reconciler.message)
        self._tasks: list[asyncio.Task[None]] = []

    async def cog_load(self) -> None:
        self._tasks.append(asyncio.create_task(self._work(), name="gallery events"))

    async def cog_unload(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.mirror.stop()

    async def settled(self) -> None:
        """Until everything that came so far is done."""
        await self._line.join()

    async def _work(self) -> None:
        while True:
            deed = await self._line.get()
            try:
                await self._patiently(deed)
            finally:
                self._line.task_done()

    async def _patiently(self, deed: Deed) -> None:
        for _ in range(_TRIES):
            try:
                await deed()
            except (StorageError, *UNREACHABLE) as error:
                if isinstance(error, discord.HTTPException) and error.status < 500:
                    _log.info("The gallery leaves out what Discord refuses: %s", error)
                    return
                _log.warning("The gallery tries again: %s", error)
                await asyncio.sleep(_AGAIN_S)
            except Exception:  # noqa: BLE001 - one event must not end the line
                _log.exception("The gallery can't take an event")
                return
            else:
                return

    @commands.Cog.listener("on_ready")
    async def ready(self) -> None:
        """At the start, and when Discord forgot our session: much may have happened meanwhile."""
        self.mirror.start()
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(self._catch_up(), name="gallery catches up"))

    async def _catch_up(self) -> None:
        for guild in self.bot.guilds:
            await self._patiently(lambda guild=guild: self._reconciler.server(guild))

    @commands.Cog.listener("on_guild_join")
    async def joined(self, guild: discord.Guild) -> None:
        self._line.put_nowait(lambda: self._reconciler.server(guild))

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
            await stars.starred(
                event.message_id,
                position,
                user_id=event.user_id,
                gate=await gate_of(self.bot, guild_id),
                channel_ids=channel_ids_of(self.bot, shown.made_in),
            )

        self._line.put_nowait(star)

    @commands.Cog.listener("on_raw_reaction_remove")
    async def unstarred(self, event: discord.RawReactionActionEvent) -> None:
        position = position_of(event.emoji)
        if position is not None and event.guild_id is not None:
            self._line.put_nowait(
                lambda: self.bot.services.stars.unstarred(
                    event.message_id, position, user_id=event.user_id
                )
            )

    @commands.Cog.listener("on_raw_reaction_clear")
    async def cleared(self, event: discord.RawReactionClearEvent) -> None:
        self._line.put_nowait(lambda: self.bot.services.stars.cleared(event.message_id, None))

    @commands.Cog.listener("on_raw_reaction_clear_emoji")
    async def cleared_emoji(self, event: discord.RawReactionClearEmojiEvent) -> None:
        position = position_of(event.emoji)
        if position is not None:
            self._line.put_nowait(
                lambda: self.bot.services.stars.cleared(event.message_id, position)
            )

    @commands.Cog.listener("on_picture_shown")
    async def shown(
        self, message_id: int, channel_id: int, job_id: str, picture_id: str | None
    ) -> None:
        """Of our own: `/show` brought pictures back. They may have been starred at once."""
        self._line.put_nowait(
            lambda: self.bot.services.stars.watch(
                message_id=message_id,
                channel_id=channel_id,
                job_id=job_id,
                picture_id=picture_id,
            )
        )
        self._reconciler.message(message_id)

    @commands.Cog.listener("on_raw_message_delete")
    async def deleted(self, event: discord.RawMessageDeleteEvent) -> None:
        self._gone(event.message_id)

    @commands.Cog.listener("on_raw_bulk_message_delete")
    async def deleted_many(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        for message_id in event.message_ids:
            self._gone(message_id)

    @commands.Cog.listener("on_raw_thread_delete")
    async def thread_deleted(self, event: discord.RawThreadDeleteEvent) -> None:
        self._gone(event.thread_id)  # a forum's post has its first message's id

    def _gone(self, message_id: int) -> None:
        self._line.put_nowait(lambda: self.bot.services.stars.message_deleted(message_id))

    @commands.Cog.listener("on_guild_channel_delete")
    async def channel_deleted(self, channel: discord.abc.GuildChannel) -> None:
        guild_id = channel.guild.id
        self._line.put_nowait(lambda: self.bot.services.gallery.channel_gone(channel.id, guild_id))

    @commands.Cog.listener("on_guild_channel_update")
    async def channel_updated(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        was, is_now = getattr(before, "nsfw", False), getattr(after, "nsfw", False)
        if was != is_now or before.overwrites != after.overwrites:
            self._check(after.guild.id)

    @commands.Cog.listener("on_guild_role_update")
    async def role_updated(self, before: discord.Role, after: discord.Role) -> None:
        if before.permissions != after.permissions:
            self._check(after.guild.id)

    def _check(self, guild_id: int) -> None:
        self._line.put_nowait(lambda: self.bot.services.gallery.ask_check(guild_id))
        self.mirror.try_again(guild_id)


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    await bot.add_cog(GalleryEvents(bot))
