"""Opens what the bot stores: an interrupted restore is finished, and an earlier database copied."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bot.backup.swapping import finish
from bot.backup.upgrading import after_upgrade, before_upgrade, migrated
from bot.config.settings import Settings
from data.store.database import DATABASE_NAME, Database
from data.store.private import make_folder, tighten
from pipeline.disk import disk_error

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_database(settings: Settings, *, locked: bool) -> AsyncGenerator[Database, None]:
    """Open the database. Only the bot that holds the lock migrates an earlier one, after copying
    it. StorageError."""
    path = settings.data_dir / DATABASE_NAME
    if locked:
        await asyncio.to_thread(before_upgrade, settings.data_dir, copy=settings.upgrade_copy)
    is_new = not await asyncio.to_thread(path.exists)
    opened = Database.open(
        path,
        migrate="all" if locked else "new",
        migrated=partial(migrated, is_new=is_new),
    )
    async with opened as database:
        if locked:
            await asyncio.to_thread(after_upgrade, settings.data_dir)
        yield database


async def finish_restore(folder: Path) -> None:
    """Carry on a restore that was interrupted. StorageError if that is not possible."""
    finished = await asyncio.to_thread(finish, folder)
    if finished:
        _log.warning("%s", finished)


def prepare_folder(folder: Path) -> None:
    """Create the data folder for this user only. StorageError if that fails."""
    try:
        make_folder(folder)
    except OSError as error:
        raise disk_error(error, folder) from error
    for path in tighten(folder):
        _log.warning("Others on this machine may read %s, and its rights can't be changed", path)
