"""Starts and stops sending the outbox, and interprets Discord's answers for it."""

from typing import Final

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.outbox.dispatcher import Dispatcher
from bot.outbox.verdict import Failure, Verdict, verdict_of
from cogs.common.errors import BROKEN_OFF
from cogs.common.extension import extension
from cogs.common.known import PlaceClosedError, PlaceUnknownError
from pipeline.errors import EkakiError, StorageError

_MAX_WORDS: Final = 300  # characters of an error that are kept


class OutboxCog(commands.Cog, name="Outbox"):
    """No commands: sends in the background. Other cogs register their senders in
    `services.outbox.senders`."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        services = bot.services
        self._ready: set[int] = set()  # shards, since the start
        self.dispatcher = Dispatcher(
            services.outbox,
            clock=services.clock,
            explain=explain,
            observer=services.observer,
            begun=self._begun,
        )

    def _begun(self, guild_id: int) -> bool:
        """Whether Discord has told of the servers of this server's shard."""
        return self.bot.shard_of(guild_id) in self._ready

    async def cog_unload(self) -> None:
        await self.dispatcher.stop()

    @commands.Cog.listener("on_shard_ready")
    async def ready(self, shard_id: int) -> None:
        self._ready.add(shard_id)
        self.dispatcher.start()
        self.bot.services.outbox.fresh.set()

    @commands.Cog.listener("on_guild_available")
    async def available(self, guild: discord.Guild) -> None:
        await self.bot.services.outbox.wake(guild.id)

    @commands.Cog.listener("on_guild_join")
    async def joined(self, guild: discord.Guild) -> None:
        await self.bot.services.outbox.wake(guild.id)

    @commands.Cog.listener("on_raw_thread_update")
    async def thread_updated(self, event: discord.RawThreadUpdateEvent) -> None:
        """An unlocked thread accepts again what it rejected. Closing and opening is no reason to
        retry, because the bot itself does that."""
        locked = self.bot.locked_threads
        if event.data["thread_metadata"].get("locked", False):
            locked.add(event.thread_id)
        elif event.thread_id in locked:
            locked.discard(event.thread_id)
            await self.bot.services.outbox.wake(event.guild_id)


def explain(error: BaseException) -> Failure:
    """What an exception means for an item."""
    return Failure(verdict=_verdict(error), words=_words(error)[:_MAX_WORDS])


def _verdict(error: BaseException) -> Verdict:
    match error:
        case PlaceClosedError():
            return Verdict.CLOSED
        case PlaceUnknownError():
            return Verdict.WAIT
        case discord.HTTPException():
            return verdict_of(error.status, error.code)
        case StorageError() if error.key != "picture_missing":
            return Verdict.RETRY  # the database or the disk, probably temporary
        case EkakiError():
            return Verdict.PARK
        case _ if isinstance(error, BROKEN_OFF):
            return Verdict.RETRY
        case _:
            return Verdict.UNFORESEEN


def _words(error: BaseException) -> str:
    match error:
        case discord.HTTPException():
            return f"{error.status} {error.code}: {' '.join(error.text.split())}"
        case EkakiError():
            return str(error)
        case _:
            return f"{type(error).__name__}: {error}"


setup = extension(OutboxCog)
