"""Stars: reactions and the vote button. One vote per person; enough of them share a picture."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.common.failpoints import hit
from bot.gallery import star_rules
from bot.gallery.gate import Gate
from bot.gallery.service import Gallery, entered, known
from bot.library.results import known_picture
from data.gallery import entries as gallery
from data.gallery import posts, states, watched
from data.gallery import votes as gallery_votes
from data.gallery.entries import Entry, State
from data.gallery.watched import Watched
from data.jobs import jobs, pictures
from data.jobs.pictures import PictureRecord
from data.jobs.stored import StoredPicture
from data.store.connection import Connection
from pipeline.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """The result of a press: whether the person's vote is set, and how many there are. `state`: of
    the picture's entry."""

    on: bool
    votes: int
    state: State


class Stars:
    """Counts votes. Buttons report refusals; a reaction that can't count is ignored."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._database = gallery.database
        self._clock = gallery.clock

    async def watched(self, message_id: int) -> Watched | None:
        """What one of our messages shows; None for other messages."""
        return await self._database.read(watched.find, message_id=message_id)

    async def recent(self, guild_id: int, *, since: float, limit: int) -> list[Watched]:
        """Messages of a server that may be starred, the newest first."""
        return await self._database.read(
            watched.recent, guild_id=guild_id, since=since, limit=limit
        )

    async def starred_messages(self, guild_id: int) -> frozenset[int]:
        """Messages of a server with known stars."""
        return await self._database.read(watched.starred, guild_id=guild_id)

    async def watch(
        self, *, message_id: int, channel_id: int, job_id: str, picture_id: str | None
    ) -> None:
        """Count stars under this message, which shows a job's pictures or one of them."""
        async with self._database.transaction() as connection:
            await watched.watch(
                connection,
                message_id=message_id,
                channel_id=channel_id,
                job_id=job_id,
                picture_id=picture_id,
                now=self._clock.time(),
            )

    async def press(self, picture_id: str, *, user_id: int, gate: Gate) -> Voted:
        """Handle the vote button: add a vote, or remove it however it was given.

        Raises RefusedError if a vote does not count here.
        """
        async with self._database.transaction() as connection:
            stored = await known_picture(connection, picture_id)
            if stored.job.guild_id != gate.guild_id:
                raise RefusedError("gallery_elsewhere")
            now = self._clock.time()
            await star_rules.demand(connection, stored, user_id=user_id, gate=gate, now=now)
            entry = await entered(connection, stored)
            if await gallery_votes.unvote(connection, number=entry.number, user_id=user_id):
                await star_rules.lost(connection, entry)
                on = False
            else:
                await self._star(connection, entry, user_id, gallery_votes.BUTTON)
                await star_rules.gained(connection, entry, gate=gate, now=now)
                on = True
            entry = await known(connection, entry.id)
        return Voted(on=on, votes=entry.votes, state=entry.state)

    async def starred(self, message_id: int, position: int, *, user_id: int, gate: Gate) -> None:
        """Add a star to one of our messages; `position`: which of its pictures, from 0."""
        async with self._database.transaction() as connection:
            found = await star_rules.starred_picture(connection, message_id, position)
            if found is None or not await self._counts(connection, found, user_id, gate):
                return
            entry = await entered(connection, found)
            await self._star(connection, entry, user_id, message_id)
            await star_rules.gained(connection, entry, gate=gate, now=self._clock.time())
        hit("gallery_starred")

    async def unstarred(self, message_id: int, position: int, *, user_id: int) -> None:
        """Remove a star."""
        async with self._database.transaction() as connection:
            found = await star_rules.starred_picture(connection, message_id, position)
            entry = found and await gallery.of_picture(connection, picture_id=found.picture.id)
            if not entry:
                return
            if await gallery_votes.unstar(
                connection, number=entry.number, user_id=user_id, message_id=message_id
            ):
                await star_rules.lost(connection, entry)

    async def cleared(self, message_id: int, position: int | None) -> None:
        """Remove all reactions, or all of one kind."""
        async with self._database.transaction() as connection:
            if position is None:
                await self._clear(connection, message_id)
            else:
                found = await star_rules.starred_picture(connection, message_id, position)
                entry = found and await gallery.of_picture(connection, picture_id=found.picture.id)
                if entry:
                    await gallery_votes.set_message(
                        connection,
                        number=entry.number,
                        message_id=message_id,
                        user_ids=(),
                        now=self._clock.time(),
                    )
                    await star_rules.lost(connection, entry)

    async def message_deleted(self, message_id: int) -> None:
        """Handle the deletion of a message with its stars. If it was a job's own message, its
        pictures leave the gallery; if it was an entry's message, the entry does."""
        async with self._database.transaction() as connection:
            found = await watched.find(connection, message_id=message_id)
            if found is None:
                return
            await self._clear(connection, message_id)
            await watched.forget(connection, message_id=message_id)
            job = await jobs.get(connection, job_id=found.job_id)
            original = job is not None and job.message_id == message_id
            if found.in_gallery or original:
                for picture in await pictures.of_job(connection, job_id=found.job_id):
                    if found.in_gallery and picture.id != found.picture_id:
                        continue
                    await self._withdraw(connection, picture, in_gallery=found.in_gallery)

    async def reconcile(
        self, message_id: int, people: Mapping[int, Collection[int]], *, gate: Gate
    ) -> None:
        """Replace the stars under a message by those in Discord: who starred it, by position."""
        async with self._database.transaction() as connection:
            for position in range(_MAX_PICTURES):
                found = await star_rules.starred_picture(connection, message_id, position)
                if found is None:
                    return
                wanted = {
                    user_id
                    for user_id in people.get(position, ())
                    if await self._counts(connection, found, user_id, gate)
                }
                entry = await gallery.of_picture(connection, picture_id=found.picture.id)
                if entry is None and not wanted:
                    continue
                entry = entry or await entered(connection, found)
                await gallery_votes.set_message(
                    connection,
                    number=entry.number,
                    message_id=message_id,
                    user_ids=wanted,
                    now=self._clock.time(),
                )
                await star_rules.gained(connection, entry, gate=gate, now=self._clock.time())
                await star_rules.lost(connection, entry)

    async def _counts(
        self, connection: Connection, stored: StoredPicture, user_id: int, gate: Gate
    ) -> bool:
        now = self._clock.time()
        try:
            await star_rules.demand(connection, stored, user_id=user_id, gate=gate, now=now)
        except RefusedError:
            return False
        return True

    async def _star(
        self, connection: Connection, entry: Entry, user_id: int, message_id: int
    ) -> None:
        await gallery_votes.star(
            connection,
            number=entry.number,
            user_id=user_id,
            message_id=message_id,
            now=self._clock.time(),
        )

    async def _clear(self, connection: Connection, message_id: int) -> None:
        for number in await gallery_votes.clear_message(connection, message_id=message_id):
            entry = await gallery.by_number(connection, number=number)
            assert entry is not None, "its stars go with it"
            await star_rules.lost(connection, entry)

    async def _withdraw(
        self, connection: Connection, picture: PictureRecord, *, in_gallery: bool
    ) -> None:
        entry = await gallery.of_picture(connection, picture_id=picture.id)
        if entry is None:
            return
        if in_gallery:  # it is gone already
            await posts.forget(connection, entry_id=entry.id)
        if entry.state in {"posted", "waiting", "hidden"}:
            # If it was our message in the gallery, a moderator deleted it.
            by = _BY_HAND if in_gallery else None
            now = self._clock.time()
            await states.remove(connection, number=entry.number, by=by, now=now)
            await self._database.tombstones.put_in(connection, "entry", entry.id, now=now)


_MAX_PICTURES = 10
_BY_HAND = 0  # someone with permission to delete our messages; Discord does not say who
