"""Brings the message of one entry up to date: sent once, edited, deleted."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import discord

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.gallery.gate import Gate
from cogs.common.pictures import fit
from cogs.gallery.message import attachment_of, buttons_of, message_of, shown_of, title_of
from cogs.gallery.posting.channel import GalleryPosts, Missing
from data.gallery import entries, posts, states
from data.gallery.entries import Entry
from data.gallery.posts import Post
from data.jobs import jobs
from data.jobs.jobs import JobRecord
from data.store import restored
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import EkakiError

_log = logging.getLogger(__name__)

_SMALL_FILE = 2 * 1024 * 1024  # bytes, where even the server's own limit was refused
_TOO_LARGE = (413, 40005)


class Follower:
    """Updates entries one at a time. `posted` is called with (server, message) once it is recorded,
    since it may already have stars."""

    def __init__(self, bot: EkakiBot, *, posted: Callable[[int, int], None]) -> None:
        self._bot = bot
        self._posted = posted
        self._posts = GalleryPosts(bot)

    @property
    def _database(self) -> Database:
        return self._bot.services.database

    async def follow(self, entry_id: str, gate: Gate) -> bool:
        """Bring the message of one entry up to date; True if it was sent or edited."""
        async with self._database.reader() as connection:
            entry = await entries.get(connection, entry_id=entry_id)
            post = await posts.get(connection, entry_id=entry_id)
        if post is not None and post.gone:
            return False
        wanted = entry is not None and entry.state == "posted"
        if post is not None and post.message_id is None:
            post = await self._find(post, entry)
        if post is not None and not (wanted and _stays(post, entry, gate)):
            await self._take_away(post)
            post = None
        if entry is None or not wanted:
            return False
        if post is not None and post.message_id is not None:
            return await self._update(entry, post)
        if post is None:
            channel_id = gate.channel_for(entry.rating)
            if channel_id is None:
                return False
            post = await self._begin(entry, channel_id)
            if post.message_id is not None:
                return await self._update(entry, post)
        return await self._post(entry, post, gate)

    async def _find(self, post: Post, entry: Entry | None) -> Post:
        """Find the message of a post that was started, if it arrived."""
        found = await self._posts.find(post, picture_id="" if entry is None else entry.picture_id)
        if found is None:
            return post
        return await self._entered(post, found, shown="")

    async def _entered(self, post: Post, sent: tuple[int | None, int], *, shown: str) -> Post:
        """Record where the message of a post is: its thread and its id."""
        thread_id, message_id = sent
        await self._database.write(
            posts.sent,
            entry_id=post.entry_id,
            thread_id=thread_id,
            message_id=message_id,
            shown=shown,
        )
        self._posted(post.guild_id, message_id)
        return replace(post, thread_id=thread_id, message_id=message_id, shown=shown)

    async def _take_away(self, post: Post) -> None:
        if post.message_id is not None:
            await self._database.write(posts.leave, entry_id=post.entry_id)
            await self._posts.take_away(post)
            hit("gallery_post_taken")
        await self._database.write(posts.forget, entry_id=post.entry_id)

    async def _update(self, entry: Entry, post: Post) -> bool:
        """Update the count; the text only if it changed."""
        shown = shown_of(entry)
        job = await self._job(entry)
        if post.shown == shown or job is None:
            return False
        try:
            if post.shown.partition(":")[2] == shown.partition(":")[2]:
                await self._posts.edit(post, view=buttons_of(entry, job))
            else:
                name = await self._posts.file_name(post)
                message = message_of(entry, job, file_name=name, notice=self._notice())
                await self._posts.edit(post, view=message.view, embeds=message.embeds)
        except Missing as missing:
            await self._lost(post, missing)
            return False
        await self._database.write(posts.edited, entry_id=entry.id, shown=shown)
        return True

    async def _lost(self, post: Post, missing: Missing) -> None:
        """The message was deleted unnoticed."""
        if missing.channel:
            await self._database.write(posts.channel_gone, channel_id=post.channel_id)
        elif post.message_id is not None:
            await self._bot.services.stars.message_deleted(post.message_id)

    async def _begin(self, entry: Entry, channel_id: int) -> Post:
        """Record that a message is about to be sent, so that a crash can be noticed. After a
        restore it may have been sent since the backup: then it is found here."""
        async with self._database.transaction() as connection:
            ahead_since = await _ahead_since(connection, entry)
            now = self._bot.services.clock.time()
            await posts.begin(
                connection,
                entry_id=entry.id,
                guild_id=entry.guild_id,
                channel_id=channel_id,
                now=now if ahead_since is None else ahead_since,
            )
            post = await posts.get(connection, entry_id=entry.id)
        hit("gallery_post_begun")
        assert post is not None
        return post if ahead_since is None else await self._find(post, entry)

    async def _post(self, entry: Entry, post: Post, gate: Gate) -> bool:
        """Send an entry whose post was started, and record where it is."""
        job = await self._job(entry)
        if job is None:
            return False
        await self._name_maker(entry)
        try:
            sent = await self._send(entry, job, post, gate)
        except (discord.HTTPException, Missing, EkakiError) as error:
            if _surely_not_sent(error):
                await self._database.write(posts.forget, entry_id=entry.id)
            raise
        hit("gallery_post_unmarked")
        await self._entered(post, sent, shown=shown_of(entry))
        return True

    async def _job(self, entry: Entry) -> JobRecord | None:
        """The job of an entry; None if it has just been deleted."""
        return await self._bot.services.jobs.job(entry.job_id)

    def _notice(self) -> str:
        model = self._bot.services.jobs.model
        return "" if model is None else model.notice

    async def _name_maker(self, entry: Entry) -> None:
        """Record the maker's name on the server, for lists and pages, if it can be found."""
        guild = self._bot.get_guild(entry.guild_id)
        if entry.maker_name or guild is None:
            return
        try:
            member = guild.get_member(entry.maker_id) or await guild.fetch_member(entry.maker_id)
        except discord.HTTPException as error:  # they left, or Discord has trouble
            _log.info("A maker's name is not known: %s", error)
            return
        await self._database.write(
            states.set_maker_name, number=entry.number, name=member.display_name
        )

    async def _send(
        self, entry: Entry, job: JobRecord, post: Post, gate: Gate
    ) -> tuple[int | None, int]:
        services = self._bot.services
        stored = await services.results.picture(entry.picture_id)
        png = await services.jobs.read_picture(stored.picture)
        guild = self._bot.get_guild(entry.guild_id)
        limits = (_SMALL_FILE,) if guild is None else (guild.filesize_limit, _SMALL_FILE)
        for limit in limits:
            content, suffix = await asyncio.to_thread(fit, png, limit, services.sign)
            file = attachment_of(entry, job, content, suffix)
            message = message_of(entry, job, file_name=file.name, notice=self._notice())
            try:
                return await self._posts.send(
                    post,
                    title=title_of(job),
                    message=message,
                    file=file,
                    tag_ids=gate.settings.gallery_tags,
                )
            except discord.HTTPException as error:
                too_large = error.status in _TOO_LARGE or error.code in _TOO_LARGE
                if not too_large or limit == _SMALL_FILE:
                    raise
        raise AssertionError("one of the limits is the last")


async def _ahead_since(connection: Connection, entry: Entry) -> float | None:
    """Since when Discord may show something of this entry that a restored database does not know;
    None if its picture is newer than that."""
    known = await restored.get(connection)
    job = None if known is None else await jobs.get(connection, job_id=entry.job_id)
    return known.made_at if known and job and job.accepted_at <= known.at else None


def _surely_not_sent(error: Exception) -> bool:
    """Whether nothing arrived: Discord rejected it, or was not even asked."""
    if isinstance(error, discord.HTTPException):
        return 400 <= error.status < 500 and error.status not in {408, 429}
    return True


def _stays(post: Post, entry: Entry | None, gate: Gate) -> bool:
    """Whether the message may stay where it is."""
    fits = entry is not None and gate.may_stay(post.channel_id, entry.rating)
    return fits and not post.leaving
