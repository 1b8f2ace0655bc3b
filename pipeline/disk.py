"""Explains an operating system's error about a file, with its path."""

import errno
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError

_MEANING: Final = {
    errno.ENOSPC: ("disk_full", "disk_full"),
    errno.EDQUOT: ("disk_full", "disk_full"),
    errno.EFBIG: ("disk_full", "file_too_large"),
    errno.EROFS: ("storage_read_only", "storage_read_only"),
    errno.EACCES: ("storage_read_only", "storage_read_only"),
    errno.EPERM: ("storage_read_only", "storage_read_only"),
    errno.ENOENT: ("disk_failing", "path_missing"),
    errno.ENOTDIR: ("disk_failing", "not_a_folder"),
    errno.EEXIST: ("disk_failing", "not_a_folder"),  # a file where a folder should be created
    errno.EISDIR: ("disk_failing", "is_a_folder"),
    errno.ENAMETOOLONG: ("disk_failing", "name_too_long"),
    errno.ELOOP: ("disk_failing", "path_missing"),
    errno.EMFILE: ("disk_failing", "too_many_files"),
    errno.ENFILE: ("disk_failing", "too_many_files"),
    errno.EIO: ("disk_failing", "disk_failing"),
}
"""The error's key, whose text people read, and the shell's text (`shell` in the catalogue), which
names the path and says what to do."""


def is_about_files(error: OSError) -> bool:
    """Whether `error` is one of those explained here. Connection errors are not."""
    return error.errno in _MEANING and not isinstance(error, ConnectionError)


def disk_error(error: OSError, path: Path | str) -> StorageError:
    """`error` as one of ours. `path`: where it happened, if the error does not know better."""
    key, shell = _MEANING.get(error.errno or 0, ("disk_failing", "disk_failing"))
    where = error.filename if isinstance(error.filename, str | Path) else path
    problem = error.strerror or str(error)
    return StorageError(key, path=str(where), shell=shell, problem=problem)


def has_size(path: Path, size: int) -> bool:
    """Whether there is a file of `size` bytes."""
    return path.is_file() and path.stat().st_size == size


def replace_json(
    path: Path, value: object, *, indent: int | None = None, sync: bool = False
) -> None:
    """Write `value` next to `path`, then replace it atomically. `sync`: it must survive a power
    cut. Raises OSError."""
    draft = path.with_name(f"{path.name}.part")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=indent)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def at(path: Path | str) -> Generator[None]:
    """Turn errors about files in the block, which works at `path`, into StorageError."""
    try:
        yield
    except OSError as error:
        if not is_about_files(error):
            raise
        raise disk_error(error, path) from error
