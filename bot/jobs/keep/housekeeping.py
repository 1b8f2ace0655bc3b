"""Removes what is no longer needed: at every start, and then every hour."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

from bot.common.clock import Clock
from bot.jobs.accept.limits import DAY_S, HOUR_S
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.steady import SteadyClock
from data.files import retention
from data.guilds import audit, blocks
from data.guilds.server_settings import RETENTION_DAYS
from data.jobs import jobs, paint_links, quota, uploads, withheld
from data.people import news, tag_uses, web_sessions
from data.store import notes
from data.store.connection import Connection
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

UPLOAD_WAITS_S: Final = HOUR_S
"""How long an upload without a job is kept: its command was refused or the process died."""

REVIEW_WAITS_S: Final = 30 * DAY_S
"""How long a withheld picture waits for a moderator."""

NEWS_KEPT_S: Final = 30 * DAY_S
"""How long it is remembered that a maker was notified of a star or remix."""

_CLEANED: Final = "cleaned_at"
"""The note that stores when rows were last cleaned (seconds since the epoch)."""

OLD_AT_ONCE: Final = 100  # pictures per transaction


Expire: TypeAlias = Callable[[Connection, float], Awaitable[list[str] | None]]
"""Removes rows of one kind that are older than a time; returns the hashes of their files."""


async def _expire_blocks(connection: Connection, now: float) -> None:
    await blocks.begin_now(connection, now=now)
    await blocks.expire(connection, now=now)


# Each in its own transaction: a kind that can't be removed must not block the others.
_EXPIRING: Final[tuple[Expire, ...]] = (
    lambda connection, now: uploads.delete_unused(connection, before=now - UPLOAD_WAITS_S),
    lambda connection, now: quota.expire(connection, before=now - DAY_S),
    lambda connection, now: audit.expire(connection, now=now, default_days=RETENTION_DAYS),
    _expire_blocks,
    lambda connection, now: withheld.expire(connection, before=now - REVIEW_WAITS_S, now=now),
    lambda connection, now: web_sessions.expire(connection, now=now),
    lambda connection, now: paint_links.expire(connection, now=now),
    lambda connection, now: news.expire(connection, before=now - NEWS_KEPT_S),
    # Removes nothing: this checks every hour for makers who are notified daily.
    lambda connection, now: news.put_due(connection, before=now - DAY_S),
)


# With the time up to which prompts are removed.
_PROMPTS: Final[tuple[Expire, ...]] = (
    lambda connection, before: tag_uses.expire(connection, before=before),
    lambda connection, before: audit.forget_words(connection, before=before),
)


class Housekeeping:
    """The task that cleans."""

    def __init__(
        self,
        files: KeptFiles,
        clock: Clock,
        *,
        kept_s: float | None = None,
        prompts_kept_s: float | None = None,
    ) -> None:
        self._files = files
        self._kept_s = kept_s
        self._prompts_kept_s = prompts_kept_s
        self._clock = clock
        self._steady = SteadyClock(clock)
        self._cleaned: bool | None = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Clean the rows; files and everything later in the background."""
        self._cleaned = await _kindly(self._clean_rows)
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """End after the running cleaning, which takes moments."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def clean(self) -> None:
        """Remove uploads without a job, withheld pictures that nobody reviewed, expired quota uses
        of deleted jobs, expired log entries, blocks and pictures, and files without a row. Only the
        files while the clock can't be trusted (`bot.jobs.keep.steady`)."""
        if await self._clean_rows():
            await self._forget_old()
            await self._forget_requests()
        await self._files.sweep()
        if self._files.database.log_owed:
            await self._files.database.forget_log()

    async def _clean_rows(self) -> bool:
        """Returns False if the clock can't be trusted, in which case nothing was done."""
        now = self._clock.time()
        async with self._files.database.transaction() as connection:
            if not self._steady.believable(last=await _last_cleaned(connection, now=now)):
                _log.info("The clock jumped, or we were away: nothing old is removed for two hours")
                return False
            await notes.put(connection, key=_CLEANED, value=repr(now))
        for expire in _EXPIRING:
            await _kindly(partial(self._expire, expire, now))
        if self._prompts_kept_s is not None:
            for expire in _PROMPTS:
                await _kindly(partial(self._expire, expire, now - self._prompts_kept_s))
        return True

    async def _forget_requests(self) -> None:
        """Remove old requests without pictures, as `_forget_old` does."""
        while self._prompts_kept_s is not None and not self._stopping.is_set():
            async with self._files.database.transaction() as connection:
                removed, freed = await retention.forget_without_pictures(
                    connection,
                    before=self._clock.time() - self._prompts_kept_s,
                    limit=OLD_AT_ONCE,
                )
            await self._files.discard(freed)
            if removed < OLD_AT_ONCE:
                return

    async def _expire(self, expire: Expire, now: float) -> None:
        async with self._files.database.transaction() as connection:
            freed = await expire(connection, now)
        await self._files.discard(freed or [])

    async def _forget_old(self) -> None:
        """Remove expired pictures, a few at a time so that others can write in between."""
        if self._kept_s is None:
            return
        while not self._stopping.is_set():
            async with self._files.database.transaction() as connection:
                more, freed = await retention.forget_old(
                    connection, before=self._clock.time() - self._kept_s, limit=OLD_AT_ONCE
                )
            await self._files.discard(freed)
            if not more:
                return

    async def _run(self) -> None:
        if self._cleaned:
            await _kindly(self._forget_old)
            await _kindly(self._forget_requests)
        await _kindly(self._files.sweep)
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(HOUR_S):
                    await self._stopping.wait()
            except TimeoutError:
                await _kindly(self.clean)


async def _last_cleaned(connection: Connection, *, now: float) -> float | None:
    """When rows were last cleaned, or now if there is nothing yet that could be removed."""
    noted = await notes.get(connection, key=_CLEANED)
    if noted is None:
        return None if await jobs.any_stored(connection) else now
    return float(noted)


async def _kindly(clean: Callable[[], Awaitable[bool | None]]) -> bool | None:
    """Clean; what fails is tried again in an hour."""
    try:
        return await clean()
    except (StorageError, OSError) as error:
        _log.warning("Cleaning did not work: %s", error)
    except Exception:  # noqa: BLE001 - an unforeseen error must not end the cleaning
        _log.exception("Cleaning did not work")
    return False
