"""Deletions that a restored backup must not undo, in files beside the database.

A deletion is written here in its own transaction, before that is committed and confirmed to
anybody. The note TOMBSTONES of the database says up to which number it has carried them out, so a
copy of the database says itself which later ones it still needs, whatever the clocks said.
"""

import asyncio
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from data.store import notes
from data.store.connection import Connection
from data.store.damage import object_of
from data.store.private import make_folder, write_durably
from data.store.tombstone_lines import KEY_BYTES, Kind, Tombstone, Tombstones, read_tombstones
from pipeline.disk import disk_error
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

FOLDER_NAME: Final = "tombstones"  # in DATA_DIR, and in a folder of backups
NOTE: Final = "tombstones"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOut:
    """What a database has carried out: the last number, for each key by its id. `key_id`: where the
    next deletion is written; empty before the first."""

    key_id: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])

    def to_text(self) -> str:
        return json.dumps({"key": self.key_id, "numbers": dict(self.numbers)})

    @staticmethod
    def from_text(text: str) -> "CarriedOut":
        """Parse the note. One that can't be read has carried out nothing."""
        values = object_of(text)
        key, numbers = values.get("key"), values.get("numbers")
        known = cast("dict[object, object]", numbers) if isinstance(numbers, dict) else {}
        return CarriedOut(
            key_id=key if isinstance(key, str) else "",
            numbers={str(name): last for name, last in known.items() if isinstance(last, int)},
        )


async def carried_out(connection: Connection) -> CarriedOut:
    """What this database has carried out."""
    return CarriedOut.from_text(await notes.get(connection, key=NOTE) or "")


async def set_carried_out(connection: Connection, *, done: CarriedOut) -> None:
    """Record it."""
    await notes.put(connection, key=NOTE, value=done.to_text())


class TombstoneFiles:
    """The folder with one file for each key. `on_change` is called after each deletion, in the
    event loop and before its commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.on_change: list[Callable[[], None]] = []

    async def put_in(
        self, connection: Connection, kind: Kind, identifier: int | str, *, now: float
    ) -> None:
        """Write a deletion, as the last step of its transaction. StorageError: nothing may be
        deleted."""
        done = await carried_out(connection)
        key_id, number = await asyncio.to_thread(
            self._append, done.key_id, kind, identifier, now=now
        )
        numbers = {**done.numbers, key_id: number}
        await set_carried_out(connection, done=CarriedOut(key_id=key_id, numbers=numbers))
        for listener in self.on_change:
            listener()

    async def expire(self, *, before: float) -> None:
        """Remove those from `before` or earlier. Call it in a transaction, so that nobody adds one
        meanwhile."""
        await asyncio.to_thread(self._expire, before)

    def read(self) -> list[Tombstones]:
        """All files. StorageError `tombstones_damaged` if one can't be read."""
        return [self._read(path) for path in self._paths()]

    def merge(self, others: Iterable[Tombstones]) -> None:
        """Add those of other files. StorageError if that is not possible."""
        here = {each.key_id: each for each in self.read()}
        try:
            make_folder(self.folder)
            for other in others:
                merged = here.get(other.key_id, other).joined([other])
                if merged != here.get(other.key_id):
                    write_durably(self._path(other.key_id), merged.to_text().encode())
        except OSError as error:
            raise disk_error(error, self.folder) from error

    def _append(
        self, key_id: str, kind: Kind, identifier: int | str, *, now: float
    ) -> tuple[str, int]:
        try:
            stones = self._writable(key_id)
            number = stones.last + 1
            stone = Tombstone(
                number=number, at=int(now), kind=kind, digest=stones.digest(kind, identifier)
            )
            with self._path(stones.key_id).open("ab") as file:
                file.write(f"{stone}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(error, self.folder) from error
        return stones.key_id, number

    def _writable(self, key_id: str) -> Tombstones:
        """The file to append to, which ends with a whole line: that of `key_id`, else any, else a
        new one."""
        for path in sorted(self._paths(), key=lambda path: path.stem != key_id):
            try:
                text = path.read_bytes().decode()
                found = read_tombstones(text)
            except ValueError as error:
                _log.error("%s can't be read, so another file is begun: %s", path, error)
                continue
            if not text.endswith("\n"):  # cut off by a crash
                write_durably(path, found.to_text().encode())
            return found
        made = Tombstones(key=secrets.token_bytes(KEY_BYTES))
        make_folder(self.folder)
        write_durably(self._path(made.key_id), made.first_line().encode())
        return made

    def _expire(self, before: float) -> None:
        try:
            for path in self._paths():
                found = self._read(path)
                left = found.since(before)
                if left != found:
                    write_durably(path, left.to_text().encode())
        except OSError as error:
            raise disk_error(error, self.folder) from error

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.txt")) if self.folder.is_dir() else []

    def _path(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.txt"

    def _read(self, path: Path) -> Tombstones:
        try:
            return read_tombstones(path.read_bytes().decode())
        except OSError as error:
            raise disk_error(error, path) from error
        except ValueError as error:
            raise StorageError("tombstones_damaged", path=str(path), problem=str(error)) from error
