"""Checks backups completely: every checksum, and the database by SQLite's own checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.backup.folder import BackupFolder, Generation
from bot.backup.lora_files import lora_path
from bot.backup.manifest import Listed, ListedLora, Stored
from bot.backup.plain_files import SourceError, is_plain_file, stored_as
from bot.backup.report import Report
from data.store import snapshot
from pipeline.errors import StorageError


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of a backup, and what is wrong with it."""

    path: Path
    problem: str


def check(folder: BackupFolder, generations: Sequence[Generation], report: Report) -> list[Damage]:
    """What is wrong with these backups and with the pictures that they list, each read once."""
    found: list[Damage] = []
    pictures: set[Listed] = set()
    loras: set[ListedLora] = set()
    for generation in generations:
        report.line(f"Checking {generation.name}.")
        found += _check_files(generation)
        try:
            pictures |= set(generation.listed)
            loras |= set(generation.loras)
            found += _check_lists(generation)
        except StorageError as error:
            found.append(Damage(Path(str(error.data["path"])), str(error.data["problem"])))
    for number, listed in enumerate(sorted(pictures), 1):
        report.step("Pictures", number, len(pictures))
        path = folder.files(listed.folder).path(listed.content_hash)
        wanted = Stored(sha256=listed.content_hash, size_bytes=listed.size_bytes)
        found += _check_file(path, wanted)
    for content_hash, size_bytes in sorted(
        {(each.content_hash, each.size_bytes) for each in loras}
    ):
        wanted = Stored(sha256=content_hash, size_bytes=size_bytes)
        found += _check_file(lora_path(folder.root, content_hash), wanted)
    return found


def _check_files(generation: Generation) -> Iterator[Damage]:
    for name, wanted in sorted(generation.manifest.files.items()):
        yield from _check_file(generation.path / name, wanted)
    if not is_plain_file(generation.database):
        return
    for problem in snapshot.problems_of(generation.database):
        yield Damage(generation.database, problem)
    try:
        schema = snapshot.version_of(generation.database)
    except StorageError:
        return  # its damage is found already
    if schema != generation.manifest.schema:
        yield Damage(generation.database, f"has version {schema}, not what the manifest says")


def _check_lists(generation: Generation) -> Iterator[Damage]:
    """Whether each picture that the database names is listed, or named as missing."""
    known = {(each.folder, each.content_hash) for each in generation.listed}
    known |= {(each.folder, each.content_hash) for each in generation.missing}
    try:
        named = snapshot.files_named(generation.database)
    except StorageError:
        return
    for file in named:
        if (file.folder, file.content_hash) not in known:
            path = Path(file.folder, f"{file.content_hash}.png")
            yield Damage(path, f"is not in the lists of {generation.name}")


def _check_file(path: Path, wanted: Stored) -> Iterator[Damage]:
    try:
        if not is_plain_file(path):
            yield Damage(path, "is missing")
            return
        found = stored_as(path)
    except SourceError as error:
        yield Damage(path, f"can't be read: {error.error.strerror}")
        return
    if found.size_bytes != wanted.size_bytes:
        yield Damage(path, f"has {found.size_bytes} bytes, not {wanted.size_bytes}")
    elif found.sha256 != wanted.sha256:
        yield Damage(path, "does not match its checksum")
