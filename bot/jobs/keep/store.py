"""The storage of the job service: transactions over jobs, pictures and quota, and picture files.

Each function is one atomic step.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bot.common.failpoints import hit
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.finish import Kept, enter_picture, enter_withheld, withheld_event
from bot.jobs.keep.stored import StoredJob, ceiling_in, error_to_json, stored_job
from bot.moderation.audit import Audit
from bot.outbox.kinds import Kind, channel_lane, person_lane
from bot.outbox.removals import remove_messages_of
from data.files.picture_files import PictureFiles
from data.guilds import blocks, guild_settings, outbox
from data.jobs import drawing, jobs, of_person, pictures, quota, withheld
from data.jobs.checks import CheckRecord
from data.jobs.jobs import Delivered, JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.withheld import WithheldRecord
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import EkakiError, EngineError
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True)
class JobStore:
    """The database and the picture files, as steps in the life of jobs."""

    database: Database
    files: KeptFiles
    audit: Audit

    async def get(self, job_id: str) -> "StoredJob | None":
        """A job with its pictures."""
        async with self.database.reader() as connection:
            job = await jobs.get(connection, job_id=job_id)
            return None if job is None else await stored_job(connection, job)

    async def open_jobs(self) -> list["StoredJob"]:
        """Waiting and running jobs with the pictures made so far, oldest first."""
        async with self.database.reader() as connection:
            return [await stored_job(connection, job) for job in await jobs.open_jobs(connection)]

    async def open_ids(self, user_id: int, *, guild_id: int | None = None) -> list[str]:
        """The open jobs of one person, in one server or anywhere, oldest first."""
        async with self.database.reader() as connection:
            return await of_person.open_ids(connection, user_id=user_id, guild_id=guild_id)

    async def keeps_out(self, job: JobRecord, *, now: float) -> bool:
        """Whether the owner of `job` is blocked in its server."""
        async with self.database.reader() as connection:
            return await blocks.is_blocked(
                connection, user_id=job.user_id, guild_id=job.guild_id, now=now
            )

    async def undelivered(self) -> list[JobRecord]:
        """Ended jobs whose user was not notified yet, oldest first."""
        async with self.database.reader() as connection:
            return await jobs.undelivered(connection)

    async def close_damaged(self, job_id: str, *, now: float) -> None:
        """End a job that can't be read and refund its quota; nobody can be notified."""
        error = error_to_json(EngineError("engine_failed"))
        async with self.database.transaction() as connection:
            if await jobs.mark_ended(
                connection, job_id=job_id, state="failed", now=now, error=error
            ):
                await quota.refund(connection, job_id=job_id)
            await jobs.mark_delivered(
                connection, job_id=job_id, delivery="kept", message_id=None, now=now
            )

    async def set_message(self, job_id: str, *, message_id: int) -> None:
        """Remember which message shows the job."""
        async with self.database.transaction() as connection:
            await jobs.set_message(connection, job_id=job_id, message_id=message_id)

    async def mark_told(
        self,
        job: JobRecord,
        *,
        delivery: Delivered,
        message_id: int | None,
        now: float,
        told: Collection[str] | None = None,
        again: bool = False,
    ) -> None:
        """Record that the end of the job, with the pictures `told` (None: all), reached its user,
        or can't. `again`: the outbox tries later. The message of a job that was deleted meanwhile
        is removed."""
        async with self.database.transaction() as connection:
            is_there = await jobs.mark_delivered(
                connection,
                job_id=job.id,
                delivery=delivery,
                message_id=message_id,
                now=now,
                told=told,
            )
            if not is_there:
                await remove_messages_of(connection, replace(job, message_id=message_id))
            elif again:
                await outbox.put(
                    connection,
                    kind=Kind.JOB_END,
                    key=job.id,
                    lane=person_lane(job.user_id)
                    if job.private
                    else channel_lane("job", job.channel_id),
                    guild_id=None if job.private else job.guild_id,
                )
        hit("delivered_marked")

    async def mark_running(self, job_id: str, *, now: float) -> None:
        """Record that the first picture is being drawn."""
        async with self.database.transaction() as connection:
            await jobs.mark_running(connection, job_id=job_id, now=now)

    async def enter_drawing(self, job_id: str, *, position: int) -> None:
        """Record that an engine is about to draw picture `position`."""
        async with self.database.transaction() as connection:
            await drawing.enter(connection, job_id=job_id, position=position)

    async def remove_drawing(self, job_id: str, *, position: int) -> None:
        """Record that no engine is drawing it any more, though it is not finished."""
        async with self.database.transaction() as connection:
            await drawing.remove(connection, job_id=job_id, position=position)

    async def clear_drawing(self) -> None:
        """Record that no engine is drawing, or that drawing is stopped on purpose."""
        async with self.database.transaction() as connection:
            await drawing.clear(connection)

    async def count_attempts(self) -> list[tuple[str, int]]:
        """Called once at start: the jobs that were being drawn when the process ended without
        warning, and how often that has happened to each."""
        async with self.database.reader() as connection:
            if await drawing.is_empty(connection):
                return []
        async with self.database.transaction() as connection:
            return await drawing.count_attempts(connection)

    async def ceiling_now(self, job: JobRecord) -> Rating:
        """The highest rating that the place of `job` allows: that at acceptance, or less if
        moderators have lowered it since."""
        async with self.database.reader() as connection:
            return await ceiling_in(connection, job)

    async def keeps_for_review(self, guild_id: int | None) -> bool:
        """Whether moderators of the server want to review withheld pictures."""
        if guild_id is None:
            return False
        async with self.database.reader() as connection:
            return (await guild_settings.get(connection, guild_id=guild_id)).review

    async def keep_picture(
        self, picture: PictureRecord, png: bytes, *, seen: CheckRecord | None = None
    ) -> Kept:
        """Write file, then row, and end the job with its last picture. `seen`: by the tagger."""

        async def enter(connection: Connection, job: JobRecord) -> Kept:
            return await enter_picture(connection, job, picture, seen)

        async with self._written(self.files.pictures, png) as unneeded:
            hit("picture_file_written")
            return await self._enter(picture.job_id, enter, unneeded)

    async def withhold(
        self, record: WithheldRecord, png: bytes | None, *, hits: Sequence[str]
    ) -> Kept:
        """Store a picture that is shown to nobody; its file `png` is kept only while it waits for a
        moderator. Ends the job with its last picture."""

        async def enter(connection: Connection, job: JobRecord) -> Kept:
            event = withheld_event(job, record, hits)
            return await enter_withheld(connection, job, record, self.audit, event)

        async with self._written(self.files.withheld, png) as unneeded:
            if png is not None:
                hit("withheld_file_written")
            return await self._enter(record.job_id, enter, unneeded)

    @asynccontextmanager
    async def _written(self, folder: PictureFiles, png: bytes | None) -> AsyncGenerator[list[str]]:
        """Write the file, if there is one, and hold the files' lock while its row is stored. At the
        end, deletes the files in the yielded list: the one written, unless its row needs it.
        """
        unneeded: list[str] = []
        try:
            async with self.files.lock:
                self.database.place.check()
                if png is not None:
                    unneeded.append(await asyncio.to_thread(folder.write, png))
                yield unneeded
        finally:
            await self.files.discard(unneeded)

    async def _enter(
        self,
        job_id: str,
        enter: Callable[[Connection, JobRecord], Awaitable[Kept]],
        unneeded: list[str],
    ) -> Kept:
        """Store a row with `enter`; `unneeded` gets the files that are not needed afterwards."""
        async with self.database.transaction() as connection:
            job = await jobs.get(connection, job_id=job_id)
            if job is None or job.ended_at is not None:
                return Kept(alive=False)
            kept = await enter(connection, job)
        unneeded[:] = [job.request.init_picture] if kept.is_over else []
        return kept

    async def abandon(
        self, job_id: str, *, error: EkakiError | None, now: float, told: bool = False
    ) -> bool:
        """End an open job without pictures and refund its quota; False if it had already ended.

        It failed with `error`, or was cancelled. `told`: its user need not be notified.
        """
        async with self.database.transaction() as connection:
            ended = await jobs.mark_ended(
                connection,
                job_id=job_id,
                state="cancelled" if error is None else "failed",
                now=now,
                error=None if error is None else error_to_json(error),
            )
            freed: list[str] = []
            job = await jobs.get(connection, job_id=job_id)
            if ended and job is not None:
                await quota.refund(connection, job_id=job_id)
                freed = await pictures.delete_of_job(connection, job_id=job_id)
                freed += await withheld.discard_of_job(connection, job_id=job_id, now=now)
                freed.append(job.request.init_picture)
                if told:
                    await jobs.mark_delivered(
                        connection, job_id=job_id, delivery="kept", message_id=None, now=now
                    )
        hit("job_abandoned")
        await self.files.discard(freed)
        return ended
