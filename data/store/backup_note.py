"""The note about automatic backups: the last one, and what went wrong since."""

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.store import notes
from data.store.connection import Connection
from data.store.damage import object_of

_KEY = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupNote:
    """`made_at`, `name`: of the last backup; None and empty before the first. `failed_at`,
    `problem`: of the last attempt, if that failed. Times: seconds since the epoch."""

    made_at: float | None = None
    name: str = ""
    failed_at: float | None = None
    problem: str = ""

    @staticmethod
    def from_text(text: str) -> "BackupNote":
        """Parse it; what can't be read is missing."""
        values = object_of(text)
        return BackupNote(
            made_at=_time(values.get("made_at")),
            name=str(values.get("name") or ""),
            failed_at=_time(values.get("failed_at")),
            problem=str(values.get("problem") or ""),
        )


def _time(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


async def get(connection: Connection) -> BackupNote:
    """The note."""
    return BackupNote.from_text(await notes.get(connection, key=_KEY) or "")


async def put(connection: Connection, *, note: BackupNote) -> None:
    """Replace the note."""
    await notes.put(connection, key=_KEY, value=json.dumps(asdict(note)))


def read(database: Path) -> BackupNote:
    """The note in a database that the bot may be using. Raises sqlite3.Error."""
    address = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=2)) as connection:
        row = connection.execute("SELECT value FROM notes WHERE key = ?", (_KEY,)).fetchone()
    return BackupNote.from_text(str(row[0]) if row else "")
