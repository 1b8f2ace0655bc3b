"""The `web_sessions` table: who is signed in on the web page, and until when."""

import json
from dataclasses import dataclass

from aiosqlite import Connection


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
    if row is None:
        return None
    return WebSession(
        user_id=int(row["user_id"]),
        name=str(row["name"]),
        guild_ids=frozenset(json.loads(row["guild_ids"])),
        expires_at=float(row["expires_at"]),
    )


async def delete(connection: Connection, *, key: str) -> None:
    """End a session; fine where there is none."""
    await connection.execute("DELETE FROM web_sessions WHERE key = ?", (key,))


async def expire(connection: Connection, *, now: float) -> None:
    """Forget sessions that have ended."""
    await connection.execute("DELETE FROM web_sessions WHERE expires_at <= ?", (now,))


async def forget(connection: Connection, *, user_id: int) -> None:
    """End all sessions of `user_id`."""
    await connection.execute("DELETE FROM web_sessions WHERE user_id = ?", (user_id,))
