"""Ends jobs: stored, out of the line, told to their watchers."""

# ruff: noqa: BLE001 - the last line of defence: whatever fails, the job ends and its user is told

import asyncio
import logging
from collections.abc import Callable

from bot.common.clock import Clock
from bot.jobs.draw.attempts import Attempts
from bot.jobs.draw.beside import run_beside
from bot.jobs.draw.line import Line, LiveJob
from bot.jobs.keep.store import JobStore
from bot.jobs.keep.stored import end_of
from bot.jobs.values import CancelledEvent, Failed, JobEvent
from data.store.place import REPLACED
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError, EngineError, StorageError

_log = logging.getLogger(__name__)

_RETRY_S = 5.0  # between tries to store an end while the disk is full or the database locked


class Ending:
    """Ends jobs of one line. `failure` gets the exception that makes going on senseless.

    `model` tells the model in use, `announce` tells those who wait of their new places.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        clock: Clock,
        attempts: Attempts,
        failure: asyncio.Future[None],
        model: Callable[[], ModelDescription | None],
        announce: Callable[[], None],
    ) -> None:
        self._store = store
        self._line = line
        self._clock = clock
        self._attempts = attempts
        self._failure = failure
        self._model = model
        self._announce = announce
        self._settling: set[asyncio.Task[None]] = set()

    def end(self, job_id: str, event: JobEvent) -> None:
        """The job is over: leave the line, stop its drawing, tell its watchers."""
        job = self._line.drop(job_id)
        if job is not None:
            job.cancelled.set()
            job.mailbox.put(event)
        self._attempts.ended(job_id)
        self._announce()

    def stop(self) -> None:
        """Leave what is not stored yet to the next start."""
        for task in self._settling:
            task.cancel()

    async def end_as_stored(self, job_id: str) -> None:
        """Tell how a job ended that something else has ended: whoever did may not have come to
        telling yet. Nothing is stored of a job that was deleted."""
        try:
            stored = await self._store.get(job_id)
            event = None if stored is None else end_of(stored, model=self._model())
        except Exception as error:
            _log.error("How job %s ended can't be read: %s", job_id, error)
            event = None
        self.end(job_id, event or CancelledEvent())

    async def fail(self, job: LiveJob, error: Exception) -> None:
        """End the job, give back its quota, tell its user. Where the database is not the one that
        lies in DATA_DIR any more, the job stays open in it, and drawing ends."""
        if _is_replaced(error):
            self._end_drawing(error)
            return
        known = error if isinstance(error, EkakiError) else EngineError("engine_failed")
        _log.error("Job %s failed: %s", job.record.id, error, exc_info=error)
        try:
            ended = await self._abandon(job, known)
        except Exception as storage_error:
            if _is_replaced(storage_error):
                self._end_drawing(storage_error)
                return
            _log.error("The end of job %s is not stored yet: %s", job.record.id, storage_error)
            run_beside(self._settle(job, known), self._settling)
            ended = True
        if ended:
            self.end(job.record.id, Failed(error=known))
        else:
            await self.end_as_stored(job.record.id)

    def _end_drawing(self, error: Exception) -> None:
        """Let the bot end: going on would part files from rows."""
        if not self._failure.done():
            _log.error("Drawing ends, open jobs stay stored: %s", error)
            self._failure.set_exception(error)

    async def _abandon(self, job: LiveJob, error: EkakiError) -> bool:
        return await self._store.abandon(
            job.record.id, state="failed", now=self._clock.time(), error=error
        )

    async def _settle(self, job: LiveJob, error: EkakiError) -> None:
        """Try until the failure is stored: a full disk or a locked database passes."""
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                await self._abandon(job, error)
            except Exception as again:
                _log.warning("The end of job %s is still not stored: %s", job.record.id, again)
            else:
                return


def _is_replaced(error: Exception) -> bool:
    return isinstance(error, StorageError) and error.key == REPLACED
