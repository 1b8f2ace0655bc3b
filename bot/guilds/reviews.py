"""Actions of moderators about withheld pictures: view, release or discard them.

Callers check permissions and the channel.
"""

import asyncio
from dataclasses import dataclass, replace

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.guilds.moderators import checked_reason
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.stored import ceiling_in
from bot.moderation.audit import Audit
from data.guilds.audit import AuditKind
from data.jobs import checks, jobs, pictures, withheld
from data.jobs.jobs import JobRecord
from data.jobs.withheld import WithheldRecord
from data.store.database import Database
from pipeline.errors import RefusedError, StorageError
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A withheld picture with its job. `ceiling`: the highest rating it can be released with.
    `count`: how many are waiting in total."""

    record: WithheldRecord
    job: JobRecord
    ceiling: Rating
    count: int


class Reviews:
    """Withheld pictures of servers that want to see them."""

    def __init__(self, *, database: Database, files: KeptFiles, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._files = files
        self._audit = audit
        self._clock = clock

    async def next(self, guild_id: int, *, after: str | None = None) -> Waiting | None:
        """The picture that has waited longest; with `after`, the one that follows it."""
        async with self._database.reader() as connection:
            record = await withheld.waiting(connection, guild_id=guild_id, after=after)
            if record is None:
                return None
            job = await jobs.get(connection, job_id=record.job_id)
            assert job is not None, "it goes with its job"
            return Waiting(
                record=record,
                job=job,
                ceiling=await ceiling_in(connection, job),
                count=await withheld.count_waiting(connection, guild_id=guild_id),
            )

    async def read(self, record: WithheldRecord) -> bytes:
        """The PNG. RefusedError `review_gone`: already decided; StorageError if it is lost."""
        if record.state != "waiting":
            raise RefusedError("review_gone")
        if record.picture is None:
            raise StorageError("picture_missing")
        return await asyncio.to_thread(self._files.withheld.read, record.picture.content_hash)

    async def release(
        self, actor: Actor, withheld_id: str, *, rating: Rating, reason: str
    ) -> JobRecord:
        """Release the picture with the rating `rating`, and have its job delivered.

        RefusedError `review_gone` (another moderator was faster), `release_above_ceiling`,
        `reason_missing`.
        """
        if not reason.strip():
            raise RefusedError("reason_missing")
        reason = checked_reason(reason)
        async with self._files.lock:
            record, job = await self._open(actor, withheld_id)
            # The file before the row, as for every picture.
            png = await self.read(record)
            assert record.picture is not None, "or it could not be read"
            await asyncio.to_thread(self._files.pictures.write, png)
            hit("release_file_written")
            async with self._database.transaction() as connection:
                ceiling = await ceiling_in(connection, job)
                if rating > ceiling:
                    raise RefusedError("release_above_ceiling", rating=rating, ceiling=ceiling)
                now = self._clock.time()
                if not await withheld.decide(
                    connection,
                    withheld_id=withheld_id,
                    decision="released",
                    by=actor.user_id,
                    now=now,
                ):
                    raise RefusedError("review_gone")
                picture = replace(record.picture, rating=rating)
                await pictures.insert(connection, picture=picture)
                if record.seen is not None:
                    await checks.insert(connection, picture_id=picture.id, check=record.seen)
                await jobs.deliver_again(connection, job_id=job.id)
                details = {"reason": reason, "old": _seen(record), "new": rating.label}
                await self._audit.record_of(
                    connection,
                    job,
                    AuditKind.RELEASED,
                    details,
                    actor_id=actor.user_id,
                    picture_id=record.id,
                )
                released = await jobs.get(connection, job_id=job.id)
        hit("picture_released")
        await self._files.discard([record.picture.content_hash])
        assert released is not None
        return released

    async def discard(self, actor: Actor, withheld_id: str, *, reason: str = "") -> None:
        """Delete the picture permanently. RefusedError `review_gone`."""
        async with self._database.transaction() as connection:
            record, job = await self._open(actor, withheld_id)
            if not await withheld.decide(
                connection,
                withheld_id=withheld_id,
                decision="discarded",
                by=actor.user_id,
                now=self._clock.time(),
            ):
                raise RefusedError("review_gone")
            await self._audit.record_of(
                connection,
                job,
                AuditKind.DISCARDED,
                {"reason": checked_reason(reason)},
                actor_id=actor.user_id,
                picture_id=record.id,
            )
            await self._database.tombstones.put_in(
                connection, "withheld", withheld_id, now=self._clock.time()
            )
        hit("withheld_discarded")
        await self._files.discard([record.content_hash or ""])

    async def _open(self, actor: Actor, withheld_id: str) -> tuple[WithheldRecord, JobRecord]:
        """A picture waiting for review in the server of `actor`. RefusedError `review_gone`."""
        async with self._database.reader() as connection:
            record = await withheld.get(connection, withheld_id=withheld_id)
            job = None if record is None else await jobs.get(connection, job_id=record.job_id)
        if record is None or job is None or job.guild_id != actor.guild_id:
            raise RefusedError("review_gone")
        if record.state != "waiting":
            raise RefusedError("review_gone")
        return record, job


def _seen(record: WithheldRecord) -> str:
    return "-" if record.seen is None else record.seen.rating.label
