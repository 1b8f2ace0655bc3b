"""Checks of automatic backups, and of states that a restore has set aside."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.backup.folder import BackupFolder
from bot.backup.swapping import set_aside
from bot.common.wording import words
from bot.config.settings import Settings
from bot.doctor.values import Check, fail, ok, warn
from data.store import backup_note
from data.store.backup_note import BackupNote
from data.store.database import DATABASE_NAME, RESTORE_JOURNAL
from pipeline.errors import StorageError

NAME: Final = "Backup"
_HOUR_S: Final = 3600.0


def check_backup(settings: Settings, *, now: float | None = None) -> Iterator[Check]:
    """Whether the last backup is as recent as it should be, and where it is."""
    now = time.time() if now is None else now
    if not settings.backup_dir:
        yield ok(NAME, "none is made automatically; see BACKUP_DIR")
    else:
        yield from _check_folder(settings, Path(settings.backup_dir), now)
    yield from _check_restores(settings.data_dir)


def _check_folder(settings: Settings, root: Path, now: float) -> Iterator[Check]:
    note = _note(settings.data_dir)
    if note.problem:
        fix = "The bot tries again every hour. python -m bot backup does it now and says more."
        yield fail(NAME, f"the last attempt: {note.problem}", fix)
    try:
        contents = BackupFolder.open(root).contents()
    except StorageError as error:
        if error.key == "backup_none" and note.made_at is None:
            yield ok(NAME, f"the first one will be made in {root}")
        else:
            yield fail(NAME, words(error), "See that its disk is mounted.")
        return
    if contents.damaged:
        fix = "python -m bot backup DIR --verify says more."
        yield warn(NAME, f"{contents.damaged[0][0].name} can't be read", fix)
    yield _check_age(settings, root, contents.complete[-1].manifest.created, now)
    if _is_same_disk(root, settings.data_dir):
        fix = "Choose a folder on another disk or machine: see docs/operations.md."
        yield warn(NAME, f"{root} is on the same disk as DATA_DIR", fix)


def _check_age(settings: Settings, root: Path, created: float, now: float) -> Check:
    hours = (now - created) / _HOUR_S
    found = f"the last one in {root} is {max(0.0, hours):.0f} hours old"
    every = settings.backup_every_hours
    if every and hours > 2 * every + 1:
        fix = f"One should be made every {every} hours: see that the bot runs, and its log."
        return warn(NAME, found, fix)
    return ok(NAME, found)


def _check_restores(data_dir: Path) -> Iterator[Check]:
    if (data_dir / RESTORE_JOURNAL).exists():
        fix = "Start the bot, or run python -m bot restore again: either finishes it."
        yield fail("Restore", "was interrupted", fix)
    aside = set_aside(data_dir)
    if aside:
        shown = ", ".join(path.name for path in aside)
        fix = "Delete them when you are sure: they have what people deleted since."
        yield warn("Restore", f"earlier states are kept in DATA_DIR: {shown}", fix)


def _note(data_dir: Path) -> BackupNote:
    try:
        return backup_note.read(data_dir / DATABASE_NAME)
    except sqlite3.Error:  # another check says what is wrong with it
        return BackupNote()


def _is_same_disk(root: Path, data_dir: Path) -> bool:
    try:
        return root.stat().st_dev == data_dir.stat().st_dev
    except OSError:
        return False
