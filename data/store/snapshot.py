"""Copies of the whole database as it is at one moment, while others write to it.

Everything here blocks on the disk: call it in a thread, or in a process of its own.
"""

import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data.store.connection import tolerant_text
from data.store.database import storage_errors
from data.store.private import make_file
from data.store.tombstones import NOTE, CarriedOut
from pipeline.errors import StorageError

PAGES: Final = 1024
"""Pages of one step, 4 MiB with SQLite's usual page: some milliseconds, between which a copy can be
stopped."""

Copied = Callable[[int, int], None]
"""Called after each step with (pages copied, pages). What it raises ends the copy."""

_FOLDERS: Final = (
    ("pictures", "SELECT content_hash FROM pictures"),
    ("uploads", "SELECT content_hash FROM uploads"),
    ("withheld", "SELECT content_hash FROM withheld WHERE content_hash IS NOT NULL"),
)
"""Folders of DATA_DIR, and what their files are named after. Files that only open jobs start from
are left out: those jobs end with a restore."""


_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class NamedFile:
    """A file that a row of the database names: the folder in DATA_DIR, and its SHA-256 (hex)."""

    folder: str
    content_hash: str


def size_of(database: Path) -> int:
    """The bytes that a copy takes. StorageError if the database can't be read."""
    with storage_errors(database), _reading(database) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(page_bytes)


def version_of(database: Path) -> int:
    """The number of the last migration. StorageError if the database can't be read."""
    with storage_errors(database), _reading(database) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def copy_database(source: Path, target: Path, copied: Copied = lambda _, __: None) -> None:
    """Copy the database of a running bot into the new file `target`, which is not synced yet.

    The read transaction that is open meanwhile keeps the copy to one moment. In WAL mode it makes
    no writer wait; without it SQLite starts the copy again after each commit of somebody else.
    StorageError names the one of the two that failed.
    """
    make_file(target)
    with (
        _copy_errors(source, target),
        _reading(source) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        # The caller syncs the file, and one that was not copied to its end is never used.
        writing.execute("PRAGMA synchronous = OFF")
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM sqlite_schema").fetchall()
        reading.backup(
            writing, pages=PAGES, progress=lambda _, left, total: copied(total - left, total)
        )
        # One file, without a write-ahead log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def changing(database: Path) -> Generator[sqlite3.Connection]:
    """A copy that nobody else uses, in one transaction; what is deleted is overwritten."""
    with (
        storage_errors(database),
        closing(sqlite3.connect(database, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")


def remove_secrets(database: Path) -> None:
    """Remove from a copy what can act for the bot or for a person: tokens of interactions, who is
    signed in on the web page, and links to paint on it."""
    with changing(database) as connection:
        connection.execute(
            "UPDATE jobs SET interaction_token = NULL WHERE interaction_token IS NOT NULL"
        )
        for table in ("web_sessions", "paint_links"):
            if _exists(connection, table):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - ours


def add_numbers(database: Path, others: Mapping[str, int]) -> None:
    """Let a copy know how far files of tombstones reach that are not its own: they are about an
    earlier database that was backed up to the same folder."""
    with changing(database) as connection:
        row = connection.execute("SELECT value FROM notes WHERE key = ?", (NOTE,)).fetchone()
        done = CarriedOut.from_text(str(row[0]) if row else "")
        missing = {key: last for key, last in others.items() if key not in done.numbers}
        if missing:
            known = CarriedOut(key_id=done.key_id, numbers={**done.numbers, **missing})
            connection.execute(
                "INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", (NOTE, known.to_text())
            )


def files_named(database: Path) -> list[NamedFile]:
    """The files that belong to a database of any version, each once, in order."""
    found: set[NamedFile] = set()
    with storage_errors(database), _reading(database) as connection:
        for folder, query in _FOLDERS:
            if _exists(connection, folder):
                found |= {NamedFile(folder, str(row[0])) for row in connection.execute(query)}
    return sorted(file for file in found if _HASH.fullmatch(file.content_hash))


def are_named(database: Path, files: list[NamedFile]) -> set[NamedFile]:
    """Those of `files` that the database still names."""
    queries = dict(_FOLDERS)
    found: set[NamedFile] = set()
    with storage_errors(database), _reading(database) as connection:
        for file in files:
            query = f"SELECT 1 FROM ({queries[file.folder]}) WHERE content_hash = ?"  # noqa: S608
            if connection.execute(query, (file.content_hash,)).fetchone() is not None:
                found.add(file)
    return found


def problems_of(database: Path, *, quick: bool = False) -> list[str]:
    """What SQLite's own checks say about a file that nobody writes to; `quick` leaves out whether
    indexes and foreign keys fit their tables."""
    try:
        with _unchanging(database) as connection:
            return list(_problems(connection, quick=quick))
    except sqlite3.DatabaseError as error:
        return [str(error)]


def _problems(connection: sqlite3.Connection, *, quick: bool) -> Iterator[str]:
    check = "quick_check" if quick else "integrity_check"
    yield from (str(row[0]) for row in connection.execute(f"PRAGMA {check}(5)") if row[0] != "ok")
    if not quick:
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} refers to a row of {parent} that is missing"


def _exists(connection: sqlite3.Connection, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return found is not None


@contextmanager
def _reading(database: Path) -> Generator[sqlite3.Connection]:
    """A connection that changes nothing. StorageError if there is no file."""
    if not database.is_file():
        raise StorageError("database_cannot_open", path=str(database))
    address = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.text_factory = tolerant_text
        yield connection


@contextmanager
def _copy_errors(source: Path, target: Path) -> Generator[None]:
    """Errors of SQLite while it copies: only the target can be full."""
    with storage_errors(source):
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise StorageError("disk_full", path=str(target)) from error
            raise


@contextmanager
def _unchanging(database: Path) -> Generator[sqlite3.Connection]:
    """The same without locks or a log, for a file on a disk that can't be written."""
    address = f"{database.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        yield connection
