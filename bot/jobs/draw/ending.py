"""The only place where jobs end: stored, removed from the line, published to their watchers."""

# ruff: noqa: BLE001 - the last line of defence: whatever fails, the job ends and its user is notified

import asyncio
import logging

from bot.common.clock import Clock
from bot.common.observer import NOBODY, Observer
from bot.jobs.draw.announcer import Announcer
from bot.jobs.draw.attempts import Attempts
from bot.jobs.draw.background import run_in_background
from bot.jobs.draw.engines import Engines
from bot.jobs.draw.line import Line, LiveJob
from bot.jobs.keep.finish import Kept
from bot.jobs.keep.store import JobStore
from bot.jobs.keep.stored import end_of
from bot.jobs.values import CancelledEvent, Completed, Failed, Terminal
from data.store.place import REPLACED
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError, EngineError, InputError, RefusedError, StorageError

_log = logging.getLogger(__name__)

_RETRY_S = 5.0  # between attempts to store an end while the disk is full or the database locked


class Ending:
    """Ends jobs of one line. `failure` gets the exception that makes it pointless to continue."""

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        clock: Clock,
        attempts: Attempts,
        engines: Engines,
        announcer: Announcer,
        observer: Observer = NOBODY,
    ) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._store = store
        self._line = line
        self._clock = clock
        self._attempts = attempts
        self._engines = engines
        self._announcer = announcer
        self._observer = observer
        self._settling: set[asyncio.Task[None]] = set()

    async def end(
        self, job_id: str, error: EkakiError | None = None, *, told: bool = False
    ) -> bool:
        """End an open job, live or left by an earlier run: failed with `error`, or cancelled.
        Returns False if it had already ended; StorageError: it continues.

        `told`: its user need not be notified.
        """
        ended = await self._store.abandon(job_id, error=error, now=self._clock.time(), told=told)
        if ended:
            event = CancelledEvent() if error is None else Failed(error=error)
            if job_id not in self._line.live:  # left by an earlier run
                self._count(event)
            self.tell(job_id, event)
        return ended

    async def entered(self, job: LiveJob, kept: Kept, model: ModelDescription) -> None:
        """One of its pictures was stored; with the last one the job is over."""
        if not kept.alive:  # it ended meanwhile; notify those who were not notified then
            await self._tell_stored(job.record.id)
            return
        # Joined: another device's picture of the same job may have been entered since.
        for picture in kept.made:
            if picture.position not in job.made:
                job.made[picture.position] = picture
                self._observer.picture_kept()
        for record in kept.withheld:
            if record.position not in job.withheld:
                job.withheld.add(record.position)
                self._observer.picture_withheld(record.reason)
        if kept.error is not None:
            self.tell(job.record.id, Failed(error=kept.error))
        elif kept.is_over:
            held = len(kept.withheld)
            self.tell(job.record.id, Completed(pictures=kept.made, withheld=held, model=model))

    async def fail(self, job: LiveJob, error: Exception) -> None:
        """End the job, refund its quota, notify its user. If the database is no longer the one in
        DATA_DIR, the job stays open in it, and drawing ends."""
        if _is_replaced(error):
            self.give_up(error)
            return
        known = error if isinstance(error, EkakiError) else EngineError("engine_failed")
        if isinstance(error, InputError | RefusedError):  # nobody's fault: a LoRA that is gone
            _log.info("Job %s can't be drawn: %s", job.record.id, error)
        else:
            _log.error("Job %s failed: %s", job.record.id, error, exc_info=error)
        try:
            if not await self.end(job.record.id, known):
                await self._tell_stored(job.record.id)
        except Exception as storage_error:
            if _is_replaced(storage_error):
                self.give_up(storage_error)
                return
            _log.error("The end of job %s is not stored yet: %s", job.record.id, storage_error)
            run_in_background(self._settle(job.record.id, known), self._settling)
            self.tell(job.record.id, Failed(error=known))

    def tell(self, job_id: str, event: Terminal) -> None:
        """The end is stored, or its row was deleted: remove the job from the line, stop its
        drawing, and notify its watchers."""
        job = self._line.drop(job_id)
        if job is not None:
            self._count(event)
            job.cancelled.set()
            job.mailbox.put(event)
        self._attempts.ended(job_id)
        self._announcer.announce()

    def give_up(self, error: Exception) -> None:
        """End the bot; open jobs stay stored."""
        if not self.failure.done():
            _log.error("Drawing ends, open jobs stay stored: %s", error)
            self.failure.set_exception(error)

    def stop(self) -> None:
        """Leave unstored results to the next start."""
        for task in self._settling:
            task.cancel()

    def _count(self, event: Terminal) -> None:
        match event:
            case Completed():
                self._observer.job_ended("finished")
            case Failed(error=error):
                self._observer.job_ended("failed", reason=error.key)
            case CancelledEvent():
                self._observer.job_ended("cancelled")

    async def _tell_stored(self, job_id: str) -> None:
        """Publish the end of a job that something else has ended and may not have published yet. Of
        a deleted job nothing is stored."""
        try:
            stored = await self._store.get(job_id)
            event = None if stored is None else end_of(stored, model=self._engines.model)
        except Exception as error:
            _log.error("How job %s ended can't be read: %s", job_id, error)
            event = None
        self.tell(job_id, event or CancelledEvent())

    async def _settle(self, job_id: str, error: EkakiError) -> None:
        """Try until the failure is stored: a full disk or a locked database passes."""
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                await self._store.abandon(job_id, error=error, now=self._clock.time())
            except Exception as again:
                _log.warning("The end of job %s is still not stored: %s", job_id, again)
            else:
                return


def _is_replaced(error: Exception) -> bool:
    return isinstance(error, StorageError) and error.key == REPLACED
