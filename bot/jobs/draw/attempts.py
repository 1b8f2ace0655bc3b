"""Records which pictures the engines are working on before they get them, so that the next start
knows which jobs ended this process without warning (killed for memory, a driver fault).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from bot.common.failpoints import hit
from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.line import LiveJob
from bot.jobs.keep.store import JobStore
from pipeline.errors import Cancelled, StorageError

_log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 2
"""A job that ended the process this many times is not tried again."""

PAUSES_S: Final = (1.0, 5.0)
"""Between attempts to record a picture while the disk is full or the database locked."""

_Key: TypeAlias = tuple[str, int]


class Attempts:
    """Call `begin` before an engine gets a picture, and `over` afterwards. The next pictures can be
    recorded ahead, so that no device waits for the disk. Used only on the event loop.

    A job that ended the process before is drawn while nothing else is drawn or stored: if it ends
    the process again, no other job is blamed for it.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._in_hand: set[_Key] = set()
        self._alone: _Key | None = None
        self._entered: dict[_Key, asyncio.Task[None]] = {}
        self._entering: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopped = False

    async def begin(self, job: LiveJob, unit: Unit) -> None:
        """Record `unit`; it is on the disk when this returns. Raises Cancelled if the job is
        cancelled; StorageError if the disk keeps failing."""
        key = _key(unit)
        await self._until(job, lambda: self._alone is None)
        try:
            if job.record.attempts:
                self._alone = key
                await self._until(job, lambda: not self._in_hand)
            self._in_hand.add(key)
            await self._enter_surely(key)
        except BaseException:
            self.over(unit)
            raise
        hit("drawing_entered")

    def foresee(self, units: Iterable[tuple[LiveJob, Unit]]) -> None:
        """Record these in the background: they are likely to be next."""
        for job, unit in units:
            is_known = _key(unit) in self._entered
            if self._alone is None and not (is_known or job.record.attempts or self._stopped):
                self._enter(_key(unit))

    def over(self, unit: Unit) -> None:
        """The picture is stored, or its job has ended."""
        key = _key(unit)
        self._in_hand.discard(key)
        self._entered.pop(key, None)
        if self._alone == key:
            self._alone = None
        self.look()

    async def withdraw(self, unit: Unit) -> None:
        """The picture is not being drawn now, and the process is still running."""
        await self._withdraw(_key(unit))

    async def withdraw_ahead(self) -> None:
        """Nothing is drawn for now: whatever ends the process meanwhile, no job is to blame."""
        for key in [key for key in self._entered if key not in self._in_hand]:
            await self._withdraw(key)

    async def _withdraw(self, key: _Key) -> None:
        task = self._entered.pop(key, None)
        if task is not None and not task.done():
            await asyncio.wait({task})
        job_id, position = key
        try:
            await self._store.remove_drawing(job_id, position=position)
        except StorageError as error:
            _log.warning("That job %s is not drawn can't be stored: %s", job_id, error)

    def ended(self, job_id: str) -> None:
        """The job is over; drop everything recorded for it."""
        for key in [key for key in self._entered if key[0] == job_id]:
            del self._entered[key]
        self.look()

    def look(self) -> None:
        """Wake `begin`: something changed that it may be waiting for."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def stop(self) -> None:
        """The process is being ended on purpose: what happens from now on counts against no job."""
        self._stopped = True
        self.look()
        if self._entering:
            await asyncio.wait(self._entering)
        try:
            await self._store.clear_drawing()
        except StorageError as error:
            _log.warning("What is being drawn stays entered: %s", error)

    async def _until(self, job: LiveJob, is_so: Callable[[], bool]) -> None:
        while not is_so():
            if job.cancelled.is_set():
                raise Cancelled
            await self._changed.wait()

    async def _enter_surely(self, key: _Key) -> None:
        for pause_s in (*PAUSES_S, None):
            if self._stopped:
                raise Cancelled
            try:
                # Shielded: others may also wait for it, and a started write must finish.
                await asyncio.shield(self._enter(key))
            except StorageError as error:
                if pause_s is None:
                    raise
                _log.warning("Job %s has to wait for the disk: %s", key[0], error)
                await asyncio.sleep(pause_s)
            else:
                return

    def _enter(self, key: _Key) -> asyncio.Task[None]:
        task = self._entered.get(key)
        if task is None or _is_vain(task):
            job_id, position = key
            task = asyncio.create_task(self._store.enter_drawing(job_id, position=position))
            self._entered[key] = task
            self._entering.add(task)
            task.add_done_callback(self._enter_ended)
        return task

    def _enter_ended(self, task: asyncio.Task[None]) -> None:
        self._entering.discard(task)
        _is_vain(task)  # asyncio would complain about an exception that was never retrieved


def _is_vain(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _key(unit: Unit) -> _Key:
    return unit.job_id, unit.index
