"""Stored files are only for the user who runs the bot: files 0600, folders 0700, on POSIX.

An operator can give a group access by setting the setgid bit of DATA_DIR (`chmod 2750`): then
folders below get the group's permissions, and files those to read and write. Others never have
access. On Windows the folder's access list decides; nothing is done there.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_KEPT: Final = (
    "ekaki.db*", "running.lock", "pictures", "uploads", "withheld", "thumbnails", "tags*",
    "tombstones", "loras", "backup.lock", "restor*", "before-*",
)  # fmt: skip
"""Our files in DATA_DIR; everything else that an operator put there is left alone."""


_NO_RIGHTS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents. Raises OSError."""
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    restrict(folder)


def make_file(file: Path) -> None:
    """Create an empty file unless it exists. Raises OSError."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        restrict(file)


def restrict(path: Path) -> None:
    """Give our own file `path` the permissions of its folder. File systems without permissions
    (FAT, exFAT, some network drives) refuse: `too_open` reports those."""
    if os.name != "posix":
        return
    try:
        path.chmod(_wanted(path, path.parent.stat().st_mode))
    except OSError as error:
        if error.errno not in _NO_RIGHTS:
            raise


def too_open(data_dir: Path) -> list[Path]:
    """The paths in `data_dir` that others can read or change, the folder itself first."""
    if os.name != "posix" or not data_dir.is_dir():
        return []
    mode = data_dir.stat().st_mode
    found = [data_dir] if _is_wide(data_dir, mode) and not mode & stat.S_ISVTX else []
    return found + [path for path in _kept(data_dir) if _is_wide(path, mode)]


def tighten(data_dir: Path) -> list[Path]:
    """Remove the permissions of others; returns what could not be changed.

    A folder with the sticky bit is shared, like /tmp: only our files in it are changed.
    """
    failed: list[Path] = []
    for top in too_open(data_dir):
        inside = [] if top == data_dir or not top.is_dir() else list(top.rglob("*"))
        mode = data_dir.stat().st_mode
        for path in (top, *inside):
            try:
                path.chmod(_wanted(path, mode))
            except FileNotFoundError:
                continue
            except OSError:
                failed.append(path)
                break
    return failed


def _kept(data_dir: Path) -> Iterator[Path]:
    for pattern in _KEPT:
        yield from sorted(data_dir.glob(pattern))


def _is_wide(path: Path, data_dir_mode: int) -> bool:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return False
    return bool(mode & 0o077 & ~_wanted(path, data_dir_mode))


def _wanted(path: Path, folder_mode: int) -> int:
    shared = folder_mode & 0o070 if folder_mode & stat.S_ISGID else 0
    if path.is_dir():
        return 0o700 | shared | (stat.S_ISGID if shared else 0)
    return 0o600 | (shared & 0o060)


WRITING: Final = ".writing-"
"""The name prefix of partial files that a crash may leave."""


def write_durably(target: Path, content: bytes) -> None:
    """Write a file atomically, synced with its folder. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=WRITING)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        restrict(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # Windows can't open a folder for syncing
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
