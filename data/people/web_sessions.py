"""The `web_sessions` table: who is signed in on the web page, and until when."""

import json
from dataclasses import dataclass
from sqlite3 import Row

from aiosqlite import Connection

from data.store.damage import ids_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """Somebody who signed in. `guild_ids`: servers that they are in and that are on the page.
    `expires_at`: seconds since the epoch."""

    user_id: int
    name: str
    guild_ids: frozenset[int]
    expires_at: float


async def insert(connection: Connection, *, key: str, session: WebSession) -> None:
    """Remember a session under `key`."""
    await connection.execute(
        "INSERT INTO web_sessions (key, user_id, name, guild_ids, expires_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            key,
            session.user_id,
            session.name,
            json.dumps(sorted(session.guild_ids)),
            session.expires_at,
        ),
    )


async def get(connection: Connection, *, key: str, now: float) -> WebSession | None:
    """The session `key`, unless it has ended."""
    async with connection.execute(
        "SELECT user_id, name, guild_ids, expires_at FROM web_sessions"
        " WHERE key = ? AND expires_at > ?",
        (key, now),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _session(row)


async def of_user(
    connection: Connection, *, user_id: int, now: float
) -> list[tuple[str, WebSession]]:
    """The sessions of `user_id` with their keys, the latest first."""
    async with connection.execute(
        "SELECT key, user_id, name, guild_ids, expires_at FROM web_sessions"
        " WHERE user_id = ? AND expires_at > ? ORDER BY expires_at DESC, key",
        (user_id, now),
    ) as cursor:
        return [(str(row["key"]), _session(row)) for row in await cursor.fetchall()]


def _session(row: Row) -> WebSession:
    return WebSession(
        user_id=int(row["user_id"]),
        name=str(row["name"]),
        guild_ids=ids_of(row["guild_ids"]),
        expires_at=float(row["expires_at"]),
    )


async def end_oldest(connection: Connection, *, user_id: int, keep: int) -> None:
    """End all sessions of `user_id` but the latest `keep`."""
    await connection.execute(
        "DELETE FROM web_sessions WHERE user_id = ?1 AND key NOT IN (SELECT key FROM web_sessions"
        " WHERE user_id = ?1 ORDER BY expires_at DESC, key LIMIT ?2)",
        (user_id, keep),
    )


async def delete(connection: Connection, *, key: str) -> None:
    """End a session; fine where there is none."""
    await connection.execute("DELETE FROM web_sessions WHERE key = ?", (key,))


async def expire(connection: Connection, *, now: float) -> None:
    """Forget sessions that have ended."""
    await connection.execute("DELETE FROM web_sessions WHERE expires_at <= ?", (now,))


async def forget(connection: Connection, *, user_id: int, key: str | None = None) -> None:
    """End all sessions of `user_id`, or the one `key` if it is theirs."""
    await connection.execute(
        "DELETE FROM web_sessions WHERE user_id = :user AND key = coalesce(:key, key)",
        {"user": user_id, "key": key},
    )
