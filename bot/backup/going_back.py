"""Goes back to the database before an upgrade, for the version of Ekaki that was there before."""

from collections.abc import Sequence
from pathlib import Path

from bot.backup import swapping
from bot.backup.making import demand_room
from bot.backup.plain_files import copy_file, sync_file
from bot.backup.restoring import Restored
from bot.backup.reviving import OLDEST, revive
from bot.backup.upgrading import Copy, copies
from bot.common.failpoints import hit
from data.store import snapshot
from data.store.database import DATABASE_NAME, Database
from data.store.tombstones import FOLDER_NAME, TombstoneFiles
from pipeline.errors import RefusedError, StorageError


def chosen(data_dir: Path, version: int | None) -> Copy:
    """The latest copy, or the one of this version of the database. StorageError `copy_none`;
    RefusedError `copy_too_old`."""
    found: Sequence[Copy] = copies(data_dir)
    if version is not None:
        found = [each for each in found if each.version == version]
    if not found:
        raise StorageError("copy_none", path=str(data_dir))
    latest = max(found, key=lambda each: each.made_at)
    if latest.version < OLDEST:
        raise RefusedError("copy_too_old", path=str(latest.path), found=latest.version)
    return latest


async def go_back(data_dir: Path, copy: Copy, *, now: float, insist: bool = False) -> Restored:
    """Put a copy in the place of the database, in its own version, as `restore_backup` does.
    Pictures that it does not name are set aside together with the database that does."""
    problems = snapshot.problems_of(copy.path)
    if problems:
        raise StorageError("backup_damaged", path=str(copy.path), problem=problems[0])
    stones = TombstoneFiles(data_dir / FOLDER_NAME).read()
    new = swapping.begin(data_dir)
    demand_room(data_dir, copy.size_bytes)
    copy_file(copy.path, new / DATABASE_NAME)
    hit("going_back_copied")
    async with Database.open(new / DATABASE_NAME, migrate="none") as database:
        revived = await revive(database, stones, made_at=copy.made_at, now=now, insist=insist)
    sync_file(new / DATABASE_NAME)
    aside = swapping.swap(data_dir, replaced=swapping.DATABASE_FILES, now=now, unnamed_files=True)
    return Restored(
        name=copy.path.name,
        aside=aside if aside.exists() else None,
        files=len(snapshot.files_named(data_dir / DATABASE_NAME)),
        missing=0,
        revived=revived,
    )
