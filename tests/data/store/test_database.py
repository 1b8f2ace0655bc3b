"""Opening, migrating, transactions, and every way in which a database refuses."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from data.store import notes
from data.store.database import BUSY_TIMEOUT_S, Database, migrations
from pipeline.errors import InputError, StorageError

pytestmark = pytest.mark.usefixtures("migrated_anew")


async def test_a_new_database_has_the_newest_version(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "new.db"):
        pass
    with sqlite3.connect(tmp_path / "new.db") as plain:
        version = plain.execute("PRAGMA user_version").fetchone()[0]
        mode = plain.execute("PRAGMA journal_mode").fetchone()[0]
    plain.close()
    assert version == migrations()[-1][0]
    assert mode == "wal"


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
async def test_a_number_that_sqlite_has_no_room_for_is_told(tmp_path: Path, number: int) -> None:
    async with Database.open(tmp_path / "new.db") as database:
        with pytest.raises(InputError, match="number_too_large"):
            async with database.transaction() as connection:
                await notes.put(connection, key="kept", value="no")
                await connection.execute("SELECT ?", (number,))
        with pytest.raises(InputError, match="number_too_large"):
            async with database.reader() as connection:
                await connection.execute("SELECT ?", (number,))
        async with database.reader() as connection:
            assert await notes.get(connection, key="kept") is None


def test_migrations_are_numbered_without_gaps() -> None:
    assert [version for version, _ in migrations()] == list(range(1, len(migrations()) + 1))


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    plain = sqlite3.connect(path)
    plain.execute("PRAGMA user_version = 999")
    plain.close()
    with pytest.raises(StorageError, match="database_newer") as caught:
        async with Database.open(path):
            pass
    assert caught.value.data["found"] == 999


async def test_a_locked_database_is_refused_after_waiting(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    async with Database.open(path, busy_timeout_s=0.05) as database:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="database_locked"):
            async with database.transaction() as connection:
                await notes.put(connection, key="a", value="b")
        other.rollback()
        other.close()
        async with database.transaction() as connection:
            await notes.put(connection, key="a", value="c")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.db"
    path.write_bytes(b"\x89PNG not a database" * 100)
    with pytest.raises(StorageError, match="database_damaged"):
        async with Database.open(path):
            pass


async def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="database_cannot_open"):
        async with Database.open(tmp_path / "nowhere" / "a.db"):
            pass


async def test_a_full_disk_is_a_storage_error_and_nothing_is_kept(database: Database) -> None:
    async with database.reader() as reader, reader.execute("PRAGMA page_count") as cursor:
        row = await cursor.fetchone()
    assert row is not None
    async with database.transaction() as connection:  # SQLite's own quota simulates the disk's
        await connection.execute(f"PRAGMA max_page_count = {row[0] + 2}")
    with pytest.raises(StorageError, match="disk_full"):
        async with database.transaction() as connection:
            for number in range(100):
                await notes.put(connection, key=str(number), value="x" * 4000)
    async with database.reader() as reader:
        assert await notes.get(reader, key="0") is None


async def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await notes.put(connection, key="a", value="b")
            raise ZeroDivisionError
    async with database.reader() as reader:
        assert await notes.get(reader, key="a") is None


async def test_a_cancelled_task_leaves_no_open_transaction(database: Database) -> None:
    inside = asyncio.Event()

    async def write_and_wait() -> None:
        async with database.transaction() as connection:
            await notes.put(connection, key="a", value="b")
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write_and_wait())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as connection:
        await notes.put(connection, key="b", value="c")
    async with database.reader() as reader:
        assert await notes.get(reader, key="a") is None
        assert await notes.get(reader, key="b") == "c"


@pytest.mark.parametrize("steps", range(12))
async def test_wherever_a_task_is_cancelled_the_next_can_write(
    database: Database, steps: int
) -> None:
    async def write() -> None:
        async with database.transaction() as connection:
            await notes.put(connection, key="half", value="done")

    task = asyncio.create_task(write())
    for _ in range(steps):  # as far into it, the BEGIN included
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with database.transaction() as connection:
        await notes.put(connection, key="next", value="written")
    async with database.reader() as connection:
        assert await notes.get(connection, key="next") == "written"


async def test_transactions_of_two_tasks_do_not_mix(database: Database) -> None:
    async def write(name: str, *, fail: bool) -> None:
        async with database.transaction() as connection:
            await notes.put(connection, key=name, value="1")
            await asyncio.sleep(0.01)
            if fail:
                raise ZeroDivisionError

    results = await asyncio.gather(
        *(write(str(n), fail=n % 2 == 0) for n in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, ZeroDivisionError) for result in results) == 5
    async with database.reader() as reader:
        kept = [n for n in range(10) if await notes.get(reader, key=str(n)) is not None]
    assert kept == [1, 3, 5, 7, 9]


async def test_readers_can_not_write(database: Database) -> None:
    with pytest.raises(StorageError, match="storage_read_only"):
        async with database.reader() as reader:
            await notes.put(reader, key="a", value="b")


async def test_a_log_that_somebody_reads_is_emptied_later_and_nobody_waits(
    database: Database,
) -> None:
    await database.write(notes.put, key="secret", value="leaves no trace")
    await database.write(notes.put, key="secret", value="")
    log = database.path.with_name(f"{database.path.name}-wal")
    reader = sqlite3.connect(database.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM notes").fetchone()
    await database.write(notes.put, key="later", value="written after the reader began")
    forgetting = asyncio.create_task(database.forget_log())
    began = asyncio.get_running_loop().time()
    await database.write(notes.put, key="meanwhile", value="written")
    assert asyncio.get_running_loop().time() - began < BUSY_TIMEOUT_S
    await forgetting
    assert database.log_owed
    assert b"leaves no trace" in log.read_bytes()
    reader.close()
    await database.forget_log()
    assert not database.log_owed
    assert log.read_bytes() == b""
    async with database.reader() as connection:
        assert await notes.get(connection, key="meanwhile") == "written"
