"""The `guild_loras` table: the LoRAs that everyone in a server and its roles may use."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from data.store.connection import Connection

Allowed: TypeAlias = frozenset[str] | None
"""Keys of LoRAs; None: all."""


async def of_guild(connection: Connection, *, guild_id: int) -> Mapping[int, Allowed]:
    """What is allowed by role. `guild_id` is everyone's role, as in Discord. A damaged row allows
    nothing."""
    rows = await connection.every(
        "SELECT role_id, names FROM guild_loras WHERE guild_id = ?", (guild_id,)
    )
    return {int(row["role_id"]): _names(row["names"]) for row in rows}


def _names(stored: str | None) -> Allowed:
    if stored is None:
        return None
    try:
        return frozenset(map(str, json.loads(stored)))
    except (ValueError, TypeError):
        return frozenset()


async def put(connection: Connection, *, guild_id: int, role_id: int, allowed: Allowed) -> None:
    """Set what a role may use."""
    names = None if allowed is None else json.dumps(sorted(allowed), ensure_ascii=False)
    await connection.execute(
        "INSERT INTO guild_loras (guild_id, role_id, names) VALUES (?, ?, ?)"
        " ON CONFLICT (guild_id, role_id) DO UPDATE SET names = excluded.names",
        (guild_id, role_id, names),
    )


async def remove(connection: Connection, *, guild_id: int, role_id: int) -> None:
    """Leave a role without a rule of its own."""
    await connection.execute(
        "DELETE FROM guild_loras WHERE guild_id = ? AND role_id = ?", (guild_id, role_id)
    )
