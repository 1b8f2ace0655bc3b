"""Removes old backups, and then the files that no backup needs any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.backup.folder import BackupFolder, Generation, remove_folder
from bot.backup.lora_files import clean_loras
from bot.backup.manifest import FOLDERS, MANIFEST, Manifest
from bot.backup.plain_files import about, is_plain_folder, sync_folder
from bot.backup.report import Report
from bot.common.failpoints import hit
from data.store.private import WRITING
from pipeline.errors import StorageError

_DAY_S: Final = 86_400.0

Needed: TypeAlias = dict[str, set[str]]
"""Hashes, by folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many of the newest backups are kept, and for how many days; 0: any number."""

    count: int = 0
    days: int = 0


def outdated(manifests: Sequence[Manifest], kept: Kept) -> list[Manifest]:
    """Those to remove, of backups in the order in which they were made. Never the newest.

    Age counts up to the backup before the newest: while the clock is wrong for the first time,
    nothing looks old.
    """
    newest = manifests[-1:]
    found = list(manifests[: -kept.count]) if kept.count else []
    if kept.days and len(manifests) > 1:
        oldest = manifests[-2].created - kept.days * _DAY_S
        found += [each for each in manifests if each.created < oldest and each not in found]
    return [each for each in found if each not in newest]


def prune(folder: BackupFolder, kept: Kept, report: Report) -> list[str]:
    """Remove what is outdated; returns the names. The caller holds the folder's lock.

    A backup loses its manifest first, so that one that is half removed does not count as complete.
    """
    complete = folder.contents().complete
    old = outdated([each.manifest for each in complete], kept)
    removed = [each for each in complete if each.manifest in old]
    for generation in removed:
        with about(generation.path):
            (generation.path / MANIFEST).unlink(missing_ok=True)
        sync_folder(generation.path)
        hit("prune_manifest_removed")
        remove_folder(generation.path)
        hit("prune_backup_removed")
        report.line(f"Removed {generation.name}.")
    _remove_unneeded(folder, report)
    return [generation.name for generation in removed]


def _remove_unneeded(folder: BackupFolder, report: Report) -> None:
    """Remove files that no backup lists, and partial ones. While any backup can't be read, nothing:
    the files may be its."""
    contents = folder.contents()
    if contents.damaged:
        report.line(f"{contents.damaged[0][0].name} can't be read, so no picture is removed.")
        return
    try:
        needed = needed_files(contents.complete)
        clean_loras(folder, contents.complete)
    except StorageError as error:
        if error.key != "backup_damaged":
            raise
        report.line("A list of pictures can't be read, so no picture is removed.")
        return
    for kind in FOLDERS:
        if is_plain_folder(folder.root / kind):
            _clean(folder, kind, needed[kind], report)


def needed_files(complete: Sequence[Generation]) -> Needed:
    """The files that any backup lists. Backups list nearly the same ones: each is kept once, and a
    backup's list only while it is read."""
    needed: Needed = {kind: set() for kind in FOLDERS}
    for generation in complete:
        for each in generation.read_listed():
            needed[each.folder].add(each.content_hash)
    return needed


def _clean(folder: BackupFolder, kind: str, needed: set[str], report: Report) -> None:
    files = folder.files(kind)
    groups = files.groups()
    for number, group in enumerate(groups, 1):
        report.step("Folders", number, len(groups))
        place = folder.root / kind / group
        if not is_plain_folder(place):
            continue
        with about(place):
            for left in place.glob(f"{WRITING}*"):
                left.unlink(missing_ok=True)
            for content_hash in files.hashes(group):
                if content_hash not in needed:
                    files.delete(content_hash)
                    hit("prune_picture_removed")
