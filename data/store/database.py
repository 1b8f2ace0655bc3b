"""SQLite in WAL mode: one writer behind `transaction()`, a few readers behind `reader()`.

aiosqlite gives each connection its own thread and serialises its calls, so a slow search on a
reader never delays an acknowledgement on the writer.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeAlias, TypeVar

from data.store.connection import Connection, tolerant_text
from data.store.place import Place
from data.store.private import make_file
from data.store.tombstones import FOLDER_NAME, TombstoneFiles
from pipeline.disk import disk_error
from pipeline.errors import InputError, StorageError

P = ParamSpec("P")
T = TypeVar("T")
Query: TypeAlias = Callable[Concatenate[Connection, P], Awaitable[T]]
"""A function of `data` that queries a connection."""

DATABASE_NAME = "ekaki.db"  # in DATA_DIR
RESTORE_JOURNAL = "restore.json"
"""Beside the database while a restore replaces it (`bot.backup.swapping`)."""
BUSY_TIMEOUT_S = 5.0

Migrate = Literal["all", "new", "none"]
"""Which databases are migrated when they are opened. `new`: only one that was just created; an
earlier one is refused, because the bot makes a copy of it first."""

READERS = 2
_LOG_PAUSES_S = (0.05, 0.2, 0.5, 1.0)

_MIGRATION_NAME = re.compile(r"(\d{4})_\w+\.sql")


def migrations() -> list[tuple[int, str]]:
    """All migrations as (version, SQL), in order."""
    found: list[tuple[int, str]] = []
    for entry in (files("data") / "migrations").iterdir():
        match = _MIGRATION_NAME.fullmatch(entry.name)
        if match:
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)


@contextmanager
def storage_errors(path: Path) -> Generator[None, None, None]:
    """Turn SQLite errors that an operator can fix into StorageError, and a number beyond its 64
    bits into InputError; others pass."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        for prefix, key in (
            ("SQLITE_BUSY", "database_locked"),
            ("SQLITE_LOCKED", "database_locked"),
            ("SQLITE_FULL", "disk_full"),
            ("SQLITE_READONLY", "storage_read_only"),
            ("SQLITE_CANTOPEN", "database_cannot_open"),
            ("SQLITE_NOTADB", "database_damaged"),
            ("SQLITE_CORRUPT", "database_damaged"),
            ("SQLITE_IOERR_SHMSIZE", "disk_full"),
            ("SQLITE_IOERR", "disk_failing"),
        ):
            if name.startswith(prefix):
                raise StorageError(key, path=str(path)) from error
        raise
    except OverflowError as error:
        # Numbers from outside are bounded where they are read; this handles any that was forgotten.
        if "SQLite" not in str(error):
            raise
        raise InputError("number_too_large") from error


