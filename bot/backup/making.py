"""Makes a backup beside a running bot, or without one.

The database is copied first, then the pictures that the copy names: each of those was stored before
its row, so it is there, unless it was deleted in between; and a picture that comes later is not
needed. The manifest is written last: a backup without one is incomplete, and removed by the next.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot.backup.folder import LOCK, BackupFolder, remove_folder
from bot.backup.lora_files import CopiedLoras, copy_loras, has_library, size_of_new
from bot.backup.manifest import (
    DATABASE,
    LORAS,
    MANIFEST,
    MISSING,
    PICTURES,
    TAGS,
    Listed,
    Manifest,
    Missing,
    Stored,
    Why,
    list_text,
    loras_text,
    missing_text,
)
from bot.backup.plain_files import (
    SourceError,
    WrongContentError,
    about,
    copy_file,
    is_plain_file,
    make_plain_folder,
    stored_as,
    sync_file,
    sync_folder,
    write_file,
)
from bot.backup.pruning import Kept, prune
from bot.backup.report import Report
from bot.common.failpoints import hit
from data.files.picture_files import PictureFiles
from data.store import snapshot
from data.store.database import DATABASE_NAME, demand_restored, migrations
from data.store.lock import alone
from data.store.snapshot import NamedFile
from data.store.tombstones import FOLDER_NAME, TombstoneFiles
from pipeline.errors import StorageError

MARGIN_BYTES: Final = 64 * 2**20
"""Room that is left free on the disk of the backups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made: `files` pictures belong to the backup, `copied` of them and `copied_bytes`
    were new. `missing`: what the database names and the backup lacks. `removed`: older backups."""

    name: str
    number: int
    files: int
    copied: int
    copied_bytes: int
    database_bytes: int
    missing: tuple[Missing, ...]
    removed: tuple[str, ...]
    loras_lost: int = 0

    @property
    def lost(self) -> int:
        """How many pictures and LoRAs are missing for another reason than that they were just
        deleted."""
        return sum(each.why != "deleted" for each in self.missing) + self.loras_lost


def make_backup(
    data_dir: Path,
    root: Path,
    *,
    now: float,
    version: str,
    kept: Kept | None = None,
    report: Report | None = None,
) -> Made:
    """Back up `data_dir` to `root` and, with `kept`, remove older backups. `now`: seconds since the
    epoch. Blocks for as long as copying takes: call it in a thread, or in a process of its own.

    StorageError: nothing was made, and what is incomplete is removed the next time. Raises what
    `report` raises.
    """
    report = report or Report()
    demand_restored(data_dir)
    if not (data_dir / DATABASE_NAME).is_file():
        raise StorageError("nothing_stored", path=str(data_dir))
    if root.resolve().is_relative_to(data_dir.resolve()):
        raise StorageError("backup_inside", path=str(root), data_dir=str(data_dir))
    with alone(data_dir / LOCK, "backup_busy"):
        folder = BackupFolder.make(root)
        with folder.locked():
            for path in folder.contents().incomplete:
                report.line(f"Removing {path.name}, which was never finished.")
                remove_folder(path)
            making = _Making(data_dir, folder, report)
            made = making.make(now=now, version=version)
            if kept is None:
                return made
            return replace(made, removed=tuple(prune(folder, kept, report)))


class _Making:
    """One backup."""

    def __init__(self, data_dir: Path, folder: BackupFolder, report: Report) -> None:
        self._data_dir = data_dir
        self._source = data_dir / DATABASE_NAME
        self._folder = folder
        self._report = report
        self._copied = 0
        self._copied_bytes = 0
        self._changed: set[Path] = set()

    def make(self, *, now: float, version: str) -> Made:
        complete = self._folder.contents().complete
        number = complete[-1].manifest.number + 1 if complete else 1
        others = self._join_tombstones()
        demand_room(self._folder.root, snapshot.size_of(self._source))
        path = self._folder.begin(now)
        hit("backup_begun")
        schema = self._copy_database(path / DATABASE)
        snapshot.add_numbers(path / DATABASE, others)
        sync_file(path / DATABASE)
        hit("backup_database_copied")
        listed, missing = self._copy_pictures(snapshot.files_named(path / DATABASE))
        hit("backup_pictures_copied")
        files = {
            DATABASE: _stored(path / DATABASE),
            PICTURES: write_file(path / PICTURES, list_text(listed).encode()),
            MISSING: write_file(path / MISSING, missing_text(missing).encode()),
        }
        loras = self._copy_loras()
        if loras is not None:
            files[LORAS] = write_file(path / LORAS, loras_text(loras.listed).encode())
        if is_plain_file(self._data_dir / TAGS):
            files[TAGS] = copy_file(self._data_dir / TAGS, path / TAGS)
        manifest = Manifest(ekaki=version, schema=schema, number=number, created=now, files=files)
        for changed in (*self._changed, path, self._folder.root):
            sync_folder(changed)
        hit("backup_manifest_begun")
        write_file(path / MANIFEST, manifest.to_json().encode())
        sync_folder(path)
        hit("backup_complete")
        return Made(
            name=path.name,
            number=number,
            files=len(listed),
            copied=self._copied,
            copied_bytes=self._copied_bytes,
            database_bytes=files[DATABASE].size_bytes,
            missing=tuple(missing),
            removed=(),
            loras_lost=0 if loras is None else loras.lost,
        )

    def _copy_database(self, target: Path) -> int:
        """Returns its schema. A damaged database gives no backup, so that none that is good has to
        go for it."""

        def copied(done: int, total: int) -> None:
            # Many megabytes at once would make every other program that syncs wait, the bot too.
            sync_file(target)
            self._report.step("Pages", done, total)

        snapshot.copy_database(self._source, target, copied)
        schema = snapshot.version_of(target)
        known = migrations()[-1][0]
        if schema > known:
            raise StorageError("database_newer", path=str(self._source), found=schema, known=known)
        problems = snapshot.problems_of(target, quick=True)
        if problems:
            raise StorageError("backup_source", path=str(self._source), problem=problems[0])
        snapshot.remove_secrets(target)
        return schema

    def _copy_loras(self) -> CopiedLoras | None:
        """None without a library."""
        if not has_library(self._data_dir):
            return None
        demand_room(self._folder.root, size_of_new(self._data_dir, self._folder.root))
        copied = copy_loras(self._data_dir, self._folder, self._report)
        self._changed |= copied.changed
        hit("backup_loras_copied")
        return copied

    def _join_tombstones(self) -> dict[str, int]:
        """Copy what was deleted to the folder of backups. Returns the last number of each file that
        was there already: what they say of another database is older than this one."""
        there = TombstoneFiles(self._folder.root / FOLDER_NAME)
        known = {each.key_id: each.last for each in there.read()}
        there.merge(TombstoneFiles(self._data_dir / FOLDER_NAME).read())
        hit("backup_tombstones_copied")
        return known

    def _copy_pictures(self, named: list[NamedFile]) -> tuple[list[Listed], list[Missing]]:
        self._demand_room_for(named)
        listed: list[Listed] = []
        absent: list[tuple[NamedFile, Why]] = []
        for number, file in enumerate(named, 1):
            self._report.step("Pictures", number, len(named))
            found = self._copy_picture(file)
            if isinstance(found, int):
                listed.append(Listed(file.folder, file.content_hash, found))
            else:
                absent.append((file, found))
        return listed, self._reasons(absent)

    def _copy_picture(self, file: NamedFile) -> int | Why:
        """Its size, or why there is none. One that is there with the size of the original is not
        read again."""
        source = PictureFiles(self._data_dir / file.folder).path(file.content_hash)
        target = self._folder.files(file.folder).path(file.content_hash)
        there = _size(target)
        if there is not None and _size(source) in {None, there}:
            return there
        try:
            make_plain_folder(target.parent.parent)
            make_plain_folder(target.parent)
            stored = copy_file(source, target, sha256=file.content_hash)
        except (WrongContentError, SourceError) as error:
            if there is not None and stored_as(target).sha256 == file.content_hash:
                return there
            return _why(error)
        self._changed |= {target.parent, target.parent.parent}
        self._copied += 1
        self._copied_bytes += stored.size_bytes
        hit("backup_picture_copied")
        return stored.size_bytes

    def _reasons(self, absent: list[tuple[NamedFile, Why]]) -> list[Missing]:
        """What the running bot has deleted meanwhile is not lost."""
        left = snapshot.are_named(self._source, [file for file, _ in absent])
        found: list[Missing] = []
        for file, why in absent:
            reason: Why = why if file in left or why != "lost" else "deleted"
            found.append(Missing(file.folder, file.content_hash, reason))
            if reason != "deleted":
                self._report.line(f"{reason}: {file.folder}/{file.content_hash}.png")
        return found

    def _demand_room_for(self, named: list[NamedFile]) -> None:
        needed = 0
        for file in named:
            if _size(self._folder.files(file.folder).path(file.content_hash)) is None:
                source = PictureFiles(self._data_dir / file.folder).path(file.content_hash)
                needed += _size(source) or 0
        demand_room(self._folder.root, needed)


def demand_room(folder: Path, needed_bytes: int) -> None:
    """StorageError `backup_no_room` if the disk of `folder` has less free, beside MARGIN_BYTES.
    What a mounted object storage says about itself is not asked: it has no size."""
    with about(folder):
        usage = shutil.disk_usage(folder)
    if usage.total and usage.free < needed_bytes + MARGIN_BYTES:
        raise StorageError(
            "backup_no_room",
            path=str(folder),
            needed_bytes=needed_bytes + MARGIN_BYTES,
            free_bytes=usage.free,
        )


def _why(error: WrongContentError | SourceError) -> Why:
    if isinstance(error, WrongContentError):
        return "damaged"
    return "lost" if isinstance(error.error, FileNotFoundError) else "unreadable"


def _size(path: Path) -> int | None:
    """The size of a file; None if there is none. StorageError for a link in its place."""
    if not is_plain_file(path):
        return None
    with about(path):
        return path.stat().st_size


def _stored(path: Path) -> Stored:
    try:
        return stored_as(path)
    except SourceError as error:
        with about(path):
            raise error.error from error
