"""Restores a backup: checks all of it, makes the new state beside the old one, swaps the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.backup import swapping
from bot.backup.checking import check
from bot.backup.folder import BackupFolder, Generation
from bot.backup.lora_files import FOLDER as LORAS
from bot.backup.lora_files import keep_times, lora_path
from bot.backup.making import demand_room
from bot.backup.manifest import DATABASE, FOLDERS, TAGS
from bot.backup.plain_files import (
    SourceError,
    WrongContentError,
    copy_file,
    make_plain_folder,
    sync_file,
)
from bot.backup.report import Report
from bot.backup.reviving import Revived, revive
from bot.common.failpoints import hit
from data.files.picture_files import PictureFiles
from data.store import snapshot
from data.store.database import DATABASE_NAME, Database, migrations
from data.store.tombstone_lines import Tombstones
from data.store.tombstones import FOLDER_NAME, TombstoneFiles
from pipeline.errors import StorageError

_NAMED: Final = 3  # damages in an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """`aside`: where the state before is now; None if there was none. `files`: pictures and uploads
    in the new state."""

    name: str
    aside: Path | None
    files: int
    missing: int
    revived: Revived


async def restore_backup(
    data_dir: Path,
    folder: BackupFolder,
    generation: Generation,
    *,
    now: float,
    insist: bool = False,
    report: Report | None = None,
) -> Restored:
    """Replace what is in `data_dir` by a backup. The caller holds the lock of `data_dir`, which
    exists. Blocks the event loop: nothing else runs in this process.

    StorageError or RefusedError: what was there is untouched. `insist`: see `revive`.
    """
    report = report or Report()
    _demand_known(generation)
    _demand_intact(folder, generation, report)
    stones = _all_stones(data_dir, folder.root, insist=insist)
    new = swapping.begin(data_dir)
    demand_room(data_dir, _size_of(generation))
    hit("restore_begun")
    _copy(folder, generation, new, report)
    hit("restore_copied")
    made_at = generation.manifest.created
    async with Database.open(new / DATABASE_NAME) as database:
        revived = await revive(database, stones, made_at=made_at, now=now, insist=insist)
    sync_file(new / DATABASE_NAME)
    hit("restore_revived")
    files = _remove_unneeded(new)
    TombstoneFiles(new / FOLDER_NAME).merge(stones)
    report.line("Putting it into its place.")
    replaced = tuple(name for name in swapping.STATE if name != LORAS or generation.has_loras)
    aside = swapping.swap(data_dir, replaced=replaced, now=now)
    hit("restore_complete")
    return Restored(
        name=generation.name,
        aside=aside if aside.exists() else None,
        files=files,
        missing=len(generation.missing),
        revived=revived,
    )


def _demand_known(generation: Generation) -> None:
    """StorageError `backup_newer` for a backup of a later version of Ekaki."""
    known = migrations()[-1][0]
    if generation.manifest.schema > known:
        raise StorageError(
            "backup_newer",
            name=generation.name,
            ekaki=generation.manifest.ekaki,
            found=generation.manifest.schema,
            known=known,
        )


def _demand_intact(folder: BackupFolder, generation: Generation, report: Report) -> None:
    damages = check(folder, [generation], report)
    if damages:
        problem = "; ".join(f"{each.path.name} {each.problem}" for each in damages[:_NAMED])
        more = f" ({len(damages) - _NAMED:,} more)" if len(damages) > _NAMED else ""
        raise StorageError("backup_damaged", path=str(generation.path), problem=problem + more)


def _all_stones(data_dir: Path, root: Path, *, insist: bool) -> list[Tombstones]:
    """The deletions that are known here and in the folder of backups, each once. With `insist`
    without those that can't be read."""
    found: dict[str, Tombstones] = {}
    for place in (data_dir, root):
        try:
            stones = TombstoneFiles(place / FOLDER_NAME).read()
        except StorageError:
            if not insist:
                raise
            continue
        for each in stones:
            found[each.key_id] = found.get(each.key_id, each).joined([each])
    return list(found.values())


def _size_of(generation: Generation) -> int:
    files = sum(file.size_bytes for file in generation.manifest.files.values())
    files += sum(listed.size_bytes for listed in generation.loras)
    return files + sum(listed.size_bytes for listed in generation.listed)


def _copy(folder: BackupFolder, generation: Generation, new: Path, report: Report) -> None:
    """Everything is compared with its checksum once more."""
    for name, target in ((DATABASE, DATABASE_NAME), (TAGS, TAGS)):
        if name in generation.manifest.files:
            wanted = generation.manifest.files[name].sha256
            _copy_one(generation.path / name, new / target, wanted)
    for kind in FOLDERS:
        make_plain_folder(new / kind)
    total = len(generation.listed)
    for number, listed in enumerate(generation.listed, 1):
        report.step("Pictures", number, total)
        source = folder.files(listed.folder).path(listed.content_hash)
        target = PictureFiles(new / listed.folder).path(listed.content_hash)
        make_plain_folder(target.parent)
        _copy_one(source, target, listed.content_hash)
        hit("restore_picture_copied")
    if generation.has_loras:
        make_plain_folder(new / LORAS)
    for lora in generation.loras:
        source = lora_path(folder.root, lora.content_hash)
        _copy_one(source, new / LORAS / lora.name, lora.content_hash)
        hit("restore_lora_copied")
    keep_times(new / LORAS)


def _copy_one(source: Path, target: Path, sha256: str) -> None:
    try:
        copy_file(source, target, sha256=sha256)
    except SourceError as error:
        problem = str(error.error.strerror)
    except WrongContentError:
        problem = "it does not match its checksum"
    else:
        return
    raise StorageError("backup_damaged", path=str(source), problem=problem)


def _remove_unneeded(new: Path) -> int:
    """Remove the files whose rows were just deleted. Returns how many are left."""
    named = {(file.folder, file.content_hash) for file in _named(new)}
    left = 0
    for kind in FOLDERS:
        files = PictureFiles(new / kind)
        for group in files.groups():
            for content_hash in files.hashes(group):
                if (kind, content_hash) in named:
                    left += 1
                else:
                    files.delete(content_hash)
    return left


def _named(new: Path) -> Sequence[snapshot.NamedFile]:
    return snapshot.files_named(new / DATABASE_NAME)