class Database:
    """The open database. Make it with `Database.open(path)`; it is an async context manager."""

    def __init__(
        self,
        path: Path,
        writer: Connection,
        readers: list[Connection],
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self.path = path
        self.log_owed = False  # whether the log still contains what was deleted
        self._busy_timeout_s = busy_timeout_s
        self.place = Place()
        self.tombstones = TombstoneFiles(path.parent / FOLDER_NAME)
        self._writer = writer
        self._write_lock = asyncio.Lock()
        self._readers = readers
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        self.on_commit: list[Callable[[], None]] = []  # called after each transaction
        for reader in readers:
            self._idle.put_nowait(reader)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        migrate: Migrate = "all",
        migrated: Callable[[int], None] = lambda _: None,
    ) -> AsyncGenerator["Database", None]:
        """Open `path`, creating and migrating it as `migrate` says; `migrated` is called with the
        version after each migration.

        StorageError if it can't be opened or written, is locked by another process, damaged, of a
        newer version than this code knows, or being replaced by a restore.
        """
        demand_restored(path.parent)
        connections: list[Connection] = []
        try:
            with storage_errors(path):
                await asyncio.to_thread(_probe, path)
                writer = await _connect(path, busy_timeout_s=busy_timeout_s)
                connections.append(writer)
                if migrate != "none":
                    await _migrate(writer, path, only_new=migrate == "new", migrated=migrated)
                for _ in range(READERS):
                    reader = await _connect(path, busy_timeout_s=busy_timeout_s)
                    connections.append(reader)
                    await reader.execute("PRAGMA query_only = ON")
            database = cls(path, connections[0], connections[1:], busy_timeout_s=busy_timeout_s)
            try:
                database.place.hold(path)
            except OSError as error:
                raise disk_error(error, path) from error
            yield database
        finally:
            for connection in connections:
                await connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection, None]:
        """The writer, exclusively, inside one transaction: committed at the end, rolled back on any
        error.

        StorageError `data_dir_replaced` if the database at this path is now another one.
        """
        with storage_errors(self.path):
            async with self._write_lock:
                self.place.check()
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    await self._writer.commit()
                    for listener in self.on_commit:
                        listener()
                except BaseException:
                    # Shielded: a cancelled task must not leave the transaction open for the next.
                    # The thread runs calls in order, so a BEGIN that nobody waits for any more is
                    # rolled back as well.
                    await asyncio.shield(self._writer.rollback())
                    raise

    async def forget_log(self) -> None:
        """Empty the write-ahead log, which still contains what was just deleted.

        SQLite would let every writer wait while a reader is active, which a backup is for as long
        as it copies. So it is tried some times without waiting, and then `log_owed` is set.
        """
        self.log_owed = True
        for pause_s in (0.0, *_LOG_PAUSES_S):
            await asyncio.sleep(pause_s)
            with storage_errors(self.path):
                async with self._write_lock:
                    await self._writer.execute("PRAGMA busy_timeout = 0")
                    try:
                        busy = await self._writer.value("PRAGMA wal_checkpoint(TRUNCATE)")
                    finally:
                        wait_ms = round(self._busy_timeout_s * 1000)
                        await self._writer.execute(f"PRAGMA busy_timeout = {wait_ms}")
            if not busy:
                self.log_owed = False
                return

    @asynccontextmanager
    async def reader(self) -> AsyncGenerator[Connection, None]:
        """A read-only connection, for one or more queries."""
        connection = await self._idle.get()
        try:
            with storage_errors(self.path):
                yield connection
        finally:
            self._idle.put_nowait(connection)

    async def read(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of one query, on a read-only connection."""
        async with self.reader() as connection:
            return await query(connection, *args, **kwargs)

    async def write(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of one query, in its own transaction."""
        async with self.transaction() as connection:
            return await query(connection, *args, **kwargs)


def demand_restored(folder: Path) -> None:
    """StorageError `restore_unfinished` while a restore replaces what is in `folder`."""
    if (folder / RESTORE_JOURNAL).exists():
        raise StorageError("restore_unfinished", path=str(folder))


def _probe(path: Path) -> None:
    """Fail here if `path` can't be opened: aiosqlite 0.22 would leak its thread."""
    if path.parent.is_dir():
        make_file(path)  # SQLite gives its log the same permissions
    sqlite3.connect(path).close()


async def _connect(path: Path, *, busy_timeout_s: float) -> Connection:
    # isolation_level=None: no implicit BEGIN, transactions are explicit.
    connection = Connection(
        lambda: sqlite3.connect(path, isolation_level=None, timeout=busy_timeout_s),
        iter_chunk_size=64,
    )
    await connection
    try:
        connection.row_factory = sqlite3.Row
        connection.text_factory = tolerant_text
        await connection.execute("PRAGMA journal_mode = WAL")
        # FULL: an accepted job survives a power cut, not only a crash of this process.
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("PRAGMA foreign_keys = ON")
        # Deleted content is overwritten, because people may delete everything about themselves.
        await connection.execute("PRAGMA secure_delete = ON")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _migrate(
    connection: Connection, path: Path, *, only_new: bool, migrated: Callable[[int], None]
) -> None:
    found = await connection.value("PRAGMA user_version")
    steps = migrations()
    known = steps[-1][0]
    if found > known:
        raise StorageError("database_newer", path=str(path), found=found, known=known)
    if only_new and 0 < found < known:
        raise StorageError("database_older", path=str(path), found=found, known=known)
    for version, sql in steps:
        if version > found:
            # executescript commits whatever is open, so each script brings its own transaction.
            script = f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;"
            try:
                await connection.executescript(script)
            except BaseException:
                if connection.in_transaction:
                    await connection.rollback()
                raise
            migrated(version)
