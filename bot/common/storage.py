"""Compares the files on the disk with the database, with or without a running bot.

A file without a row was left by a crash, or is just being written and gets its row a moment later,
so only files that are an hour old count. A running bot may write the same content while one is
removed: the database is locked, no row may name the file, and the file is moved aside before its
age is checked again; a new one is put back.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from data.files import storage_counts
from data.files.picture_files import PictureFiles
from data.files.storage_counts import Counts
from data.files.thumbnails import Thumbnails
from data.jobs import jobs, pictures, uploads, withheld
from data.store.database import Database

GRACE_S: Final = 3600.0
_ASIDE: Final = ".cleaning-"
_GROUPS: Final = tuple(f"{number:02x}" for number in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What does not match. `without_row`: (folder, hash) of files; `without_file`: hashes that rows
    name; `copies`: thumbnails whose picture is gone."""

    without_row: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    without_file: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    copies: list[Path] = field(default_factory=list[Path])

    @property
    def clean(self) -> bool:
        """Whether everything is as it should be."""
        return not (self.without_row or self.without_file or self.copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Files and bytes of a folder."""

    files: int
    size_bytes: int


class Storage:
    """The folders in `data_dir` and their database."""

    def __init__(self, data_dir: Path, database: Database) -> None:
        self._database = database
        self._folders = {
            "pictures": PictureFiles(data_dir / "pictures"),
            "uploads": PictureFiles(data_dir / "uploads"),
            "withheld": PictureFiles(data_dir / "withheld"),
        }
        self._rows = {
            "pictures": pictures.hashes_from,
            "uploads": uploads.hashes_from,
            "withheld": withheld.hashes_from,
        }
        self._thumbnails = Thumbnails.under(data_dir)
        self._data_dir = data_dir

    async def check(self) -> Findings:
        """Check everything without changing anything."""
        findings = Findings()
        for name, folder in self._folders.items():
            async for group, files in _groups(folder):
                known = await self._database.read(self._rows[name], prefix=group)
                old = await asyncio.to_thread(_old, folder, files - known)
                findings.without_row.extend((name, each) for each in sorted(old))
                # Ignore rows whose file appeared between the two checks.
                gone = await asyncio.to_thread(_gone, folder, known - files)
                findings.without_file.extend((name, each) for each in sorted(gone))
        findings.copies.extend(await asyncio.to_thread(self._thumbnails.orphans))
        return findings

    async def clean(self) -> Findings:
        """Remove files without a row and thumbnails without a picture. Returns what was removed,
        and what can't be fixed: rows without a file.

        Removes nothing while the database has no jobs: it is new, perhaps because the old one was
        lost, and the files are all that is left of people's pictures.
        """
        async with self._database.reader() as connection:
            if not await jobs.any_stored(connection):
                return Findings()
        found = await self.check()
        for name, content_hash in list(found.without_row):
            if not await self._remove(name, content_hash):
                found.without_row.remove((name, content_hash))
        for path in found.copies:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return found

    async def _remove(self, name: str, content_hash: str) -> bool:
        path = self._folders[name].path(content_hash)
        # Take the writer's lock: no process can add a row until the file is gone.
        async with self._database.transaction() as connection:
            known = await self._rows[name](connection, prefix=content_hash)
            if known or await jobs.is_needed(connection, content_hash=content_hash):
                return False
            removed = await asyncio.to_thread(take_away, path)
        if removed and name == "pictures":
            await asyncio.to_thread(self._thumbnails.delete, content_hash)
        return removed

    async def stats(self) -> tuple[Counts, dict[str, Sizes]]:
        """Rows of the database, and files and bytes of each folder."""
        counts = await self._database.read(storage_counts.count)
        names = ("pictures", "uploads", "withheld", "thumbnails")
        sizes = {name: await asyncio.to_thread(_sizes, self._data_dir / name) for name in names}
        sizes["database"] = await asyncio.to_thread(_database_size, self._database.path)
        return counts, sizes


async def _groups(folder: PictureFiles) -> AsyncIterator[tuple[str, set[str]]]:
    for group in _GROUPS:
        yield group, await asyncio.to_thread(_hashes, folder, group)


def _hashes(folder: PictureFiles, group: str) -> set[str]:
    """Put back what an interrupted cleaning left aside, then list the files."""
    place = folder.folder / group
    if not place.is_dir():
        return set()
    for aside in place.glob(f"{_ASIDE}*.png"):
        _put_back(aside, aside.with_name(aside.name.removeprefix(_ASIDE)))
    return folder.hashes(group)


def _old(folder: PictureFiles, hashes: set[str]) -> set[str]:
    return {each for each in hashes if _is_old(folder.path(each))}


def _gone(folder: PictureFiles, hashes: set[str]) -> set[str]:
    return {each for each in hashes if not folder.path(each).exists()}


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > GRACE_S
    except FileNotFoundError:
        return False


def take_away(path: Path) -> bool:
    """Remove an old file, even if another process writes the same content at this moment."""
    if not _is_old(path):
        return False
    aside = path.with_name(_ASIDE + path.name)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    if not _is_old(aside):
        _put_back(aside, path)
        return False
    aside.unlink()
    return True


def _put_back(aside: Path, path: Path) -> None:
    """Unless another file with the same content is already there."""
    with suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()


def _sizes(folder: Path) -> Sizes:
    found = [path.stat().st_size for path in _files(folder)]
    return Sizes(files=len(found), size_bytes=sum(found))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*/*") if path.is_file()) if folder.is_dir() else iter(())


def _database_size(path: Path) -> Sizes:
    parts = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    found = [part.stat().st_size for part in parts if part.exists()]
    return Sizes(files=len(found), size_bytes=sum(found))
