"""One bot per data folder: a second one would draw and post every job again."""

import errno
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from data.store.place import identity
from data.store.private import make_file
from pipeline.disk import disk_error
from pipeline.errors import StorageError

LOCK_NAME = "running.lock"

_NO_LOCKS: Final = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL})


@contextmanager
def only_one(folder: Path) -> Generator["Lock", None, None]:
    """Lock the folder; StorageError if another process holds it. Released if the process dies."""
    path = folder / LOCK_NAME
    descriptors: list[int] = []
    system = _system_lock(path, descriptors.append)
    try:
        make_file(path)
        system.acquire()
    except Timeout as error:
        raise StorageError("already_running", path=str(folder)) from error
    except OSError as error:
        raise disk_error(error, folder) from error
    try:
        lock = Lock(path, descriptors[0])
        lock.write(str(os.getpid()))
        yield lock
    finally:
        system.release()


@contextmanager
def alone(path: Path, key: str) -> Generator[None, None, None]:
    """Lock the file at `path`, created if needed; StorageError `key` if another process has it.

    Where a file system has no locks (some that are mounted over a network), nothing is locked.
    """
    system = _system_lock(path)
    try:
        make_file(path)
        system.acquire()
    except Timeout as error:
        raise StorageError(key, path=str(path.parent)) from error
    except NotImplementedError:
        pass
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise disk_error(error, path) from error
    try:
        yield
    finally:
        system.release()


def holder(folder: Path) -> int | None:
    """The process that holds the folder; None if nobody does."""
    path = folder / LOCK_NAME
    try:
        if not path.exists():
            return None
        with _system_lock(path):
            return None
    except Timeout:
        written = _lines(path)[:1]
        return int(written[0]) if written and written[0].isdecimal() else None
    except OSError as error:
        raise disk_error(error, folder) from error


def held_database(folder: Path) -> str | None:
    """What the holder of the folder wrote about its database (`describe`); None if it did not."""
    lines = _lines(folder / LOCK_NAME)
    return lines[1] if len(lines) > 1 else None


def describe(database: Path) -> str:
    """A database by its path and identity. OSError if there is none."""
    device, inode = identity(database)
    return f"{device}:{inode} {database.resolve()}"


class Lock:
    """The held lock; its file tells other processes who holds it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def tell_database(self, database: Path) -> None:
        """Record which database is open. Raises OSError."""
        self.write(f"{os.getpid()}\n{describe(database)}\n")

    def write(self, text: str) -> None:
        """Replace the content of the file. Raises OSError."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text.encode())


def _system_lock(path: Path, on_acquired: Callable[[int], None] | None = None) -> FileLock:
    """The system's lock on a file, without waiting for it or removing the file afterwards.

    `on_acquired` gets the locked descriptor: Windows allows writing only through that one.
    """
    return FileLock(
        path, timeout=0, thread_local=False, preserve_lock_file=True, on_acquired=on_acquired
    )


def _lines(path: Path) -> list[str]:
    """What the holder wrote; empty if that can't be read."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
