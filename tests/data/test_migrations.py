"""Databases of every earlier version, with rows in every table, become what a new one is."""

import re
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from data.store.database import Database, migrations
from tests.support.rows import columns, fill, tables

pytestmark = pytest.mark.usefixtures("migrated_anew")

VERSIONS = [version for version, _ in migrations()]

# What a migration does to rows on purpose is said here, and tested by DERIVED below or by a test of
# its own; everything else is kept as it was. (table, column): the version that does it.
REWRITTEN = {
    ("gallery_entries", "on_web"): 11,
    ("gallery_words", "tags"): 11,
    ("gallery_words", "marks"): 12,
    ("quota_uses", "granted_here"): 26,
    ("quota_uses", "granted_overall"): 26,
}
DROPPED_COLUMNS = {
    ("gallery_guilds", "on_web"): 11, ("reporters", "told"): 14, ("quota_grants", "pictures"): 26,
}  # fmt: skip
DROPPED_TABLES = {"message_removals": 14, "gallery_changes": 14, "gallery_checks": 14}

# What a migration makes of the rows that are there, as queries for rows that should not be.
DERIVED = [
    pytest.param(2, """
        SELECT * FROM jobs WHERE json_extract(request, '$.wish') IS NOT NULL
            AND words <> 'red apple, solo'""", id="2, words of jobs"),
    pytest.param(3, """
        SELECT * FROM quota_uses q JOIN jobs j ON j.id = q.job_id
        WHERE q.guild_id IS NOT j.guild_id""", id="3, servers of quota uses"),
    pytest.param(5, """
        SELECT * FROM gallery_entries
        WHERE (posted_at IS NOT NULL) <> (number IN (SELECT entry FROM gallery_words))""",
        id="5, entries in the search"),
    pytest.param(5, """
        SELECT * FROM gallery_words w JOIN gallery_entries e ON e.number = w.entry
        WHERE w.rank <> e.votes << 42 | w.place OR w.maker <> e.maker_name""",
        id="5, their order"),
    pytest.param(11, """
        SELECT * FROM gallery_entries e JOIN pictures p ON p.id = e.picture_id
        JOIN jobs j ON j.id = p.job_id WHERE e.on_web = 1 AND j.private = 1""",
        id="11, private pictures"),
    pytest.param(12, """
        SELECT * FROM gallery_words w JOIN gallery_entries e ON e.number = w.entry
        WHERE w.marks NOT LIKE
            'any %' || ' qs' || e.guild_id || ' qm' || e.maker_id || ' qr' || e.rating""",
        id="12, filters in the search"),
    pytest.param(26, """
        SELECT * FROM quota_uses WHERE (granted_here % (cost + faces_cost)
            OR granted_overall % (cost + faces_cost)) AND granted_here < 1 << 62
            AND granted_overall < 1 << 62""", id="26, what grants cover"),
    pytest.param(26, """
        SELECT * FROM quota_grants WHERE hundredths % 100 AND hundredths < 1 << 62""",
        id="26, grants"),
]  # fmt: skip


@contextmanager
def plain(path: Path) -> Generator[sqlite3.Connection]:
    """SQLite itself, without our code."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


def make_old(path: Path, version: int, *, seed: int) -> None:
    """A database as `version` left it, with rows in every table."""
    with plain(path) as connection:
        for number, sql in migrations()[:version]:
            connection.executescript(f"BEGIN; {sql} PRAGMA user_version = {number}; COMMIT;")
        fill(connection, rows=12, seed=seed)


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in an order that does not depend on the columns that were added."""
    with plain(path) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
            for table in tables(connection)
        }


def schema_of(path: Path) -> dict[str, Any]:
    """What there is, and what SQLite makes of it."""
    with plain(path) as connection:
        found: dict[str, Any] = {
            f"{kind} {name}": re.sub(r"\s+", " ", sql or "")
            for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema")
        }
        for table in tables(connection):
            for about in ("table_xinfo", "foreign_key_list", "index_list"):
                rows = connection.execute(f'PRAGMA {about}("{table}")').fetchall()
                found[f"{about} {table}"] = rows
        found["version"] = connection.execute("PRAGMA user_version").fetchone()
    return found


def problems_of(path: Path) -> list[Any]:
    """What SQLite's own checks complain about: keys, pages, full-text indexes."""
    with plain(path) as connection:
        found = connection.execute("PRAGMA foreign_key_check").fetchall()
        found += [r for r in connection.execute("PRAGMA integrity_check") if r != ("ok",)]
        indexes = connection.execute("SELECT name FROM sqlite_schema WHERE sql LIKE '%USING fts5%'")
        for (name,) in indexes.fetchall():
            try:  # 1: against the table that it indexes, too
                connection.execute(
                    f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)"
                )
            except sqlite3.DatabaseError as error:
                found.append((name, str(error)))
    return found


def changed(version: int, declared: dict[Any, int]) -> set[Any]:
    """Of what is declared, that which is still to happen to a database of `version`."""
    return {what for what, when in declared.items() if when > version}


async def migrate(path: Path) -> None:
    async with Database.open(path):
        pass


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_database_has_rows_in_every_table(tmp_path: Path, version: int) -> None:
    make_old(tmp_path / "old.db", version, seed=1)
    found = rows_of(tmp_path / "old.db")
    assert len(found) >= 6
    assert [table for table, rows in found.items() if not rows] == []
    assert problems_of(tmp_path / "old.db") == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("version", VERSIONS[:-1])
async def test_a_migration_keeps_every_row(tmp_path: Path, version: int, seed: int) -> None:
    path = tmp_path / "old.db"
    make_old(path, version, seed=seed)
    before = rows_of(path)
    await migrate(path)
    after = rows_of(path)
    assert before.keys() - after.keys() == changed(version, DROPPED_TABLES) & before.keys()
    rewritten = changed(version, REWRITTEN)
    dropped = changed(version, DROPPED_COLUMNS)
    for table in before.keys() & after.keys():
        had = {(table, name) for name in before[table][0]}
        assert had - {(table, name) for name in after[table][0]} == dropped & had
        kept = [name for _, name in sorted(had - dropped - rewritten)]
        expected = sorted(repr([row[name] for name in kept]) for row in before[table])
        assert sorted(repr([row[name] for name in kept]) for row in after[table]) == expected, table


@pytest.mark.parametrize("version", VERSIONS[:-1])
async def test_a_migrated_database_is_as_a_new_one(tmp_path: Path, version: int) -> None:
    make_old(tmp_path / "old.db", version, seed=4)
    await migrate(tmp_path / "old.db")
    await migrate(tmp_path / "new.db")
    assert schema_of(tmp_path / "old.db") == schema_of(tmp_path / "new.db")
    assert problems_of(tmp_path / "old.db") == []


@pytest.mark.parametrize(("introduced", "wrong"), DERIVED)
async def test_what_a_migration_derives_fits_the_rows(
    tmp_path: Path, introduced: int, wrong: str
) -> None:
    for version in range(1, introduced):
        path = tmp_path / f"{version}.db"
        make_old(path, version, seed=7)
        await migrate(path)
        with plain(path) as connection:
            assert connection.execute(wrong).fetchall() == [], version


def test_the_columns_that_are_declared_exist(tmp_path: Path) -> None:
    """So that a declaration of what is gone, or was misspelt, hides nothing."""
    for (table, column), version in (REWRITTEN | DROPPED_COLUMNS).items():
        with closing(sqlite3.connect(":memory:")) as connection:
            for _, sql in migrations()[: version - 1]:
                connection.executescript(sql)
            assert column in [each.name for each in columns(connection, table)]
