"""Fills every table of a SQLite database, whatever its schema is: values that fit the types of the
columns are tried until SQLite takes a row, so foreign keys, CHECKs and unique indexes hold."""

import random
import re
import sqlite3
from typing import Any, NamedTuple

_TRIES = 3000
_COMMENT = re.compile(r"--[^\n]*")
_STRINGS = re.compile(r"'((?:[^']|'')*)'")
_FILLED_BY_TRIGGER = re.compile(r"\bINSERT\s+(?:OR\s+\w+\s+)?INTO\s+(\w+)", re.IGNORECASE)

# A real one has members: what migrations read of it with json_extract.
_JSON = '{"wish": {"prompt": "Red_Apple", "tags": "solo"}, "seed": 5}'


class Column(NamedTuple):
    """One column as PRAGMA table_xinfo tells it. `parent`: (table, column) that it refers to."""

    name: str
    type: str
    nullable: bool
    parent: tuple[str, str] | None


def tables(connection: sqlite3.Connection) -> list[str]:
    """The ordinary tables: none of SQLite's own, no virtual ones, nor those that stand behind
    virtual ones."""
    rows = connection.execute(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in rows]


def fill(connection: sqlite3.Connection, *, rows: int = 6, seed: int = 1) -> None:
    """Insert `rows` rows into every table; AssertionError where SQLite takes not even one.

    Tables that triggers fill come last, and keep what the triggers wrote.
    """
    chance = random.Random(seed)
    connection.execute("PRAGMA foreign_keys = ON")
    for table in _parents_first(connection):
        if _count(connection, table):
            continue
        taken = _fill_table(connection, table, rows, chance)
        assert taken, f"no row was taken by {table}: teach tests.support.rows its values"
    connection.commit()


def columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    """The columns that a row can say: no generated ones."""
    parents = {
        child: (parent, of or _key(connection, parent))
        for _, _, parent, child, of, *_ in connection.execute(f"PRAGMA foreign_key_list({table})")
    }
    return [
        Column(name, kind, not not_null and not key, parents.get(name))
        for _, name, kind, not_null, _, key, hidden in connection.execute(
            f"PRAGMA table_xinfo({table})"
        )
        if not hidden
    ]


def _key(connection: sqlite3.Connection, table: str) -> str:
    return next(row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})") if row[5])


def _parents_first(connection: sqlite3.Connection) -> list[str]:
    triggers = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
    by_triggers = {name for (sql,) in triggers for name in _FILLED_BY_TRIGGER.findall(sql)}
    ordered: list[str] = []

    def add(table: str) -> None:
        for column in columns(connection, table):
            if column.parent is not None and column.parent[0] != table:
                add(column.parent[0])
        if table not in ordered:
            ordered.append(table)

    for table in sorted(tables(connection), key=lambda name: (name in by_triggers, name)):
        add(table)
    return ordered


def _fill_table(
    connection: sqlite3.Connection, table: str, rows: int, chance: random.Random
) -> int:
    described = columns(connection, table)
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    named = sorted(set(_STRINGS.findall(_COMMENT.sub("", sql))))
    names = ", ".join(f'"{column.name}"' for column in described)
    holes = ", ".join("?" for _ in described)
    taken = 0
    again = described
    values: dict[str, Any] = {}
    for _ in range(_TRIES):
        values |= {each.name: _value(connection, table, each, named, chance) for each in again}
        try:
            connection.execute(
                f'INSERT INTO "{table}" ({names}) VALUES ({holes})', list(values.values())
            )
        except sqlite3.IntegrityError as error:
            # "CHECK constraint failed: rating BETWEEN 0 AND 3": try others for what it names.
            words = set(re.findall(r"\w+", str(error)))
            again = [each for each in described if each.name in words] or described
            continue
        taken += 1
        if taken == rows:
            break
        again = described
    return taken


def _value(
    connection: sqlite3.Connection,
    table: str,
    column: Column,
    named: list[str],
    chance: random.Random,
) -> Any:
    """Something that `column` may take. `named`: the strings in the table's SQL."""
    if column.nullable and chance.random() < 0.4:
        return None
    if column.parent is not None:
        parent, key = column.parent
        known = [row[0] for row in connection.execute(f'SELECT "{key}" FROM "{parent}"')]
        # A table that refers to itself has no row at first.
        return chance.choice(known) if known else None
    match column.type:
        case "INTEGER":
            return chance.choice([0, 1, 2, 3, chance.randrange(4, 10), chance.randrange(10**17)])
        case "REAL":
            return chance.choice([0.5, 1_700_000_000 + chance.randrange(10**6) / 4])
        case "TEXT":
            word = f"{table}-{chance.randrange(10**9)}"
            return chance.choice([*named, _JSON, _JSON, word, word, word])
        case "BLOB":
            return chance.randbytes(8)
        case other:
            raise AssertionError(f"{table}.{column.name} is {other}: teach tests.support.rows it")


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])
