"""LoRAs in backups: their files are shared by hash, as pictures are; a list has their names.

Only a library inside DATA_DIR is backed up. Manifests are read first, then the weights that they
name, so that what is added or removed meanwhile is in the backup completely or not at all.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.backup.folder import BackupFolder, Generation
from bot.backup.manifest import ListedLora, Stored
from bot.backup.plain_files import (
    SourceError,
    WrongContentError,
    about,
    copy_file,
    is_plain_file,
    is_plain_folder,
    make_plain_folder,
    stored_as,
)
from bot.backup.report import Report
from bot.common.failpoints import hit
from bot.loras.scan import PREVIEWS, manifest_path, read_manifest
from data.store.private import WRITING
from pipeline.errors import StorageError
from pipeline.lora.files import adapter_path

FOLDER: Final = "loras"
"""In DATA_DIR, and in the folder of backups."""


def lora_path(root: Path, content_hash: str) -> Path:
    """A file in the folder of backups."""
    return root / FOLDER / content_hash[:2] / content_hash


def has_library(data_dir: Path) -> bool:
    """Whether there is a library that belongs to DATA_DIR, not one behind a link."""
    folder = data_dir / FOLDER
    return folder.is_dir() and not folder.is_symlink()


@dataclass(slots=True)
class CopiedLoras:
    """`listed`: the files of the backup. `lost`: how many LoRAs could not be copied whole.
    `changed`: folders to sync."""

    listed: list[ListedLora] = field(default_factory=list[ListedLora])
    lost: int = 0
    changed: set[Path] = field(default_factory=set[Path])


def copy_loras(data_dir: Path, folder: BackupFolder, report: Report) -> CopiedLoras:
    """Copy the library; files that are there already are not read again. StorageError."""
    source = data_dir / FOLDER
    copied = CopiedLoras()
    with about(source):
        names = sorted(path.stem for path in source.glob("*.json"))
    for number, name in enumerate(names, 1):
        report.step("LoRAs", number, len(names))
        try:
            copied.listed += _copy_lora(source, name, folder, copied)
        except (SourceError, WrongContentError, StorageError) as error:
            if not manifest_path(source, name).exists():  # removed meanwhile
                continue
            if isinstance(error, StorageError) and error.key != "lora_manifest":
                raise
            copied.lost += 1
            report.line(f"lost or damaged: {FOLDER}/{name}")
    copied.listed = sorted(set(copied.listed))
    return copied


def _copy_lora(
    source: Path, name: str, folder: BackupFolder, copied: CopiedLoras
) -> list[ListedLora]:
    digest = read_manifest(manifest_path(source, name)).adapter.sha256
    files = [manifest_path(source, name)]
    files += [source / (name + suffix) for suffix in PREVIEWS]
    stored = {path: stored_as(path) for path in files if is_plain_file(path)}
    weights = adapter_path(source, digest)
    known = lora_path(folder.root, digest)
    if is_plain_file(known) and is_plain_file(weights):
        size_bytes = known.stat().st_size
        if size_bytes == weights.stat().st_size:
            stored[weights] = Stored(sha256=digest, size_bytes=size_bytes)
    listed: list[ListedLora] = []
    for path in (weights, *files):
        if path == weights or path in stored:
            one = stored.get(path)
            listed.append(_copy(path, digest if one is None else one.sha256, folder, copied))
    return listed


def _copy(path: Path, sha256: str, folder: BackupFolder, copied: CopiedLoras) -> ListedLora:
    target = lora_path(folder.root, sha256)
    if not is_plain_file(target) or target.stat().st_size != path.stat().st_size:
        make_plain_folder(target.parent.parent)
        make_plain_folder(target.parent)
        copy_file(path, target, sha256=sha256)
        copied.changed |= {target.parent, target.parent.parent}
        hit("backup_lora_copied")
    return ListedLora(sha256, target.stat().st_size, path.name)


def size_of_new(data_dir: Path, root: Path) -> int:
    """At most so many bytes have to be copied."""
    paths = [path for path in (data_dir / FOLDER).iterdir() if path.is_file()]
    return sum(
        path.stat().st_size
        for path in paths
        if path.suffix != ".safetensors" or not lora_path(root, path.stem).exists()
    )


def keep_times(library: Path) -> None:
    """Give weights that were compared with their hashes the times that their manifests say, so that
    the bot need not compare them again at each start."""
    for path in library.glob("*.json"):
        try:
            stored = read_manifest(path).adapter
        except StorageError:
            continue
        weights = adapter_path(library, stored.sha256)
        with about(weights), suppress(FileNotFoundError):
            if stored.mtime_ns:
                os.utime(weights, ns=(stored.mtime_ns, stored.mtime_ns))


def clean_loras(folder: BackupFolder, complete: Sequence[Generation]) -> None:
    """Remove the files that no backup lists, and partial ones. StorageError, also if a list can't
    be read: then nothing is removed."""
    needed = {each.content_hash for generation in complete for each in generation.loras}
    if not is_plain_folder(folder.root / FOLDER):
        return
    with about(folder.root / FOLDER):
        for group in sorted((folder.root / FOLDER).iterdir()):
            if not is_plain_folder(group):
                continue
            for path in group.iterdir():
                if path.name.startswith(WRITING) or path.name not in needed:
                    path.unlink(missing_ok=True)
                    hit("prune_lora_removed")
