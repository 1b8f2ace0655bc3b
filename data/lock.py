"""One bot a data folder: a second one would draw and post every job again."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.errors import StorageError

LOCK_NAME = "running.lock"


@contextmanager
def only_one(folder: Path) -> Generator[None, None, None]:
    """Hold the folder; StorageError if another process does. Freed by the system on any death."""
    try:
        file = (folder / LOCK_NAME).open("a+")
    except OSError as error:
        raise StorageError("storage_read_only", path=str(folder)) from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            raise StorageError("already_running", path=str(folder)) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(folder: Path) -> int | None:
    """The process that holds the folder; None if nobody does."""
    try:
        file = (folder / LOCK_NAME).open("r+")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError("storage_read_only", path=str(folder)) from error
    with file:
        try:
            _lock(file)  # given back at once, by closing
        except OSError:
            written = file.read()
            return int(written) if written.isdecimal() else None
    return None


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
