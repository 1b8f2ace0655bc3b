"""Before the first migration of a database a copy of it is made, to which one can go back.

    DATA_DIR/before-upgrade/0014.db     the database of version 14, as it was
    DATA_DIR/before-upgrade/unfinished  names the copy while its upgrade is not complete

An upgrade that was interrupted keeps the copy of its beginning: the database may be between two
versions by then.
"""

import logging
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.backup.making import MARGIN_BYTES
from bot.backup.plain_files import about, make_plain_folder, sync_file, sync_folder, write_file
from bot.common.failpoints import hit
from data.store import snapshot
from data.store.database import DATABASE_NAME, migrations
from data.store.private import WRITING
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

FOLDER: Final = "before-upgrade"
KEPT: Final = 2
"""Copies that are kept: that of this upgrade, and of the one before."""

REHEARSAL: Final = "rehearsal.db"
"""A copy on which `doctor` tries the upgrade."""

_UNFINISHED: Final = "unfinished"
_NAME: Final = re.compile(r"(\d{4})\.db", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A database of version `version`, copied at `made_at` (seconds since the epoch)."""

    path: Path
    version: int
    made_at: float
    size_bytes: int


def pending(database: Path) -> tuple[int, int] | None:
    """(version of the database, version that is needed) if it is to be migrated; None: there is no
    database, or nothing to do, or it is newer. StorageError if it can't be read."""
    if not database.is_file() or not database.stat().st_size:
        return None
    found, needed = snapshot.version_of(database), migrations()[-1][0]
    return (found, needed) if 0 < found < needed else None


def before_upgrade(data_dir: Path, *, copy: bool) -> None:
    """Copy the database if it is about to be migrated. The caller holds the folder's lock. With
    `copy` off none is made, and a warning says so.

    StorageError `upgrade_no_room`: nothing was changed.
    """
    database = data_dir / DATABASE_NAME
    versions = pending(database)
    if versions is None:
        return
    found, needed = versions
    _log.info("The database has version %d and is upgraded to %d", found, needed)
    begun = _begun(data_dir)
    if begun is not None and begun.version < found:
        _log.info("The upgrade was interrupted; the copy of its beginning is %s", begun.path)
        return
    if not copy:
        _log.warning("No copy is made before the upgrade, because UPGRADE_COPY is off")
        return
    folder = prepare_folder(data_dir)
    _demand_room(folder, database)
    _copy(database, folder / f"{found:04d}.db")
    _log.info("Copied to %s; `restore --before-upgrade` goes back", folder / f"{found:04d}.db")


def prepare_folder(data_dir: Path) -> Path:
    """The folder of the copies, created if needed. StorageError."""
    make_plain_folder(data_dir / FOLDER)
    return data_dir / FOLDER


def migrated(version: int, *, is_new: bool) -> None:
    """One migration is done. `is_new`: of a database that was just created, which is no news."""
    level = logging.DEBUG if is_new else logging.INFO
    _log.log(level, "The database was upgraded to version %d", version)
    hit("upgrade_migrated")


def after_upgrade(data_dir: Path) -> None:
    """The upgrade is complete: older copies go. Does nothing if there was none."""
    marker = data_dir / FOLDER / _UNFINISHED
    if not marker.exists():
        return
    begun = _begun(data_dir)
    with about(marker):
        marker.unlink()
    hit("upgrade_complete")
    newest = sorted(copies(data_dir), key=lambda each: (each == begun, each.made_at))
    remove(newest[:-KEPT])


def copies(data_dir: Path) -> list[Copy]:
    """All copies, by their version."""
    folder = data_dir / FOLDER
    found: list[Copy] = []
    for path in sorted(folder.glob("*.db")) if folder.is_dir() else []:
        name = _NAME.fullmatch(path.name)
        with suppress(FileNotFoundError):
            if name is not None and not path.is_symlink():
                stat = path.stat()
                found.append(
                    Copy(
                        path=path,
                        version=int(name[1]),
                        made_at=stat.st_mtime,
                        size_bytes=stat.st_size,
                    )
                )
    return found


def expire(data_dir: Path, *, before: float) -> None:
    """Remove copies that were made before `before` (seconds since the epoch), except of an upgrade
    that is not complete, and what a killed rehearsal left. StorageError."""
    remove(each for each in copies(data_dir) if each.made_at < before and each != _begun(data_dir))
    for path in (data_dir / FOLDER).glob(f"{REHEARSAL}*"):
        with about(path):
            path.unlink(missing_ok=True)


def remove(outdated: Iterable[Copy]) -> None:
    """Remove copies. StorageError."""
    for each in outdated:
        with about(each.path):
            each.path.unlink(missing_ok=True)


def _begun(data_dir: Path) -> Copy | None:
    """The copy of an upgrade that was not completed."""
    try:
        name = (data_dir / FOLDER / _UNFINISHED).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return next((each for each in copies(data_dir) if each.path.name == name), None)


def _demand_room(folder: Path, database: Path) -> None:
    """For the copy, and for the write-ahead log, which may become as large as the database."""
    needed = 2 * snapshot.size_of(database) + MARGIN_BYTES
    with about(folder):
        free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            "upgrade_no_room", path=str(folder), needed_bytes=needed, free_bytes=free
        )


def _copy(database: Path, target: Path) -> None:
    draft = target.with_name(f"{WRITING}{target.name}")
    with about(draft):
        draft.unlink(missing_ok=True)
    snapshot.copy_database(database, draft)
    problems = snapshot.problems_of(draft, quick=True)
    if problems:
        raise StorageError("upgrade_damaged", path=str(database), problem=problems[0])
    sync_file(draft)
    hit("upgrade_copied")
    with about(target):
        draft.replace(target)
    sync_folder(target.parent)
    hit("upgrade_copy_placed")
    write_file(target.with_name(_UNFINISHED), target.name.encode())
    sync_folder(target.parent)
    hit("upgrade_begun")
