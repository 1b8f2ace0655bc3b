"""The `quota_grants` table: what a person may make beyond the limits, in hundredths of a picture,
until used."""

from typing import Final

from data.store.connection import Connection

OVERALL: Final = 0
"""The `guild_id` of a grant beyond the operator's limits."""

_IN_HUNDREDTHS: Final = "SELECT 1 FROM pragma_table_info('quota_grants') WHERE name = 'hundredths'"


async def left(connection: Connection, *, guild_id: int, user_id: int) -> int:
    """How many are left."""
    return (
        await connection.value(
            "SELECT hundredths FROM quota_grants WHERE guild_id = ? AND user_id = ?",
            (guild_id, user_id),
        )
        or 0
    )


async def add(connection: Connection, *, guild_id: int, user_id: int, hundredths: int) -> None:
    """Grant more, or take some back (a negative number). sqlite3.IntegrityError below zero.

    In a restored database from before 26 the unit is a picture, also of what was taken.
    """
    if hundredths:
        column = "hundredths" if await connection.exists(_IN_HUNDREDTHS) else "pictures"
        await connection.execute(
            f"INSERT INTO quota_grants (guild_id, user_id, {column})"  # noqa: S608 - see above
            " VALUES (?1, ?2, max(?3, 0)) ON CONFLICT (guild_id, user_id)"
            f" DO UPDATE SET {column} = {column} + ?3",
            (guild_id, user_id, hundredths),
        )


async def of_user(connection: Connection, *, user_id: int) -> dict[int, int]:
    """What a person has left, by server."""
    rows = await connection.every(
        "SELECT guild_id, hundredths FROM quota_grants WHERE user_id = ? AND hundredths > 0",
        (user_id,),
    )
    return {int(row[0]): int(row[1]) for row in rows}


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove what was granted to `user_id`."""
    await connection.execute("DELETE FROM quota_grants WHERE user_id = ?", (user_id,))
