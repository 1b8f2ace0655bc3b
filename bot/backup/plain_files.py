"""Reads and writes the files of a backup: symbolic links are refused, what is written is synced.

A backup may lie on a disk that others can write. A link in it must not make us read or overwrite
something elsewhere.
"""

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from bot.backup.manifest import Stored
from data.store.private import WRITING, make_folder, restrict
from pipeline.disk import disk_error
from pipeline.errors import StorageError

PIECE: Final = 1024 * 1024  # bytes read at a time
TEXT_BYTES: Final = 2**30  # the list of eight million pictures

_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_NOT_SYNCED: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES})
"""What mounted object storage answers when a folder is synced."""


class SourceError(Exception):
    """A file can't be read; `error` says why. Not raised for files that are written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class WrongContentError(Exception):
    """A file that was read has not the content that it should have."""


def is_plain_folder(path: Path) -> bool:
    """Whether there is a folder; a link to one is refused with StorageError `backup_link`."""
    return _is(path, stat.S_ISDIR)


def is_plain_file(path: Path) -> bool:
    """Whether there is a file; a link to one is refused with StorageError `backup_link`."""
    return _is(path, stat.S_ISREG)


def _is(path: Path, is_kind: Callable[[int], bool]) -> bool:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise disk_error(error, path) from error
    if stat.S_ISLNK(mode):
        raise StorageError("backup_link", path=str(path))
    return is_kind(mode)


@contextmanager
def reading(path: Path) -> Generator[Iterator[bytes]]:
    """Open a file that is no link, and read it piece by piece. SourceError if that is not
    possible."""
    with ExitStack() as stack:
        try:
            descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | _BINARY)
            file = stack.enter_context(os.fdopen(descriptor, "rb"))
            _demand_regular(descriptor, path)
        except OSError as error:
            raise SourceError(error) from error
        yield _pieces(file)


def _demand_regular(descriptor: int, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            piece = file.read(PIECE)
        except OSError as error:
            raise SourceError(error) from error
        if not piece:
            return
        yield piece


def stored_as(path: Path) -> Stored:
    """Size and checksum of a file. SourceError."""
    digest, size = hashlib.sha256(), 0
    with reading(path) as pieces:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
    return Stored(sha256=digest.hexdigest(), size_bytes=size)


def read_text(path: Path, *, limit_bytes: int = TEXT_BYTES) -> str:
    """A text file. SourceError, or ValueError if it is longer than `limit_bytes` or no UTF-8."""
    content = bytearray()
    with reading(path) as pieces:
        for piece in pieces:
            content += piece
            if len(content) > limit_bytes:
                raise ValueError(f"it is larger than {limit_bytes} bytes")
    return content.decode()


def copy_file(source: Path, target: Path, *, sha256: str | None = None) -> Stored:
    """Copy `source` to `target`, which it replaces in one step, synced except for its folder.

    SourceError if it can't be read, WrongContentError if its checksum is not `sha256`: `target`
    stays as it was. StorageError if it can't be written.
    """
    digest, size = hashlib.sha256(), 0
    with reading(source) as pieces, _written(target) as draft:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            draft.write(piece)
        if sha256 not in {None, digest.hexdigest()}:
            raise WrongContentError(str(source))
    return Stored(sha256=digest.hexdigest(), size_bytes=size)


def write_file(target: Path, content: bytes) -> Stored:
    """Write a file in one step, synced except for its folder. StorageError."""
    with _written(target) as draft:
        draft.write(content)
    return Stored(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


@contextmanager
def _written(target: Path) -> Generator[BinaryIO]:
    """A draft that becomes `target` at the end of the block, and vanishes if that raises. OSErrors
    in the block are the draft's."""
    with about(target):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=WRITING)
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            restrict(draft)
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


@contextmanager
def about(path: Path) -> Generator[None]:
    """Turn errors about files in the block into StorageError, with `path` unless they know it."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def make_plain_folder(folder: Path) -> None:
    """Create a folder, private like DATA_DIR. StorageError, also for a link."""
    if not is_plain_folder(folder):
        with about(folder):
            make_folder(folder)


def sync_file(path: Path) -> None:
    """Make a file that something else wrote durable. StorageError."""
    with about(path):
        descriptor = os.open(path, os.O_RDWR | _NO_FOLLOW | _BINARY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can. StorageError."""
    if os.name != "posix":
        return
    with about(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NOT_SYNCED:
                raise
        finally:
            os.close(descriptor)
