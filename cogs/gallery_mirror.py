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
from dataclasses import replace

import discord

from bot.client import EkakiBot
from bot.failpoints import hit
from bot.gallery.gate import Gate
from cogs.errors import UNREACHABLE
from cogs.gallery_channel import Missing, Wall
from cogs.gallery_gates import gate_of
from cogs.gallery_message import attachment_of, buttons_of, message_of, shown_of, title_of
from cogs.languages import guild_locale
from cogs.pictures import fit
from data import gallery, gallery_posts, gallery_states
from data.database import Database
from data.gallery import Entry
from data.gallery_posts import Post
from data.jobs import JobRecord
from data.text import speaking
from pipeline.errors import EkakiError, StorageError

_log = logging.getLogger(__name__)

EDIT_EVERY_S = 3.0  # of one message: stars come in showers
BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
REFUSED_S = 300.0  # before a channel that refuses us is tried again by itself
_LOOK_EVERY_S = 1.0  # another process may have changed something
_AT_ONCE = 1000
_SMALL_FILE = 2 * 1024 * 1024  # bytes, where even the server's own limit was refused
_TOO_LARGE = (413, 40005)


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
        self._posted = posted
        self._wall = Wall(bot)
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
                    await self._follow(entry_id, gate)
                except EkakiError as error:  # its file is gone, say: others must not wait for it
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

    async def _follow(self, entry_id: str, gate: Gate) -> None:
        """Make the message of one entry what it has to be."""
        async with self._database.reader() as connection:
            entry = await gallery.get(connection, entry_id=entry_id)
            post = await gallery_posts.get(connection, entry_id=entry_id)
        if post is not None and post.gone:
            return
        wanted = entry is not None and entry.state == "posted"
        if post is not None and post.message_id is None:
            post = await self._find(post)
        if post is not None and not (wanted and _stays(post, entry, gate)):
            await self._take_away(post)
            post = None
        if entry is None or not wanted:
            return
        if post is None:
            channel_id = gate.channel_for(entry.rating)
            if channel_id is not None:
                await self._post(entry, await self._begin(entry, channel_id))
        elif post.message_id is None:
            await self._post(entry, post)
        else:
            await self._update(entry, post)

    async def _find(self, post: Post) -> Post:
        """A post that was begun: where its message is, if it arrived."""
        found = await self._wall.find(post)
        if found is None:
            return post
        thread_id, message_id = found
        async with self._database.transaction() as connection:
            await gallery_posts.sent(
                connection,
                entry_id=post.entry_id,
                thread_id=thread_id,
                message_id=message_id,
                shown="",
            )
        self._posted(message_id)
        return replace(post, thread_id=thread_id, message_id=message_id, shown="")

    async def _take_away(self, post: Post) -> None:
        if post.message_id is not None:
            async with self._database.transaction() as connection:
                await gallery_posts.leave(connection, entry_id=post.entry_id)
            await self._wall.take_away(post)
            hit("gallery_post_taken")
        async with self._database.transaction() as connection:
            await gallery_posts.forget(connection, entry_id=post.entry_id)

    async def _update(self, entry: Entry, post: Post) -> None:
        """Show another count; the words around it only where they changed."""
        shown = shown_of(entry)
        job = await self._job(entry)
        if post.shown == shown or job is None:
            return
        try:
            if post.shown.partition(":")[2] == shown.partition(":")[2]:
                await self._wall.edit(post, view=buttons_of(entry, job))
            else:
                name = await self._wall.file_name(post)
                message = message_of(entry, job, file_name=name, notice=self._notice())
                await self._wall.edit(post, view=message.view, embeds=message.embeds)
        except Missing as missing:
            await self._lost(post, missing)
            return
        self._rests[entry.id] = self._now() + self.edit_every_s
        async with self._database.transaction() as connection:
            await gallery_posts.edited(connection, entry_id=entry.id, shown=shown)

    async def _lost(self, post: Post, missing: Missing) -> None:
        """The message was deleted while nobody looked."""
        if missing.channel:
            async with self._database.transaction() as connection:
                await gallery_posts.channel_gone(connection, channel_id=post.channel_id)
        elif post.message_id is not None:
            await self._bot.services.stars.message_deleted(post.message_id)

    async def _begin(self, entry: Entry, channel_id: int) -> Post:
        """Enter that a message is about to be sent, so that a crash is seen."""
        async with self._database.transaction() as connection:
            await gallery_posts.begin(
                connection,
                entry_id=entry.id,
                guild_id=entry.guild_id,
                channel_id=channel_id,
                now=self._bot.services.clock.time(),
            )
            post = await gallery_posts.get(connection, entry_id=entry.id)
        hit("gallery_post_begun")
        assert post is not None
        return post

    async def _post(self, entry: Entry, post: Post) -> None:
        """Send an entry that was begun, and enter where it is."""
        job = await self._job(entry)
        if job is None:
            return
        await self._name_maker(entry)
        try:
            thread_id, message_id = await self._send(entry, job, post)
        except (discord.Forbidden, discord.NotFound, Missing, EkakiError):
            async with self._database.transaction() as connection:
                await gallery_posts.forget(connection, entry_id=entry.id)
            raise
        hit("gallery_post_unmarked")
        async with self._database.transaction() as connection:
            await gallery_posts.sent(
                connection,
                entry_id=entry.id,
                thread_id=thread_id,
                message_id=message_id,
                shown=shown_of(entry),
            )
        self._posted(message_id)
        self._rests[entry.id] = self._now() + self.edit_every_s

    async def _job(self, entry: Entry) -> JobRecord | None:
        """The job of an entry; None where it was deleted in this moment."""
        return await self._bot.services.jobs.job(entry.job_id)

    def _notice(self) -> str:
        model = self._bot.services.jobs.model
        return "" if model is None else model.notice

    async def _name_maker(self, entry: Entry) -> None:
        """Enter what the server calls the maker, for lists and pages; without it if need be."""
        guild = self._bot.get_guild(entry.guild_id)
        if entry.maker_name or guild is None:
            return
        try:
            member = guild.get_member(entry.maker_id) or await guild.fetch_member(entry.maker_id)
        except discord.HTTPException as error:  # they left, or Discord has trouble
            _log.info("A maker's name is not known: %s", error)
            return
        async with self._database.transaction() as connection:
            await gallery_states.set_maker_name(
                connection, number=entry.number, name=member.display_name
            )

    async def _send(self, entry: Entry, job: JobRecord, post: Post) -> tuple[int | None, int]:
        services = self._bot.services
        stored = await services.results.picture(entry.picture_id)
        png = await services.jobs.read_picture(stored.picture)
        guild = self._bot.get_guild(entry.guild_id)
        limits = (_SMALL_FILE,) if guild is None else (guild.filesize_limit, _SMALL_FILE)
        for limit in limits:
            content, suffix = await asyncio.to_thread(fit, png, limit)
            file = attachment_of(entry, job, content, suffix)
            message = message_of(entry, job, file_name=file.name, notice=self._notice())
            try:
                return await self._wall.send(post, title=title_of(job), message=message, file=file)
            except discord.HTTPException as error:
                too_large = error.status in _TOO_LARGE or error.code in _TOO_LARGE
                if not too_large or limit == _SMALL_FILE:
                    raise
        raise AssertionError("one of the limits is the last")


def _stays(post: Post, entry: Entry | None, gate: Gate) -> bool:
    """Whether the message may stay where it is."""
    fits = entry is not None and gate.may_stay(post.channel_id, entry.rating)
    return fits and not post.leaving
