"""Sharing pictures, and the decisions of owners and moderators about entries."""

from dataclasses import replace

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.gallery.gate import Gate
from bot.library.results import known_picture
from bot.moderation.audit import Audit
from data.gallery import entries, posts, states, web
from data.gallery.entries import Entry
from data.gallery.posts import Post
from data.guilds.audit import AuditEvent, AuditKind
from data.guilds.server_settings import GuildSettings
from data.jobs.stored import StoredPicture
from data.store.connection import Connection
from data.store.database import Database
from data.store.ids import new_public_id
from pipeline.errors import RefusedError


class Gallery:
    """Changes entries. Triggers put the updates of their messages into the outbox."""

    def __init__(self, *, database: Database, audit: Audit, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._audit = audit

    async def share(
        self,
        picture_id: str,
        *,
        actor: Actor,
        gate: Gate,
        maker_name: str = "",
    ) -> Entry:
        """Share a picture in the gallery of the server where it was made, or submit it for approval
        if its moderators require that. `maker_name`: if known.

        Raises RefusedError without changing anything. Only its owner may share a private picture,
        and has confirmed that.
        """
        now = self.clock.time()
        async with self.database.transaction() as connection:
            stored = await shareable(connection, picture_id, actor)
            gate.demand(stored.picture.rating)
            entry = await entered(connection, stored, maker_name=maker_name)
            _check_share(entry, actor)
            if await states.is_maker_blocked(connection, number=entry.number, now=now):
                raise RefusedError("gallery_maker_blocked")
            await states.share(
                connection,
                number=entry.number,
                approval=gate.settings.gallery_approval and not actor.is_moderator,
                shared_by=actor.user_id,
                needed=None,
                now=now,
            )
            await self._record(connection, AuditKind.GALLERY_ADDED, entry, actor.user_id)
            shared = await entries.get(connection, entry_id=entry.id)
        hit("gallery_shared")
        assert shared is not None
        return shared

    async def remove(self, entry_id: str, *, actor: Actor) -> Entry:
        """Remove an entry permanently: for its maker and moderators. RefusedError otherwise."""
        now = self.clock.time()
        async with self.database.transaction() as connection:
            entry = await known(connection, entry_id)
            self._demand_maker(entry, actor)
            await states.remove(connection, number=entry.number, by=actor.user_id, now=now)
            await self._record(connection, AuditKind.GALLERY_REMOVED, entry, actor.user_id)
            await self.database.tombstones.put_in(connection, "entry", entry_id, now=now)
        return entry

    async def approve(self, entry_id: str, *, actor: Actor) -> Entry:
        """Approve a waiting entry: for moderators."""
        async with self.database.transaction() as connection:
            entry = await known(connection, entry_id)
            demand_moderator(entry, actor)
            if not await states.approve(
                connection, number=entry.number, by=actor.user_id, now=self.clock.time()
            ):
                raise RefusedError("gallery_not_waiting")
            await self._record(connection, AuditKind.GALLERY_ADDED, entry, actor.user_id)
        return entry

    async def feature(self, entry_id: str, *, actor: Actor, on: bool) -> Entry:
        """Feature an entry or stop featuring it: for moderators."""
        async with self.database.transaction() as connection:
            entry = await known(connection, entry_id)
            demand_moderator(entry, actor)
            if entry.state != "posted":
                raise RefusedError("gallery_unknown")
            at = self.clock.time() if on else None
            await states.feature(connection, number=entry.number, at=at)
        return entry

    async def entry(self, entry_id: str) -> Entry | None:
        """The entry with this id, in any state."""
        return await self.database.read(entries.get, entry_id=entry_id)

    async def entry_of(self, picture_id: str) -> Entry | None:
        """The entry of a picture, in any state."""
        return await self.database.read(entries.of_picture, picture_id=picture_id)

    async def post_of(self, entry_id: str) -> Post | None:
        """The message of an entry in its gallery channel."""
        return await self.database.read(posts.get, entry_id=entry_id)

    async def maker_on_web(self, user_id: int) -> bool:
        """Whether this maker's pictures may be on the web page."""
        return await self.database.read(web.maker_on_web, user_id=user_id)

    async def set_maker_on_web(self, user_id: int, *, on: bool) -> None:
        """Set whether this maker's pictures may be on the web page."""
        async with self.database.transaction() as connection:
            await web.set_maker(connection, user_id=user_id, on_web=on)
            if not on:
                now = self.clock.time()
                await self.database.tombstones.put_in(connection, "web", user_id, now=now)

    async def shows(self, *, guild_id: int | None, picture_id: str = "", job_id: str = "") -> bool:
        """Whether the server's gallery shows this picture, or one of this job."""
        if guild_id is None:
            return False
        return await self.database.read(
            entries.shows, guild_id=guild_id, picture_id=picture_id, job_id=job_id
        )

    async def settle(self, gate: Gate) -> None:
        """Bring a server's entries in line with its settings, ceilings and blocks.

        Without a gallery everything stays as it is.
        """
        allowed = gate.allowed
        if allowed is None:
            return
        now, settings, guild_id = self.clock.time(), gate.settings, gate.guild_id
        async with self.database.transaction() as connection:
            await states.settle(connection, guild_id=guild_id, allowed=allowed, now=now)
            reached = await states.reaching(
                connection,
                guild_id=guild_id,
                threshold=settings.gallery_threshold,
                allowed=allowed,
                now=now,
            )
            for number, channel_id, rules_channel_id in reached:
                made_in = (channel_id, rules_channel_id or channel_id)
                if not replace(gate, made_in=made_in).excluded:
                    await share_by_stars(connection, number, settings, now=now)
            await states.mark_misplaced(connection, guild_id=guild_id, ceilings=gate.ceilings)
            await states.mark_unposted(connection, guild_id=guild_id)

    async def ask_check(self, guild_id: int) -> None:
        """Have a server's entries checked soon, because one of its channels changed."""
        await self.database.write(posts.ask_check, guild_id=guild_id)

    async def channel_gone(self, channel_id: int, guild_id: int) -> None:
        """Handle a deleted channel: entries with a message there stay without one."""
        async with self.database.transaction() as connection:
            await posts.channel_gone(connection, channel_id=channel_id)
            await posts.ask_check(connection, guild_id=guild_id)

    async def set_guild_name(self, guild_id: int, name: str) -> None:
        """Set the name that the web page shows for the server."""
        await self.database.write(web.set_guild_name, guild_id=guild_id, name=name)

    async def _record(
        self, connection: Connection, kind: AuditKind, entry: Entry, actor_id: int
    ) -> None:
        event = AuditEvent(
            kind=kind,
            guild_id=entry.guild_id,
            channel_id=entry.channel_id,
            actor_id=actor_id,
            user_id=entry.maker_id,
            job_id=entry.job_id,
            picture_id=entry.picture_id,
        )
        await self._audit.record_in(connection, event)

    def _demand_maker(self, entry: Entry, actor: Actor) -> None:
        if actor.user_id != entry.maker_id:
            demand_moderator(entry, actor)


async def share_by_stars(
    connection: Connection, number: int, settings: GuildSettings, *, now: float
) -> None:
    """Share a candidate that has enough stars."""
    await states.share(
        connection,
        number=number,
        approval=settings.gallery_approval,
        shared_by=None,
        needed=settings.gallery_threshold,
        now=now,
    )


async def known(connection: Connection, entry_id: str) -> Entry:
    """The entry. RefusedError if it does not exist."""
    entry = await entries.get(connection, entry_id=entry_id)
    if entry is None:
        raise RefusedError("gallery_unknown")
    return entry


def demand_moderator(entry: Entry, actor: Actor) -> None:
    """RefusedError unless `actor` moderates the entry's server."""
    if not (actor.is_moderator and actor.guild_id == entry.guild_id):
        raise RefusedError("gallery_not_yours")


async def shareable(connection: Connection, picture_id: str, actor: Actor) -> StoredPicture:
    """The picture and its job, if `actor` may share it. RefusedError otherwise."""
    found = await known_picture(connection, picture_id)
    job = found.job
    if job.guild_id is None or job.guild_id != actor.guild_id:
        raise RefusedError("gallery_elsewhere")
    if job.user_id != actor.user_id:
        if job.private:
            raise RefusedError("picture_private")
        if not actor.is_moderator:
            raise RefusedError("gallery_not_yours")
    return found


async def entered(connection: Connection, stored: StoredPicture, *, maker_name: str = "") -> Entry:
    """The picture's entry, made a candidate if there is none yet."""
    job, picture = stored.job, stored.picture
    assert job.guild_id is not None, "asked by the caller"
    await entries.insert(
        connection,
        entry_id=new_public_id(),
        picture_id=picture.id,
        guild_id=job.guild_id,
        channel_id=job.channel_id,
        maker_id=job.user_id,
        maker_name=maker_name,
        rating=picture.rating,
    )
    await web.keep_entry(connection, picture_id=picture.id)
    entry = await entries.of_picture(connection, picture_id=picture.id)
    assert entry is not None
    await states.set_rating(
        connection, number=entry.number, rating=max(entry.rating, picture.rating)
    )
    return entry


def _check_share(entry: Entry, actor: Actor) -> None:
    match entry.state:
        case "posted":
            raise RefusedError("gallery_already")
        case "waiting" if not actor.is_moderator:
            raise RefusedError("gallery_waits")
        case "hidden":
            raise RefusedError("gallery_hidden")
        case "removed" if not actor.is_moderator and entry.decided_by not in {None, actor.user_id}:
            raise RefusedError("gallery_was_removed")
        case _:
            pass
