"""Removes what nothing needs any more: at every start, and then every hour."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bot.clock import Clock
from bot.jobs.kept_files import KeptFiles
from bot.limits import DAY_S, HOUR_S
from data import audit, blocks, quota, uploads, withheld
from data.guild_settings import RETENTION_DAYS
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

UPLOAD_WAITS_S: Final = HOUR_S
"""How long an upload waits for a job: its command was refused, or the process died in between."""

REVIEW_WAITS_S: Final = 30 * DAY_S
"""How long a withheld picture waits for a moderator."""


class Housekeeping:
    """The task that cleans."""

    def __init__(self, files: KeptFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Clean the rows; files and everything later in the background."""
        await _kindly(self._clean_rows)
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """End after the cleaning that is under way, which takes moments."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def clean(self) -> None:
        """Uploads without a job, withheld pictures that nobody looked at, uses of deleted jobs that
        count no longer, entries of the audit log and blocks whose time is over, files without a
        row."""
        await self._clean_rows()
        await self._files.sweep()

    async def _clean_rows(self) -> None:
        now = self._clock.time()
        async with self._files.database.transaction() as connection:
            freed = await uploads.delete_unused(connection, before=now - UPLOAD_WAITS_S)
            await quota.expire(connection, before=now - DAY_S)
            await audit.expire(connection, now=now, default_days=RETENTION_DAYS)
            await blocks.expire(connection, now=now)
            freed += await withheld.expire(connection, before=now - REVIEW_WAITS_S, now=now)
        await self._files.discard(freed)

    async def _run(self) -> None:
        await _kindly(self._files.sweep)
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(HOUR_S):
                    await self._stopping.wait()
            except TimeoutError:
                await _kindly(self.clean)


async def _kindly(clean: Callable[[], Awaitable[None]]) -> None:
    """What can't be cleaned now is in nobody's way: the next time is in an hour."""
    try:
        await clean()
    except (StorageError, OSError) as error:
        _log.warning("Cleaning did not work: %s", error)
