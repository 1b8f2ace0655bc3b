"""The rows of the outbox: one for each thing to tell, whatever happens meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from data.guilds import outbox
from data.guilds.outbox import OutboxItem
from data.store.database import Database, migrations

NOW = 1_000_000.0


async def put(database: Database, key: str, lane: str = "a", guild_id: int | None = 1) -> None:
    async with database.transaction() as connection:
        await outbox.put(connection, kind="test", key=key, lane=lane, guild_id=guild_id)


async def due(database: Database, lane: str = "a", now: float = NOW) -> list[OutboxItem]:
    async with database.reader() as connection:
        return await outbox.due_in(connection, lane=lane, now=now, limit=10)


async def fail(
    database: Database, item: OutboxItem, *, due_at: float, parked: bool = False
) -> None:
    async with database.transaction() as connection:
        await outbox.failed(
            connection, item_id=item.id, changes=item.changes,
            state="parked" if parked else "waiting", due_at=due_at, error="no",
        )  # fmt: skip


async def test_asking_twice_is_one_row_with_two_changes(database: Database) -> None:
    await put(database, "one")
    await put(database, "one")
    await put(database, "two")
    assert [(item.key, item.changes) for item in await due(database)] == [("one", 2), ("two", 1)]


async def test_what_changed_while_it_was_sent_is_sent_again(database: Database) -> None:
    await put(database, "one")
    (item,) = await due(database)
    await put(database, "one")
    async with database.transaction() as connection:
        assert not await outbox.done(connection, item_id=item.id, changes=item.changes)
    (again,) = await due(database)
    async with database.transaction() as connection:
        assert await outbox.done(connection, item_id=again.id, changes=again.changes)
    assert await due(database) == []


async def test_a_failure_is_planned_and_a_change_meanwhile_stays_due(database: Database) -> None:
    await put(database, "one")
    await put(database, "two")
    one, two = await due(database)
    await put(database, "two")
    await fail(database, one, due_at=NOW + 10)
    await fail(database, two, due_at=NOW + 10)
    assert [(i.key, i.attempts, i.last_error) for i in await due(database)] == [("two", 1, "no")]
    assert [i.key for i in await due(database, now=NOW + 10)] == ["one", "two"]


async def test_a_parked_row_is_due_again_when_asked_for_and_counted_as_parked(
    database: Database,
) -> None:
    await put(database, "one")
    (item,) = await due(database)
    await fail(database, item, due_at=NOW + 1000, parked=True)
    async with database.reader() as connection:
        assert await outbox.counts(connection) == {"waiting": 0, "parked": 1}
        assert [i.key for i in await outbox.parked(connection, guild_id=1, limit=5)] == ["one"]
        assert await outbox.parked(connection, guild_id=2, limit=5) == []
    await put(database, "one")
    (item,) = await due(database)
    assert item.state == "parked"
    await fail(database, item, due_at=NOW + 1000, parked=True)
    async with database.transaction() as connection:
        await outbox.wake(connection, guild_id=1)
    assert [i.key for i in await due(database)] == ["one"]


@pytest.mark.parametrize(("ahead_s", "is_due"), [(3600.0, False), (30 * 86400.0, True)])
async def test_a_clock_that_was_set_back_holds_up_nothing(
    database: Database, ahead_s: float, *, is_due: bool
) -> None:
    await put(database, "one")
    (item,) = await due(database)
    await fail(database, item, due_at=NOW + ahead_s)
    assert bool(await due(database)) is is_due


async def test_a_lane_with_thousands_hides_no_other(database: Database) -> None:
    for number in range(200):
        await put(database, str(number), lane="full", guild_id=1)
    await put(database, "x", lane="other", guild_id=2)
    async with database.reader() as connection:
        assert await outbox.lanes_due(connection, now=NOW) == [("full", 1), ("other", 2)]


async def test_what_waited_in_older_tables_waits_in_the_outbox(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        for version, sql in migrations():
            if version < 14:
                connection.executescript(sql)
        connection.executescript("""
            INSERT INTO message_removals VALUES (5, 6, 1.0);
            INSERT INTO guild_settings (guild_id, log_channel_id) VALUES (7, 70);
            INSERT INTO gallery_posts (entry_id, guild_id, channel_id, begun_at)
                VALUES ('gone', 8, 80, 1.0);
            INSERT INTO gallery_changes VALUES ('gone', 3), ('of nobody', 1);
            INSERT INTO audit_log (at, kind, guild_id, posted)
                VALUES (1.0, 'deleted', 7, 0), (2.0, 'deleted', 7, 1), (3.0, 'deleted', 9, 1);
            INSERT INTO reports (id, guild_id, job_id, maker_id, channel_id, message_id, opened_at,
                state, decided_at) VALUES ('r', 7, 'j', 1, 2, 3, 1.0, 'deleted', 2.0),
                ('s', 7, 'k', 1, 2, 3, 1.0, 'open', NULL);
            INSERT INTO reporters (report_id, user_id, reason, locale, reported_at, told)
                VALUES ('r', 11, '', 'en-US', 1.0, 0), ('r', 12, '', 'en-US', 1.0, 1),
                ('s', 13, '', 'en-US', 1.0, 0);
            PRAGMA user_version = 13;
        """)
        connection.commit()
    async with Database.open(path) as database, database.reader() as reader:
        found = {
            (item.kind, item.key, item.guild_id)
            for lane, _ in await outbox.lanes_due(reader, now=NOW)
            for item in await outbox.due_in(reader, lane=lane, now=NOW, limit=10)
        }
    assert found == {
        ("message_removal", "5:6", None),
        ("gallery_check", "7", 7),
        ("gallery_entry", "gone", 8),
        ("audit_log", "7", 7),
        ("report_answer", "r:11", None),
    }
