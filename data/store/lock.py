"""One bot a data folder: a second one would draw and post every job again."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from data.store.place import identity
from data.store.private import make_file
from pipeline.disk import disk_error
from pipeline.errors import StorageError

LOCK_NAME = "running.lock"


@contextmanager
def only_one(folder: Path) -> Generator["Lock", None, None]:
    """Hold the folder; StorageError if another process does. Freed by the system on any death."""
    try:
        make_file(folder / LOCK_NAME)
        file = (folder / LOCK_NAME).open("a+")
    except OSError as error:
        raise disk_error(error, folder) from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            raise StorageError("already_running", path=str(folder)) from error
        lock = Lock(folder / LOCK_NAME, file)
        lock.write(str(os.getpid()))
        yield lock


def holder(folder: Path) -> int | None:
    """The process that holds the folder; None if nobody does."""
    try:
        file = (folder / LOCK_NAME).open("r+")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_error(error, folder) from error
    with file:
        try:
            _lock(file)  # given back at once, by closing
        except OSError:
            written = file.readline().strip()
            return int(written) if written.isdecimal() else None
    return None


def held_database(folder: Path) -> str | None:
    """What the holder of the folder wrote of its database (`describe`); None if it did not."""
    try:
        lines = (folder / LOCK_NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return lines[1] if len(lines) > 1 else None


def describe(database: Path) -> str:
    """A database by its place and identity. OSError if there is none."""
    device, inode = identity(database)
    return f"{device}:{inode} {database.resolve()}"


class Lock:
    """The lock that is held; its file tells other processes who holds it."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self.path = path
        self._file = file

    def tell_database(self, database: Path) -> None:
        """Write down which database is open. OSError."""
        self.write(f"{os.getpid()}\n{describe(database)}\n")

    def write(self, text: str) -> None:
        """Replace what stands in the file."""
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
