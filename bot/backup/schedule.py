"""Makes backups while the bot runs, and removes what is kept for BACKUP_DAYS only.

Nothing here stops the bot or anything that it does: what fails is logged, noted for `doctor` and
`/owner status`, and tried again.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bot.backup import upgrading
from bot.backup.folder import BackupFolder
from bot.backup.making import Made, make_backup
from bot.backup.pruning import Kept
from bot.backup.report import Report
from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.common.wording import words
from bot.common.work_thread import BrokenWorkError, WorkThread
from bot.config.settings import Settings
from bot.jobs.accept.limits import DAY_S, HOUR_S
from bot.jobs.keep.steady import SteadyClock
from data.store import backup_note
from data.store.backup_note import BackupNote
from data.store.database import Database
from data.store.tombstones import FOLDER_NAME, TombstoneFiles
from pipeline.errors import Cancelled, EkakiError, StorageError

_log = logging.getLogger(__name__)

THREAD_NAME: Final = "backup"
START_S: Final = 60.0  # after the start, so that it delays nobody
RETRY_S: Final = HOUR_S
PUBLISH_AGAIN_S: Final = 600.0
_TOGETHER_S: Final = 1.0  # deletions that come together are copied together
_PARTING_S: Final = 5.0


class Backups:
    """The tasks. `note`: how the last ones went."""

    def __init__(self, settings: Settings, *, database: Database, clock: Clock) -> None:
        self.root = Path(settings.backup_dir) if settings.backup_dir else None
        self.every_s = settings.backup_every_hours * HOUR_S if self.root is not None else 0.0
        self.note = BackupNote()
        self._data_dir = settings.data_dir
        self._kept = kept_of(settings)
        self._database = database
        self._clock = clock
        self._steady = SteadyClock(clock)
        self._thread = WorkThread(THREAD_NAME)
        self._stopping = asyncio.Event()
        self._deleted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def age_s(self) -> float | None:
        """How old the last automatic backup is; None if none are made, or none was made yet."""
        if not self.every_s or self.note.made_at is None:
            return None
        return max(0.0, self._clock.time() - self.note.made_at)

    async def start(self) -> None:
        """Begin. Without BACKUP_DIR only what is kept for BACKUP_DAYS is removed."""
        async with self._database.reader() as connection:
            self.note = await backup_note.get(connection)
        work = [self._tidy_hourly()]
        if self.root is not None:
            self._database.tombstones.on_change.append(self._deleted.set)
            work.append(self._publish_deletions(self.root))
        if self.root is not None and self.every_s:
            work.append(self._make_all(self.root))
        self._tasks = [asyncio.create_task(each, name="backups") for each in work]

    async def stop(self) -> None:
        """End. A backup that is being made is given up; the next one removes what it left."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not await self._thread.close(within_s=_PARTING_S):
            _log.warning("A backup does not end; it is left alone")

    async def make(self, root: Path) -> bool:
        """Make a backup now. False if that failed, which is logged and noted."""
        now = self._clock.time()
        try:
            made = await self._thread.call(partial(self._make, root, now))
        except Cancelled:
            return False
        except (EkakiError, OSError, BrokenWorkError) as error:
            problem = words(error) if isinstance(error, EkakiError) else str(error)
            _log.error("The backup failed: %s", problem)
            await self._write(replace(self.note, failed_at=now, problem=problem))
            return False
        _log.info("Backup %s: %d pictures, %d of them new", made.name, made.files, made.copied)
        lost = f"lost or damaged pictures: {made.lost}" if made.lost else ""
        failed_at = now if lost else None
        await self._write(
            BackupNote(made_at=now, name=made.name, failed_at=failed_at, problem=lost)
        )
        return True

    def _make(self, root: Path, now: float) -> Made:
        """Where there was a backup before, its folder must be there: an empty one is the place of a
        disk that is not mounted."""
        if self.note.name:
            BackupFolder.open(root)
        return make_backup(
            self._data_dir,
            root,
            now=now,
            version=version("ekaki"),
            kept=self._kept,
            report=Report(_log.info, stopped=self._stopping.is_set),
        )

    async def _write(self, note: BackupNote) -> None:
        try:
            await self._database.write(backup_note.put, note=note)
        except StorageError as error:
            _log.warning("How the backup went can't be noted: %s", error)
        self.note = note

    async def _make_all(self, root: Path) -> None:
        await asyncio.sleep(START_S)
        await asyncio.sleep(due_in_s(self.note, now=self._clock.time(), every_s=self.every_s))
        while True:
            made = await self._try(self.make(root))
            await asyncio.sleep(self.every_s if made else min(self.every_s, RETRY_S))

    async def _publish_deletions(self, root: Path) -> None:
        """Copy tombstones to the folder of backups soon: DATA_DIR may be lost before the next
        backup."""
        while True:
            await self._deleted.wait()
            await asyncio.sleep(_TOGETHER_S)
            self._deleted.clear()
            if not await self._try(self._publish(root)):
                await asyncio.sleep(PUBLISH_AGAIN_S)
                self._deleted.set()

    async def _publish(self, root: Path) -> bool:
        await self._thread.call(partial(publish, self._data_dir, root))
        return True

    async def _tidy_hourly(self) -> None:
        while True:
            await asyncio.sleep(HOUR_S)
            await self._try(self.tidy())

    async def tidy(self) -> bool:
        """Remove what is older than BACKUP_DAYS: tombstones, copies from before upgrades. Nothing
        while the clock can't be trusted. Returns whether anything could be removed."""
        if not self._kept.days or not self._steady.believable(last=None):
            return False
        before = self._clock.time() - self._kept.days * DAY_S
        async with self._database.transaction():
            await self._database.tombstones.expire(before=before)
        await asyncio.to_thread(upgrading.expire, self._data_dir, before=before)
        return True

    async def _try(self, work: Awaitable[bool]) -> bool:
        try:
            return await work
        except (EkakiError, OSError) as error:
            _log.warning("Not done now, and tried again: %s", error)
        except Exception:  # noqa: BLE001 - an unforeseen error must not end the task
            _log.exception("Not done now, and tried again")
        return False


def kept_of(settings: Settings) -> Kept:
    """What BACKUP_KEEP and BACKUP_DAYS say."""
    return Kept(count=settings.backup_keep, days=settings.backup_days)


def due_in_s(note: BackupNote, *, now: float, every_s: float) -> float:
    """When the next backup is due. After a failure, and if there was none yet: at once. If the last
    one seems to be in the future, the clock was set back since."""
    if note.made_at is None or (note.failed_at or note.made_at) > note.made_at:
        return 0.0
    return min(max(0.0, note.made_at + every_s - now), every_s)


def publish(data_dir: Path, root: Path) -> None:
    """Copy tombstones to a folder that has backups; there is nothing to do if it has none.
    StorageError, as while a backup is being made there."""
    try:
        folder = BackupFolder.open(root)
    except StorageError as error:
        if error.key == "backup_none":
            return
        raise
    with folder.locked():
        TombstoneFiles(root / FOLDER_NAME).merge(TombstoneFiles(data_dir / FOLDER_NAME).read())
    hit("tombstones_published")
