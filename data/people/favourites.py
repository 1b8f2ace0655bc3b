"""The `favourites` table: pictures that a person marked. Marking is idempotent."""

import json
from collections.abc import Iterable

from data.store.connection import Connection


async def mark(connection: Connection, *, user_id: int, picture_id: str, now: float) -> bool:
    """Mark a picture; False if it does not exist."""
    return await connection.changes(
        "INSERT INTO favourites (user_id, picture_id, marked_at)"
        " SELECT ?, id, ? FROM pictures WHERE id = ?"
        " ON CONFLICT (user_id, picture_id) DO UPDATE SET marked_at = marked_at",
        (user_id, now, picture_id),
    )


async def unmark(connection: Connection, *, user_id: int, picture_id: str) -> bool:
    """Remove the mark; False if there is none."""
    return await connection.changes(
        "DELETE FROM favourites WHERE user_id = ? AND picture_id = ?", (user_id, picture_id)
    )


async def among(
    connection: Connection, *, user_id: int, picture_ids: Iterable[str]
) -> frozenset[str]:
    """The `picture_ids` that `user_id` marked."""
    return frozenset(
        await connection.column(
            "SELECT picture_id FROM favourites WHERE user_id = ?"
            " AND picture_id IN (SELECT value FROM json_each(?))",
            (user_id, json.dumps(list(picture_ids))),
        )
    )


async def of_user(connection: Connection, *, user_id: int) -> list[tuple[str, float]]:
    """(picture id, when it was marked), oldest first."""
    rows = await connection.every(
        "SELECT picture_id, marked_at FROM favourites WHERE user_id = ?"
        " ORDER BY marked_at, picture_id",
        (user_id,),
    )
    return [(str(row[0]), float(row[1])) for row in rows]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove all marks of `user_id`."""
    await connection.execute("DELETE FROM favourites WHERE user_id = ?", (user_id,))
