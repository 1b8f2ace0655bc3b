"""Whether what a process has open is still what lies at its path.

A folder that is moved or replaced under a running bot goes unnoticed otherwise: the open database
goes along with the old one, while pictures are written by path into the new one.
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
    """What is held. While it is open it keeps its device and inode, and nothing else gets them."""

    def __init__(self) -> None:
        self._held: dict[Path, tuple[int, int]] = {}

    def hold(self, path: Path) -> None:
        """Watch over `path`, which was opened just now. OSError if it is gone already."""
        self._held[path] = identity(path)

    def check(self) -> None:
        """StorageError `data_dir_replaced` if anything held lies elsewhere now. Microseconds."""
        for path, known in self._held.items():
            try:
                found = identity(path)
            except OSError as error:
                if error.errno not in _GONE:
                    continue  # it can't be looked at: whoever writes there will be told why
                found = None
            if found != known:
                raise StorageError(REPLACED, path=str(path))

    async def watch(self) -> NoReturn:
        """Look again and again; raises as `check` does."""
        while True:
            self.check()
            await asyncio.sleep(LOOK_EVERY_S)


def identity(path: Path) -> tuple[int, int]:
    """Device and inode of what lies at `path`. OSError."""
    found = os.stat(path)  # noqa: PTH116 - many times a second, and a Path is not made anew
    return found.st_dev, found.st_ino
