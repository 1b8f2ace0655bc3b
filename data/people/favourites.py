"""The `favourites` table: pictures that somebody marked. Marking twice is marking once."""

import json
from collections.abc import Iterable

from aiosqlite import Connection


async def mark(connection: Connection, *, user_id: int, picture_id: str, now: float) -> bool:
    """Mark a picture; False where there is no such picture (any more)."""
    cursor = await connection.execute(
        "INSERT INTO favourites (user_id, picture_id, marked_at)"
        " SELECT ?, id, ? FROM pictures WHERE id = ?"
        " ON CONFLICT (user_id, picture_id) DO UPDATE SET marked_at = marked_at",
        (user_id, now, picture_id),
    )
    return cursor.rowcount == 1


async def unmark(connection: Connection, *, user_id: int, picture_id: str) -> bool:
    """Take the mark away; False where there is none."""
    cursor = await connection.execute(
        "DELETE FROM favourites WHERE user_id = ? AND picture_id = ?", (user_id, picture_id)
    )
    return cursor.rowcount == 1


async def among(
    connection: Connection, *, user_id: int, picture_ids: Iterable[str]
) -> frozenset[str]:
    """Those of `picture_ids` that `user_id` marked."""
    async with connection.execute(
        "SELECT picture_id FROM favourites WHERE user_id = ?"
        " AND picture_id IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(list(picture_ids))),
    ) as cursor:
        return frozenset(str(row[0]) for row in await cursor.fetchall())


async def of_user(connection: Connection, *, user_id: int) -> list[tuple[str, float]]:
    """(picture id, when it was marked), the oldest first."""
    async with connection.execute(
        "SELECT picture_id, marked_at FROM favourites WHERE user_id = ?"
        " ORDER BY marked_at, picture_id",
        (user_id,),
    ) as cursor:
        return [(str(row[0]), float(row[1])) for row in await cursor.fetchall()]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove all marks of `user_id`."""
    await connection.execute("DELETE FROM favourites WHERE user_id = ?", (user_id,))
