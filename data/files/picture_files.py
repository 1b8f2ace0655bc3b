"""Picture files by content hash, written atomically.

All functions block on the disk: call them in a thread.
"""

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path

from data.store.private import WRITING, make_folder, write_durably
from pipeline.disk import disk_error
from pipeline.errors import StorageError

_HASH_LENGTH = 64
_GROUP_LENGTH = 2
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


def content_hash_of(png: bytes) -> str:
    """The hash under which a file is stored: its SHA-256 (hex)."""
    return hashlib.sha256(png).hexdigest()


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """The folder of picture files; a file is at `<first two digits>/<hash>.png`."""

    folder: Path

    def path(self, content_hash: str) -> Path:
        """The path of the file with this SHA-256 (hex), whether it exists or not."""
        if len(content_hash) != _HASH_LENGTH or not content_hash.isalnum():
            raise ValueError(f"not a content hash: {content_hash!r}")
        return self.folder / content_hash[:2] / f"{content_hash}.png"

    def write(self, png: bytes) -> str:
        """Store `png` durably (file and folder synced) and return its hash. Raises StorageError."""
        content_hash = content_hash_of(png)
        target = self.path(content_hash)
        try:
            make_folder(target.parent)
            write_durably(target, png)
        except OSError as error:
            raise disk_error(error, target) from error
        return content_hash

    def read(self, content_hash: str) -> bytes:
        """The bytes of a stored picture; StorageError, `picture_missing` if the file is missing."""
        path = self.path(content_hash)
        try:
            return path.read_bytes()
        except OSError as error:
            raise _unread(error, path) from error

    def size(self, content_hash: str) -> int:
        """The size of a stored picture in bytes; errors as `read`."""
        path = self.path(content_hash)
        try:
            return path.stat().st_size
        except OSError as error:
            raise _unread(error, path) from error

    def read_piece(self, content_hash: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`, none at the end; StorageError, `picture_missing` if the
        file is missing. No file stays open in between."""
        path = self.path(content_hash)
        try:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            raise _unread(error, path) from error

    def delete(self, content_hash: str) -> None:
        """Remove a file, if it exists."""
        self.path(content_hash).unlink(missing_ok=True)

    def groups(self) -> list[str]:
        """The first two digits of stored files."""
        if not self.folder.is_dir():
            return []
        names = (entry.name for entry in self.folder.iterdir() if entry.is_dir())
        return sorted(name for name in names if len(name) == _GROUP_LENGTH)

    def hashes(self, group: str) -> set[str]:
        """The hashes of the files in a group, which may be empty."""
        found = (path for path in (self.folder / group).glob("*.png"))
        return {path.stem for path in found if len(path.stem) == _HASH_LENGTH}

    def clean_group(self, group: str) -> set[str]:
        """The hashes of the files in a group. Removes partial files that a crash left: call it
        while nothing is being written."""
        hashes: set[str] = set()
        for path in (self.folder / group).iterdir():
            if path.name.startswith(WRITING):
                path.unlink(missing_ok=True)
            elif path.suffix == ".png" and len(path.stem) == _HASH_LENGTH:
                hashes.add(path.stem)
        return hashes


def _unread(error: OSError, path: Path) -> StorageError:
    """Only "not found" means that a file is missing: running out of file descriptors or a failing
    network disk says nothing about the file."""
    if error.errno in _GONE:
        return StorageError("picture_missing", file=path.name)
    return disk_error(error, path)
