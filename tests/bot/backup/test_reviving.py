"""Deletions and ends, carried out on databases of every version to which one may go back."""

from pathlib import Path

import pytest

from bot.backup.reviving import OLDEST, revive
from data.people import everybody
from data.store import restored
from data.store.connection import Connection
from data.store.database import Database, migrations
from data.store.restored import Restored
from data.store.tombstone_lines import Tombstone, Tombstones
from pipeline.errors import RefusedError
from tests.data.test_migrations import make_old, problems_of

NEWEST = migrations()[-1][0]
KEEPS = {"blocks", "quota_uses"}
"""Tables of which `/privacy delete` says that something stays."""


def stones(*people: int) -> Tombstones:
    file = Tombstones(key=b"k" * 32)
    found = [
        Tombstone(number=number, at=5, kind="person", digest=file.digest("person", person))
        for number, person in enumerate(people, 1)
    ]
    return file.joined([Tombstones(key=file.key, stones=tuple(found))])


async def traces(connection: Connection, user_id: int) -> set[str]:
    """Tables that still name a person in a column that should not."""
    rows = await connection.every(
        "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table'"
    )
    found: set[str] = set()
    for table, column in (row for row in rows if row[1] in everybody.COLUMNS):
        if await connection.exists(
            f'SELECT 1 FROM "{table}" WHERE "{column}" = ? LIMIT 1', (user_id,)
        ):
            found.add(str(table))
    return found


@pytest.mark.parametrize("version", range(OLDEST, NEWEST + 1))
async def test_a_person_is_forgotten_in_every_version(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.db"
    make_old(path, version, seed=3)
    async with Database.open(path, migrate="none") as database:
        # An entry's maker is whose job it is, which chance does not know.
        async with database.transaction() as connection:
            await connection.execute(
                "UPDATE gallery_entries SET maker_id = (SELECT user_id FROM jobs j"
                " JOIN pictures p ON p.job_id = j.id WHERE p.id = picture_id)"
            )
        async with database.reader() as connection:
            everyone = await everybody.ids(connection) - {0}  # nobody
            before = {user_id: await traces(connection, user_id) for user_id in everyone}
        leaving = max(everyone, key=lambda user_id: len(before[user_id] - KEEPS))
        assert len(before[leaving] - KEEPS) > 3
        revived = await revive(database, [stones(leaving)], made_at=1.0, now=2e9)
        assert revived.deleted == {"person": 1}
        async with database.reader() as connection:
            # What moderators did about them stays, without their words.
            assert await traces(connection, leaving) <= KEEPS | {"audit_log", "withheld", "reports"}
            states = set(await connection.column("SELECT DISTINCT state FROM jobs"))
            assert states <= {"finished", "failed", "cancelled"}
            assert not await connection.exists("SELECT 1 FROM jobs WHERE delivery = 'pending'")
            assert (await connection.value("PRAGMA user_version")) == version
            assert await restored.get(connection) == Restored(made_at=1.0, at=2e9)
    assert problems_of(path) == []


async def test_carried_out_once(tmp_path: Path) -> None:
    make_old(tmp_path / "old.db", NEWEST, seed=3)
    async with Database.open(tmp_path / "old.db") as database:
        async with database.reader() as connection:
            person, other = sorted(await everybody.ids(connection))[:2]
        one, both = stones(person), stones(person, other)
        assert (await revive(database, [one], made_at=1.0, now=2e9)).deleted == {"person": 1}
        assert (await revive(database, [both], made_at=1.0, now=2e9)).deleted == {"person": 1}
        assert (await revive(database, [both], made_at=1.0, now=2e9)).deleted == {}


async def test_refusing_changes_nothing(tmp_path: Path) -> None:
    make_old(tmp_path / "old.db", NEWEST, seed=3)
    async with Database.open(tmp_path / "old.db") as database:
        async with database.reader() as connection:
            states = await connection.column("SELECT state FROM jobs ORDER BY id")
        expired = stones(1).since(10.0)
        with pytest.raises(RefusedError, match="deletions_expired"):
            await revive(database, [expired], made_at=1.0, now=2e9)
        async with database.reader() as connection:
            assert await connection.column("SELECT state FROM jobs ORDER BY id") == states
        await revive(database, [expired], made_at=1.0, now=2e9, insist=True)


async def test_of_several_restores_the_earliest_backup_counts(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "new.db") as database:
        for made_at, now in ((50.0, 60.0), (40.0, 70.0), (65.0, 80.0)):
            await revive(database, [], made_at=made_at, now=now)
        async with database.reader() as connection:
            assert await restored.get(connection) == Restored(made_at=40.0, at=80.0)
