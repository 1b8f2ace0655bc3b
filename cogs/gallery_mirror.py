"""Makes the messages in gallery channels follow the entries: posted once, counted live, taken away.

What has to be followed stands in the database (`gallery_changes`), written with the change itself,
so a crash loses none. Each server has a task of its own while there is something to do, so that a
slow channel holds up nobody else; edits of a message are at least some seconds apart.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

import discord

from bot.client import EkakiBot
from cogs.errors import UNREACHABLE
from cogs.gallery_following import Follower
from cogs.gallery_gates import gate_of
from cogs.languages import guild_locale
from data import gallery_posts
from data.database import Database
from data.text import speaking
from pipeline.errors import EkakiError, StorageError

_log = logging.getLogger(__name__)

EDIT_EVERY_S = 3.0  # of one message: stars come in showers
BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
REFUSED_S = 300.0  # before a channel that refuses us is tried again by itself
_LOOK_EVERY_S = 1.0  # another process may have changed something
_AT_ONCE = 1000


class Mirror:
    """The tasks that follow. `posted` is told of each message once it is entered: it may have been
    starred before."""

    def __init__(
        self,
        bot: EkakiBot,
        *,
        posted: Callable[[int], None],
        edit_every_s: float = EDIT_EVERY_S,
        backoff_s: tuple[float, ...] = BACKOFF_S,
    ) -> None:
        self.edit_every_s = edit_every_s
        self.backoff_s = backoff_s
        self._bot = bot
        self._follower = Follower(bot, posted=posted)
        self._task: asyncio.Task[None] | None = None
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._rests: dict[int | str, float] = {}  # until when a server or an entry is left alone
        self._failed: defaultdict[int, int] = defaultdict(int)

    def start(self) -> None:
        """Begin; the bot must be ready."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="gallery mirror")

    async def stop(self) -> None:
        """End; what is under way goes on at the next start."""
        tasks = [*([self._task] if self._task else []), *self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def try_again(self, guild_id: int) -> None:
        """Something changed in a server that may have refused us: don't wait."""
        self._rests.pop(guild_id, None)
        self._bot.services.gallery.fresh.set()

    async def _run(self) -> None:
        fresh = self._bot.services.gallery.fresh
        while True:
            fresh.clear()
            try:
                await self._look()
            except StorageError as error:
                _log.warning("The gallery can't be followed now: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await fresh.wait()

    async def _look(self) -> None:
        async with self._database.reader() as connection:
            checks = await gallery_posts.checks(connection)
            changes = await gallery_posts.changes(connection, limit=_AT_ONCE)
        work: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        for guild_id, _ in checks:
            work[guild_id] += []
        for entry_id, count, guild_id in changes:
            if guild_id is None:
                await self._followed(entry_id, count)
            elif not self._rests_now(entry_id):
                work[guild_id].append((entry_id, count))
        settling = dict(checks)
        for guild_id, entries in work.items():
            if guild_id in self._busy or self._rests_now(guild_id):
                continue
            doing = self._server(guild_id, settling.get(guild_id), entries)
            task = asyncio.create_task(doing, name=f"gallery of {guild_id}")
            self._busy[guild_id] = task
            task.add_done_callback(lambda done, guild_id=guild_id: self._ended(guild_id, done))

    def _ended(self, guild_id: int, task: asyncio.Task[None]) -> None:
        self._busy.pop(guild_id, None)
        self._bot.services.gallery.fresh.set()
        if not task.cancelled() and task.exception() is not None:
            self._rest(guild_id)
            _log.error("The gallery of %d is not followed", guild_id, exc_info=task.exception())

    def _rests_now(self, name: int | str) -> bool:
        until = self._rests.get(name)
        if until is None:
            return False
        if self._now() >= until:
            del self._rests[name]
            return False
        return True

    def _rest(self, guild_id: int) -> None:
        """Leave a server alone for a while, longer each time."""
        pause = self.backoff_s[min(self._failed[guild_id], len(self.backoff_s) - 1)]
        self._failed[guild_id] += 1
        self._rests[guild_id] = self._now() + pause

    def _now(self) -> float:
        return self._bot.services.clock.monotonic()

    @property
    def _database(self) -> Database:
        return self._bot.services.database

    async def _server(
        self, guild_id: int, check: int | None, entries: list[tuple[str, int]]
    ) -> None:
        """Settle a server if that was asked for, and follow its entries one after another."""
        with speaking(guild_locale(self._bot, self._bot.get_guild(guild_id))):
            await self._in_its_language(guild_id, check, entries)

    async def _in_its_language(
        self, guild_id: int, check: int | None, entries: list[tuple[str, int]]
    ) -> None:
        try:
            gate = await gate_of(self._bot, guild_id)
            if check is not None:
                await self._bot.services.gallery.settle(gate)
                async with self._database.transaction() as connection:
                    await gallery_posts.checked(connection, guild_id=guild_id, changes=check)
            for entry_id, count in entries:
                try:
                    if await self._follower.follow(entry_id, gate):
                        self._rests[entry_id] = self._now() + self.edit_every_s
                except EkakiError as error:
                    if isinstance(error, StorageError) and error.key != "picture_missing":
                        raise  # the database or the disk, which may pass in a moment
                    # this entry's own trouble, such as a lost file: others must not wait for it
                    _log.warning("The entry %s can't be shown: %s", entry_id, error)
                    self._rests[entry_id] = self._now() + REFUSED_S
                else:
                    await self._followed(entry_id, count)
            self._failed.pop(guild_id, None)
        except discord.Forbidden as error:
            # Discord's words name what is missing; `/gallery` tells moderators where they look.
            _log.warning("Discord refuses the gallery of %d: %s", guild_id, error.text)
            self._rests[guild_id] = self._now() + REFUSED_S
        except (*UNREACHABLE, StorageError) as error:
            _log.warning("The gallery of %d is not followed yet: %s", guild_id, error)
            self._rest(guild_id)

    async def _followed(self, entry_id: str, count: int) -> None:
        async with self._database.transaction() as connection:
            await gallery_posts.followed(connection, entry_id=entry_id, changes=count)
