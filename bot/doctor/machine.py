"""Checks of the machine and of the folders: Python, disk, database, vocabulary."""

import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Final

from bot.common.wording import gib, words
from bot.doctor.values import Check, fail, ok, warn
from data.store.database import DATABASE_NAME
from pipeline.errors import EkakiError

MIN_PYTHON: Final = (3, 11)
WARN_FREE_BYTES: Final = 2 * 1024**3  # about a thousand pictures of 1024x1024
FAIL_FREE_BYTES: Final = 100 * 1024**2


def check_python() -> Check:
    """Check that the interpreter is new enough."""
    found = sys.version.split()[0]
    if sys.version_info < MIN_PYTHON:
        return fail("Python", found, "Install Python 3.11 or later and make a new .venv with it.")
    return ok("Python", found)


def check_folder(name: str, folder: Path) -> Check:
    """Check that the folder exists or can be created, and can be written."""
    nearest = _existing(folder)
    if not nearest.is_dir():
        return fail(name, f"{nearest} is a file", f"Set {name} to a folder.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        fix = f"Give this user the right to write there, or set {name} to another folder."
        return fail(name, f"{nearest} can't be written", fix)
    return ok(name, f"{folder}" + ("" if folder.is_dir() else " (will be made)"))


def check_disk(folder: Path) -> Check:
    """Check that there is room for pictures."""
    free = shutil.disk_usage(_existing(folder)).free
    fix = "Free some space, or set DATA_DIR to another disk."
    if free < FAIL_FREE_BYTES:
        return fail("Disk", f"{gib(free)} free", fix)
    if free < WARN_FREE_BYTES:
        return warn("Disk", f"{gib(free)} free, enough for some hundred pictures", fix)
    return ok("Disk", f"{gib(free)} free")


def check_database(data_dir: Path) -> Check:
    """Check that the database can be opened and written, is intact, and is no newer than this code.

    Nothing is changed: a running bot of an older version may be using it.
    """
    from data.store.database import migrations

    path = data_dir / DATABASE_NAME
    if not path.exists():
        return ok("Database", "none yet, made at the first start")
    try:
        connection = sqlite3.connect(path, timeout=2, isolation_level=None)
        try:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            health = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as error:
        fix = "See that the disk has room, this user may write, and the file is from a backup."
        return fail("Database", f"{path}: {error}", fix)
    known = migrations()[-1][0]
    if health != "ok":
        return fail(
            "Database", f"damaged: {health}", "Restore the last backup: python -m bot restore DIR"
        )
    if found > known:
        fix = "Install the newer version of Ekaki again, or restore an older backup."
        return fail("Database", f"version {found}, this Ekaki knows {known}", fix)
    return ok("Database", f"{path}, version {found} of {known}, whole and writable")


def check_vocabulary(data_dir: Path) -> Check:
    """Check that the tags can be loaded."""
    from data.shipped.vocabularies import load_vocabulary

    try:
        load_vocabulary(data_dir)
    except EkakiError as error:
        return fail("Tags", words(error), "Import the list again: python -m bot tags import FILE")
    except (OSError, ValueError) as error:
        return fail("Tags", str(error), "Import the list again: python -m bot tags import FILE")
    return ok("Tags", "vocabulary loads")


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
