"""The `guild_wildcards` table: a server's lists of words for `__name__` in prompts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from data.store.connection import Connection

Entries = tuple[str, ...]


async def of_guild(connection: Connection, *, guild_id: int) -> Mapping[str, Entries]:
    """All lists of a server, by key. A damaged one is left out."""
    rows = await connection.every(
        "SELECT name, entries FROM guild_wildcards WHERE guild_id = ? ORDER BY name", (guild_id,)
    )
    found = {str(row["name"]): _entries(row["entries"]) for row in rows}
    return {name: entries for name, entries in found.items() if entries}


async def names(connection: Connection, *, guild_id: int) -> list[str]:
    """The keys of a server's lists."""
    return await connection.column(
        "SELECT name FROM guild_wildcards WHERE guild_id = ? ORDER BY name", (guild_id,)
    )


async def get(connection: Connection, *, guild_id: int, name: str) -> Entries:
    """One list; empty if there is none."""
    stored = await connection.value(
        "SELECT entries FROM guild_wildcards WHERE guild_id = ? AND name = ?", (guild_id, name)
    )
    return () if stored is None else _entries(stored)


def _entries(stored: str) -> Entries:
    try:
        read: Any = json.loads(stored)
    except ValueError:
        return ()
    return tuple(each for each in read if isinstance(each, str)) if isinstance(read, list) else ()  # pyright: ignore[reportUnknownVariableType] - of JSON


async def put(connection: Connection, *, guild_id: int, name: str, entries: Sequence[str]) -> None:
    """Make or replace a list."""
    await connection.execute(
        "INSERT INTO guild_wildcards (guild_id, name, entries) VALUES (?, ?, ?)"
        " ON CONFLICT (guild_id, name) DO UPDATE SET entries = excluded.entries",
        (guild_id, name, json.dumps(list(entries), ensure_ascii=False)),
    )


async def remove(connection: Connection, *, guild_id: int, name: str) -> bool:
    """Remove a list; returns whether there was one."""
    return await connection.changes(
        "DELETE FROM guild_wildcards WHERE guild_id = ? AND name = ?", (guild_id, name)
    )
