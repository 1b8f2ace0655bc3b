"""Whether the files that a process has open are still those at their paths.

Moving or replacing a folder under a running bot would otherwise go unnoticed: the open database
moves with the old folder, while pictures are written by path into the new one.
"""

import asyncio
import errno
import os
from pathlib import Path
from typing import Final, NoReturn

from pipeline.errors import StorageError

REPLACED: Final = "data_dir_replaced"
LOOK_EVERY_S: Final = 5.0

_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ELOOP})


class Place:
    """A watched path. While it is open, no other file can get its device and inode."""

    def __init__(self) -> None:
        self._held: dict[Path, tuple[int, int]] = {}

    def hold(self, path: Path) -> None:
        """Watch `path`, which was just opened. OSError if it no longer exists."""
        self._held[path] = identity(path)

    def check(self) -> None:
        """Raise StorageError `data_dir_replaced` if a watched path moved, in microseconds."""
        for path, known in self._held.items():
            try:
                found = identity(path)
            except OSError as error:
                if error.errno not in _GONE:
                    continue  # it can't be checked: code that writes there will get the error
                found = None
            if found != known:
                raise StorageError(REPLACED, path=str(path))

    async def watch(self) -> NoReturn:
        """Check repeatedly; raises as `check` does."""
        while True:
            self.check()
            await asyncio.sleep(LOOK_EVERY_S)


def identity(path: Path) -> tuple[int, int]:
    """Device and inode of `path`. Raises OSError."""
    found = os.stat(path)  # noqa: PTH116 - many times a second, and a Path is not made anew
    return found.st_dev, found.st_ino
