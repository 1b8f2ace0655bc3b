"""The `tag_uses` table: which tags a person used before, to rank them higher in suggestions."""

from collections.abc import Iterable

from data.store.connection import Connection

MOST_USED = 500  # enough to reflect habits, small enough to be read for each suggestion


async def record(connection: Connection, *, user_id: int, tags: Iterable[str], now: float) -> None:
    """Count another use of each of `tags` (normalised names)."""
    await connection.executemany(
        "INSERT INTO tag_uses (user_id, tag, uses, used_at) VALUES (?, ?, 1, ?)"
        " ON CONFLICT (user_id, tag) DO UPDATE SET uses = uses + 1, used_at = excluded.used_at",
        [(user_id, tag, now) for tag in sorted(set(tags))],
    )


async def most_used(connection: Connection, *, user_id: int) -> dict[str, int]:
    """The tags that `user_id` used most, with counts."""
    rows = await connection.every(
        "SELECT tag, uses FROM tag_uses WHERE user_id = ? ORDER BY uses DESC, used_at DESC LIMIT ?",
        (user_id, MOST_USED),
    )
    return {str(row[0]): int(row[1]) for row in rows}


async def all_of_user(connection: Connection, *, user_id: int) -> list[tuple[str, int, float]]:
    """(tag, uses, when it was last used) of `user_id`, most used first."""
    rows = await connection.every(
        "SELECT tag, uses, used_at FROM tag_uses WHERE user_id = ? ORDER BY uses DESC, tag",
        (user_id,),
    )
    return [(str(row[0]), int(row[1]), float(row[2])) for row in rows]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove the tag uses of `user_id`."""
    await connection.execute("DELETE FROM tag_uses WHERE user_id = ?", (user_id,))


async def expire(connection: Connection, *, before: float) -> None:
    """Remove tags that their people used last before `before`."""
    await connection.execute("DELETE FROM tag_uses WHERE used_at <= ?", (before,))
