"""Puts another state in the place of the one in DATA_DIR, completely or not at all.

The new state is made in `DATA_DIR/restoring`. Then a journal is written; from there on each of its
files is moved into its place, and what was there into a folder `before-restore-TIME`. Whoever finds
the journal carries it on to its end: a moved file is not moved again, so that may be interrupted at
any point. All of it is inside DATA_DIR, because DATA_DIR itself may be a mounted disk, and the
folder around it may belong to somebody else.
"""

import json
import logging
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from bot.backup.folder import remove_folder
from bot.backup.manifest import FOLDERS
from bot.backup.plain_files import about, make_plain_folder, sync_folder
from bot.common.failpoints import hit
from data.files.picture_files import PictureFiles
from data.store import snapshot
from data.store.database import DATABASE_NAME, RESTORE_JOURNAL
from data.store.private import make_folder, write_durably
from data.store.tombstones import FOLDER_NAME
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

RESTORING: Final = "restoring"
BEFORE: Final = "before-restore-"

DATABASE_FILES: Final = (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm")
STATE: Final = (
    *DATABASE_FILES, "pictures", "uploads", "withheld", "tags.csv", FOLDER_NAME, "loras"
)  # fmt: skip
"""Everything that a backup replaces (LoRAs only if it has a library). What else is in DATA_DIR
stays, like `hosts_token`."""

_KNOWN: Final = frozenset(STATE)
_ASIDE: Final = re.compile(rf"{BEFORE}\d{{8}}T\d{{6}}Z(?:-\d{{1,6}})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """`new`: names to move from `restoring`; `old`: names to move aside first, to the folder
    `aside`. `unnamed_files`: whether files that the new database does not name go there, too."""

    new: tuple[str, ...]
    old: tuple[str, ...]
    aside: str
    unnamed_files: bool = False

    @staticmethod
    def from_json(text: str) -> "Journal":
        """Parse it. ValueError."""
        values: Any = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("no object")  # noqa: TRY004 - it is about the text
        found = cast("dict[str, Any]", values)
        aside = found.get("aside")
        if not isinstance(aside, str) or not _ASIDE.fullmatch(aside):
            raise ValueError("an unknown folder")
        return Journal(
            new=_names(found.get("new")),
            old=_names(found.get("old")),
            aside=aside,
            unnamed_files=found.get("unnamed_files") is True,
        )


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not set(cast("list[Any]", value)) <= _KNOWN:
        raise ValueError("an unknown name")
    return tuple(cast("list[str]", value))


def begin(data_dir: Path) -> Path:
    """An empty folder for the new state."""
    folder = data_dir / RESTORING
    if folder.exists():
        remove_folder(folder)
    make_plain_folder(folder)
    return folder


def swap(
    data_dir: Path, *, replaced: tuple[str, ...], now: float, unnamed_files: bool = False
) -> Path:
    """Put what was made in `restoring` into its place, and what it replaces aside; returns the
    folder with that, which does not exist if nothing was there. `replaced`: the names of STATE that
    belong to the new state or vanish. `unnamed_files`: see Journal."""
    for folder in [path for path in (data_dir / RESTORING).rglob("*") if path.is_dir()]:
        sync_folder(folder)
    sync_folder(data_dir / RESTORING)
    aside = _aside(data_dir, now)
    journal = Journal(
        new=tuple(name for name in replaced if (data_dir / RESTORING / name).exists()),
        old=tuple(name for name in replaced if (data_dir / name).exists()),
        aside=aside.name,
        unnamed_files=unnamed_files,
    )
    hit("restore_journal_begun")
    with about(data_dir):
        write_durably(data_dir / RESTORE_JOURNAL, json.dumps(asdict(journal)).encode())
    hit("restore_journal_written")
    finish(data_dir)
    return aside


def finish(data_dir: Path) -> str:
    """Carry on a restore that was interrupted, or remove what it left before it replaced anything.
    Returns what was done, in a sentence; empty if there was nothing. The caller holds the folder's
    lock. StorageError if that is not possible."""
    path = data_dir / RESTORE_JOURNAL
    if not path.exists():
        if (data_dir / RESTORING).is_dir():
            remove_folder(data_dir / RESTORING)
            return "A restore was interrupted before it replaced anything; its files were removed."
        return ""
    try:
        journal = Journal.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError("restore_journal", path=str(path), problem=str(error)) from error
    _move(data_dir, journal)
    hit("restore_moved")
    if journal.unnamed_files:
        _move_unnamed(data_dir, data_dir / journal.aside)
    with about(data_dir), suppress(FileNotFoundError):
        remove_folder(data_dir / RESTORING)
    aside = data_dir / journal.aside
    with suppress(OSError):  # it is not empty, unless this folder was
        aside.rmdir()
    with about(path):
        path.unlink()
    sync_folder(data_dir)
    was_there = f"; what was there before is in {aside.name}" if aside.exists() else ""
    return f"A restore was finished{was_there}."


def _move(data_dir: Path, journal: Journal) -> None:
    aside, restoring = data_dir / journal.aside, data_dir / RESTORING
    make_plain_folder(aside)
    with about(data_dir):
        for name in journal.old:
            # Once the new one is in its place, or nothing is to come, this was done before.
            is_due = (restoring / name).exists() if name in journal.new else True
            if is_due and (data_dir / name).exists() and not (aside / name).exists():
                (data_dir / name).rename(aside / name)
                hit("restore_moved_aside")
        sync_folder(aside)
        for name in journal.new:
            if (restoring / name).exists():
                (restoring / name).rename(data_dir / name)
                hit("restore_moved_in")
    sync_folder(data_dir)


def _move_unnamed(data_dir: Path, aside: Path) -> None:
    """The bot would remove files without a row at its next start."""
    named = {
        (file.folder, file.content_hash) for file in snapshot.files_named(data_dir / DATABASE_NAME)
    }
    for kind in FOLDERS:
        here, there = PictureFiles(data_dir / kind), PictureFiles(aside / kind)
        for group in here.groups():
            for content_hash in here.hashes(group):
                if (kind, content_hash) not in named:
                    target = there.path(content_hash)
                    with about(target):
                        make_folder(target.parent)
                        here.path(content_hash).rename(target)
                    hit("going_back_file_moved")


def _aside(data_dir: Path, now: float) -> Path:
    name = BEFORE + datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    path, count = data_dir / name, 1
    while path.exists():
        count += 1
        path = data_dir / f"{name}-{count}"
    return path


def set_aside(data_dir: Path) -> list[Path]:
    """The folders with earlier states, oldest first by their names."""
    return sorted(path for path in data_dir.glob(f"{BEFORE}*") if _ASIDE.fullmatch(path.name))
