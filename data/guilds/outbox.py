"""The `outbox` table: what has to be sent to Discord in the background, until it is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from data.store.connection import Connection, Table
from data.store.damage import object_of

State = Literal["waiting", "parked"]

FARTHEST_S: Final = 7 * 3600.0
"""No attempt is planned further ahead. One that seems to be was planned before the clock was set
back, and is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectCount:
    """Items in one state of all lanes about one subject. `oldest_at`: when the first of them was
    put, in seconds since the epoch."""

    subject: str
    state: State
    items: int
    oldest_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """One row. `changes`: how often it was requested. `attempts`: failed ones. `due_at` and
    `put_at` in seconds since the epoch."""

    id: int
    kind: str
    key: str
    lane: str
    guild_id: int | None
    payload: Mapping[str, Any]
    changes: int
    state: State
    attempts: int
    due_at: float
    put_at: float
    last_error: str | None


_ITEMS: Final = Table(
    OutboxItem,
    "outbox",
    read={"payload": object_of},  # its sender handles missing values
)
_DUE: Final = f"(due_at <= ?1 OR due_at > ?1 + {FARTHEST_S})"


async def put(
    connection: Connection,
    *,
    kind: str,
    key: str,
    lane: str,
    guild_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Add an item, sent after the commit. A waiting item with the same key becomes due."""
    await connection.execute(
        "INSERT INTO outbox_put (kind, key, lane, guild_id, payload) VALUES (?, ?, ?, ?, ?)",
        (kind, key, lane, guild_id, json.dumps(dict(payload or {}), ensure_ascii=False)),
    )


async def lanes_due(connection: Connection, *, now: float) -> list[tuple[str, int | None]]:
    """(lane, server) of all lanes with due items, those waiting longest first."""
    rows = await connection.every(
        f"SELECT lane, max(guild_id) FROM outbox WHERE {_DUE} GROUP BY lane ORDER BY min(id)",  # noqa: S608
        (now,),
    )
    return [(str(row[0]), row[1]) for row in rows]


async def due_in(connection: Connection, *, lane: str, now: float, limit: int) -> list[OutboxItem]:
    """The due items of a lane: fewest failures first, then oldest."""
    return await _ITEMS.many(
        connection,
        f"WHERE lane = ?2 AND {_DUE} ORDER BY attempts, id LIMIT ?3",
        (now, lane, limit),
    )


async def next_due(connection: Connection) -> float | None:
    """When the next attempt is planned; None if nothing waits."""
    return await connection.value("SELECT min(due_at) FROM outbox")


async def set_payload(
    connection: Connection, *, item_id: int, changes: int, payload: Mapping[str, Any]
) -> None:
    """Change an item's payload, unless it was requested again meanwhile."""
    await connection.execute(
        "UPDATE outbox SET payload = ? WHERE id = ? AND changes = ?",
        (json.dumps(dict(payload), ensure_ascii=False), item_id, changes),
    )


async def done(connection: Connection, *, item_id: int, changes: int) -> bool:
    """Remove an item that was sent or never can be. False if it changed: it stays due."""
    cursor = await connection.execute(
        "DELETE FROM outbox WHERE id = ? AND changes = ?", (item_id, changes)
    )
    if cursor.rowcount:
        return True
    await connection.execute(
        "UPDATE outbox SET attempts = 0, state = 'waiting', last_error = NULL WHERE id = ?",
        (item_id,),
    )
    return False


async def failed(
    connection: Connection,
    *,
    item_id: int,
    changes: int,
    state: State,
    due_at: float,
    error: str,
) -> None:
    """Record a failed attempt. An item that changed meanwhile stays due immediately."""
    await connection.execute(
        "UPDATE outbox SET attempts = min(attempts, 1000000) + 1, state = ?3, last_error = ?4,"
        " due_at = CASE changes WHEN ?2 THEN ?5 ELSE due_at END WHERE id = ?1",
        (item_id, changes, state, error, due_at),
    )


async def wake(connection: Connection, *, guild_id: int) -> None:
    """Make all items of a server due immediately."""
    await connection.execute("UPDATE outbox SET due_at = 0 WHERE guild_id = ?", (guild_id,))


async def wake_all(connection: Connection) -> None:
    """Make all items due immediately."""
    await connection.execute("UPDATE outbox SET due_at = 0")


async def parked(
    connection: Connection, *, guild_id: int | None = None, limit: int
) -> list[OutboxItem]:
    """Rejected items that are retried rarely, of one server or of all, oldest first."""
    return await _ITEMS.many(
        connection,
        "WHERE state = 'parked' AND (?1 IS NULL OR guild_id = ?1) ORDER BY id LIMIT ?2",
        (guild_id, limit),
    )


async def is_parked_beside(
    connection: Connection, *, item_id: int, lane: str, kind: str, error: str
) -> bool:
    """Whether others of a lane are parked for the same reason."""
    return await connection.exists(
        "SELECT 1 FROM outbox WHERE lane = ? AND kind = ? AND state = 'parked' AND last_error = ?"
        " AND id <> ? LIMIT 1",
        (lane, kind, error, item_id),
    )


async def counts(connection: Connection, *, guild_id: int | None = None) -> dict[str, int]:
    """How many rows there are in each state, of one server or of all."""
    rows = await connection.every(
        "SELECT state, COUNT(*) FROM outbox WHERE ?1 IS NULL OR guild_id = ?1 GROUP BY state",
        (guild_id,),
    )
    found = {str(row[0]): int(row[1]) for row in rows}
    return {"waiting": 0, "parked": 0} | found


async def by_subject(connection: Connection) -> list[SubjectCount]:
    """How many rows there are in each state, by what their lanes begin with: the subject, without
    the server, channel or person."""
    rows = await connection.every(
        "SELECT substr(lane, 1, instr(lane || ':', ':') - 1) AS subject, state,"
        " COUNT(*) AS items, MIN(put_at) AS oldest_at FROM outbox GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [SubjectCount(**row) for row in rows]
