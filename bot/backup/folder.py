"""The folder of backups: what is in it, which of it is complete, and who works there.

DIR/ekaki-backup.json       says that this is ours, so that we never delete in another folder
DIR/pictures/ab/HASH.png    files by their hash, shared by all backups; also uploads, withheld
DIR/loras/ab/HASH           the same for LoRAs
DIR/20261130T111406Z/       one backup: the database, its lists, and manifest.json, written last
"""

import json
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

from bot.backup.manifest import (
    DATABASE,
    FOLDERS,
    LORAS,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MISSING,
    PICTURES,
    Listed,
    ListedLora,
    Manifest,
    Missing,
    read_list,
    read_loras,
    read_missing,
)
from bot.backup.plain_files import (
    SourceError,
    about,
    is_plain_file,
    is_plain_folder,
    make_plain_folder,
    read_text,
    sync_folder,
    write_file,
)
from data.files.picture_files import PictureFiles
from data.store.lock import alone
from data.store.private import WRITING
from data.store.tombstones import FOLDER_NAME
from pipeline.errors import StorageError

MARK: Final = "ekaki-backup.json"
LOCK: Final = "backup.lock"

T = TypeVar("T")

_OURS: Final = (LOCK, WRITING, "lost+found")
"""What may be in a folder before it has its mark; a new disk has the last of these."""

_NAME: Final = re.compile(r"\d{8}T\d{6}Z(?:-\d{1,6})?", re.ASCII)


@dataclass(frozen=True)
class Generation:
    """A complete backup."""

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    @cached_property
    def listed(self) -> list[Listed]:
        """As `read_listed`, kept from then on."""
        return self.read_listed()

    def read_listed(self) -> list[Listed]:
        """Its pictures. StorageError `backup_damaged` if the list can't be read."""
        return _read(self.path / PICTURES, read_list)

    @cached_property
    def loras(self) -> list[ListedLora]:
        """The files of its LoRAs; none if it has no library. StorageError `backup_damaged` if the
        list can't be read."""
        return _read(self.path / LORAS, read_loras) if self.has_loras else []

    @property
    def has_loras(self) -> bool:
        """Whether there was a library of LoRAs, which may have been empty."""
        return LORAS in self.manifest.files

    @cached_property
    def missing(self) -> list[Missing]:
        """What it lacks. StorageError `backup_damaged` if the list can't be read."""
        return _read(self.path / MISSING, read_missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """`complete`: in the order in which they were made. `incomplete`: without a manifest, left by a
    crash. `damaged`: folders whose manifest can't be read, with what is wrong."""

    complete: list[Generation]
    incomplete: list[Path]
    damaged: list[tuple[Path, str]]


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """The folder `root`, which may itself be a link. Everything blocks on the disk."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "BackupFolder":
        """The folder, created if needed. StorageError `backup_foreign` if it has something else in
        it: backups are deleted by age, so they get a folder of their own."""
        with about(root):
            make_plain_folder(root.resolve())
            if not is_plain_file(root / MARK):
                if any(not each.name.startswith(_OURS) for each in root.iterdir()):
                    raise StorageError("backup_foreign", path=str(root))
                write_file(root / MARK, json.dumps({"format": 1}).encode())
                sync_folder(root)
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> "BackupFolder":
        """A folder that has backups. StorageError `backup_none` or `backup_link`."""
        if not root.is_dir() or not is_plain_file(root / MARK):
            raise StorageError("backup_none", path=str(root))
        folder = cls(root)
        for kind in (*FOLDERS, "loras"):
            if is_plain_folder(root / kind):
                with about(root / kind):
                    for group in (root / kind).iterdir():
                        is_plain_folder(group)
        if is_plain_folder(root / FOLDER_NAME):
            for path in (root / FOLDER_NAME).iterdir():
                is_plain_file(path)
        return folder

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep others from changing the folder. StorageError `backup_busy`."""
        with alone(self.root / LOCK, "backup_busy"):
            yield

    def files(self, kind: str) -> PictureFiles:
        """The shared files of one of FOLDERS."""
        return PictureFiles(self.root / kind)

    def contents(self) -> Contents:
        """All backups. StorageError `backup_link` if one is a link."""
        found = Contents(complete=[], incomplete=[], damaged=[])
        with about(self.root):
            names = sorted(each.name for each in self.root.iterdir())
        for path in (self.root / name for name in names if _NAME.fullmatch(name)):
            if not is_plain_folder(path):
                continue
            if not is_plain_file(path / MANIFEST):
                found.incomplete.append(path)
                continue
            try:
                text = read_text(path / MANIFEST, limit_bytes=MAX_MANIFEST_BYTES)
                found.complete.append(Generation(path, Manifest.from_json(text)))
            except SourceError as error:
                found.damaged.append((path, str(error.error.strerror)))
            except ValueError as error:
                found.damaged.append((path, str(error)))
        found.complete.sort(key=lambda each: (each.manifest.number, each.name))
        return found

    def newest(self, name: str | None = None) -> Generation:
        """The newest complete backup, or the one with this name. StorageError `backup_none` or
        `backup_unknown`."""
        complete = self.contents().complete
        if name is not None:
            complete = [each for each in complete if each.name == name]
            if not complete:
                raise StorageError("backup_unknown", name=name[:40], path=str(self.root))
        if not complete:
            raise StorageError("backup_none", path=str(self.root))
        return complete[-1]

    def begin(self, now: float) -> Path:
        """Create the folder of a new backup, named by the time."""
        name = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        path, count = self.root / name, 1
        while path.exists() or path.is_symlink():
            count += 1
            path = self.root / f"{name}-{count}"
        make_plain_folder(path)
        return path


def remove_folder(path: Path) -> None:
    """Remove a folder with what is in it; of links only the links. StorageError."""
    with about(path):
        shutil.rmtree(path)


def _read(path: Path, parse: Callable[[str], list[T]]) -> list[T]:
    try:
        return parse(read_text(path))
    except SourceError as error:
        problem = str(error.error.strerror)
    except ValueError as error:
        problem = str(error)
    raise StorageError("backup_damaged", path=str(path), problem=problem)
