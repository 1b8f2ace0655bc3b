"""The `paint_links` table: links to the page where a mask is painted, each for one job."""

from dataclasses import dataclass

from data.store.connection import Connection, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintLink:
    """A link for `user_id` and one picture. `origin`: where it was asked for, as JSON.
    `expires_at`: seconds since the epoch."""

    picture_id: str
    user_id: int
    origin: str
    expires_at: float
    used: bool = False


_LINKS = Table(PaintLink, "paint_links", read={"used": bool})


async def insert(connection: Connection, *, key: str, link: PaintLink) -> None:
    """Store a link under `key`."""
    await _LINKS.insert(connection, link, key=key)


async def get(connection: Connection, *, key: str, now: float) -> PaintLink | None:
    """The link `key`, unless it has expired."""
    return await _LINKS.one(connection, "WHERE key = ? AND expires_at > ?", (key, now))


async def spend(connection: Connection, *, key: str, now: float) -> bool:
    """Mark the link `key` as used. False: it is already, has expired, or its picture is gone."""
    return await connection.changes(
        "UPDATE paint_links SET used = 1 WHERE key = ? AND used = 0 AND expires_at > ?", (key, now)
    )


async def end_oldest(connection: Connection, *, user_id: int, keep: int) -> None:
    """Remove all links of `user_id` except the latest `keep`."""
    await connection.execute(
        "DELETE FROM paint_links WHERE user_id = ?1 AND key NOT IN (SELECT key FROM paint_links"
        " WHERE user_id = ?1 ORDER BY expires_at DESC, key LIMIT ?2)",
        (user_id, keep),
    )


async def expire(connection: Connection, *, now: float) -> None:
    """Remove expired links."""
    await connection.execute("DELETE FROM paint_links WHERE expires_at <= ?", (now,))


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove all links of `user_id`."""
    await connection.execute("DELETE FROM paint_links WHERE user_id = ?", (user_id,))
