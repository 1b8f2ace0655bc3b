"""After a restart, queues open jobs again or closes those that can't continue."""

import logging

from bot.common.clock import Clock
from bot.jobs.accept.audit_events import brief_settings
from bot.jobs.draw.attempts import MAX_ATTEMPTS
from bot.jobs.draw.ending import Ending
from bot.jobs.draw.line import Line, live_job
from bot.jobs.keep.store import JobStore
from bot.jobs.keep.stored import StoredJob, end_of
from data.jobs import jobs
from data.jobs.jobs import JobRecord
from data.store import pause
from data.store.pause import PastRest
from pipeline.errors import EngineError, RefusedError, StorageError

_log = logging.getLogger(__name__)


class Resume:
    """Resumes the open jobs of `store`. Those older than `max_age_s` are closed; times in which
    nothing was drawn, as the operator wished, don't count."""

    def __init__(
        self, store: JobStore, line: Line, ending: Ending, clock: Clock, *, max_age_s: float
    ) -> None:
        self._store = store
        self._line = line
        self._ending = ending
        self._clock = clock
        self._max_age_s = max_age_s
        self._rests: list[PastRest] = []

    async def all(self) -> None:
        """Process them once, at start. StorageError: the database can't be used."""
        now = self._clock.time()
        for job_id, attempts in await self._store.count_attempts():
            _log.warning(
                "The bot ended without warning while it drew job %s: attempt %d of %d",
                job_id, attempts, MAX_ATTEMPTS,
            )  # fmt: skip
        await self._set_damaged_aside(now=now)
        self._rests = await self._store.database.read(pause.rests)
        for stored in await self._store.open_jobs():
            try:
                await self._one(stored, now=now)
            except StorageError:
                raise
            except Exception:  # noqa: BLE001 - damage of any kind
                _log.exception("Job %s can't go on; the others do", stored.job.id)
                await self._store.close_damaged(stored.job.id, now=now)

    async def _set_damaged_aside(self, *, now: float) -> None:
        """Close jobs that are open or undelivered but can't be read (a damaged disk, a request of
        another version), so that they block no other job. Their quota is refunded, and their rows
        and pictures stay; nobody is notified, because whom to notify can't be read."""
        async with self._store.database.reader() as connection:
            found = await jobs.unsettled_ids(connection)
        for job_id in found:
            try:
                stored = await self._store.get(job_id)
                if stored is not None:
                    end_of(stored, model=None)
            except StorageError:
                raise
            except Exception:  # noqa: BLE001 - damage of any kind
                _log.exception("Job %s can't be read; it is closed, the others go on", job_id)
                await self._store.close_damaged(job_id, now=now)

    async def _one(self, stored: StoredJob, *, now: float) -> None:
        """Queue an open job again, or close it."""
        job = stored.job
        rested_s = pause.rested_s(self._rests, since=job.accepted_at, now=now)
        if now - job.accepted_at - rested_s > self._max_age_s:
            await self._ending.end(job.id, RefusedError("job_expired"))
        elif await self._store.keeps_out(job, now=now):  # killed while it was cancelled
            await self._ending.end(job.id)
        elif (error := _obstacle(job)) is not None:
            await self._ending.end(job.id, error)
        else:
            held = (record.position for record in stored.withheld)
            self._line.admit(live_job(job, stored.pictures, held))


def _obstacle(job: JobRecord) -> EngineError | None:
    """Why the job can't be drawn: it would end the process again, or it can't be read."""
    if job.attempts >= MAX_ATTEMPTS:
        _log.error(
            "Job %s is given up: the bot ended without warning %d times while it drew that, as"
            " where the system kills it for memory, or a driver has a fault. Its settings: %s",
            job.id, job.attempts, brief_settings(job.request),
        )  # fmt: skip
        return EngineError("job_ended_process", attempts=job.attempts)
    if job.damaged:
        _log.error("What job %s is to draw can't be read; it is given up", job.id)
        return EngineError("engine_failed")
    return None
