"""The `web_sessions` table: who is signed in on the web page, and until when."""

import json
from dataclasses import dataclass

from data.store.connection import Connection, Table
from data.store.damage import ids_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A signed-in person. `guild_ids`: their servers that are on the page. `expires_at`: seconds
    since the epoch."""

    user_id: int
    name: str
    guild_ids: frozenset[int]
    expires_at: float


_SESSIONS = Table(
    WebSession,
    "web_sessions",
    read={"guild_ids": ids_of},
    write={"guild_ids": lambda ids: json.dumps(sorted(ids))},
)


async def insert(connection: Connection, *, key: str, session: WebSession) -> None:
    """Store a session under `key`."""
    await _SESSIONS.insert(connection, session, key=key)


async def get(connection: Connection, *, key: str, now: float) -> WebSession | None:
    """The session `key`, unless it has expired."""
    return await _SESSIONS.one(connection, "WHERE key = ? AND expires_at > ?", (key, now))


async def of_user(
    connection: Connection, *, user_id: int, now: float
) -> list[tuple[str, WebSession]]:
    """The sessions of `user_id` with their keys, latest first."""
    rows = await connection.every(
        "SELECT * FROM web_sessions"
        " WHERE user_id = ? AND expires_at > ? ORDER BY expires_at DESC, key",
        (user_id, now),
    )
    return [(row["key"], _SESSIONS.record(row)) for row in rows]


async def end_oldest(connection: Connection, *, user_id: int, keep: int) -> None:
    """End all sessions of `user_id` except the latest `keep`."""
    await connection.execute(
        "DELETE FROM web_sessions WHERE user_id = ?1 AND key NOT IN (SELECT key FROM web_sessions"
        " WHERE user_id = ?1 ORDER BY expires_at DESC, key LIMIT ?2)",
        (user_id, keep),
    )


async def delete(connection: Connection, *, key: str) -> None:
    """End a session, if it exists."""
    await connection.execute("DELETE FROM web_sessions WHERE key = ?", (key,))


async def expire(connection: Connection, *, now: float) -> None:
    """Remove expired sessions."""
    await connection.execute("DELETE FROM web_sessions WHERE expires_at <= ?", (now,))


async def forget(connection: Connection, *, user_id: int, key: str | None = None) -> None:
    """End all sessions of `user_id`, or the one `key` if it is theirs."""
    await connection.execute(
        "DELETE FROM web_sessions WHERE user_id = :user AND key = coalesce(:key, key)",
        {"user": user_id, "key": key},
    )
