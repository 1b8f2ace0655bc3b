"""State folders as released versions left them; `tests/data/released/make.py` makes them."""

import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "data" / "released"
VERSIONS: Final = {"0.1": 12, "0.2": 14}
"""The versions of their databases."""

_TIMES: Final = {
    "jobs": ("accepted_at", "started_at", "ended_at", "delivered_at", "token_expires_at"),
    "pictures": ("made_at",),
    "quota_uses": ("used_at",),
    "gallery_entries": ("shared_at", "posted_at"),
    "gallery_posts": ("begun_at",),
}


def unpack(version: str, folder: Path, *, now: float | None = None) -> None:
    """The folder, as if its bot had been stopped a minute before `now`."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(FOLDER / f"state-{version}.zip") as archive:
        archive.extractall(folder)
    with closing(sqlite3.connect(folder / "ekaki.db")) as database, database:
        (newest,) = database.execute("SELECT max(accepted_at) FROM jobs").fetchone()
        shift = (time.time() if now is None else now) - 60 - newest
        for table, columns in _TIMES.items():
            for column in columns:
                database.execute(f"UPDATE {table} SET {column} = {column} + ?", (shift,))
