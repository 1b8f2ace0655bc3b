"""The `quota_grants` table: pictures that a person may make beyond the limits, until used."""

from typing import Final

from data.store.connection import Connection

OVERALL: Final = 0
"""The `guild_id` of a grant beyond the operator's limits."""


async def left(connection: Connection, *, guild_id: int, user_id: int) -> int:
    """How many are left."""
    return (
        await connection.value(
            "SELECT pictures FROM quota_grants WHERE guild_id = ? AND user_id = ?",
            (guild_id, user_id),
        )
        or 0
    )


async def add(connection: Connection, *, guild_id: int, user_id: int, pictures: int) -> None:
    """Grant more, or take some back (a negative number). sqlite3.IntegrityError below zero."""
    if pictures:
        await connection.execute(
            "INSERT INTO quota_grants (guild_id, user_id, pictures) VALUES (?1, ?2, max(?3, 0))"
            " ON CONFLICT (guild_id, user_id) DO UPDATE SET pictures = pictures + ?3",
            (guild_id, user_id, pictures),
        )


async def of_user(connection: Connection, *, user_id: int) -> dict[int, int]:
    """What a person has left, by server."""
    rows = await connection.every(
        "SELECT guild_id, pictures FROM quota_grants WHERE user_id = ? AND pictures > 0", (user_id,)
    )
    return {int(row[0]): int(row[1]) for row in rows}


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove what was granted to `user_id`."""
    await connection.execute("DELETE FROM quota_grants WHERE user_id = ?", (user_id,))
