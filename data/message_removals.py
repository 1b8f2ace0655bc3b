"""The `message_removals` table: messages of ours that are to go from Discord, until they are."""

from aiosqlite import Connection


async def ask(connection: Connection, *, channel_id: int, message_id: int, now: float) -> None:
    """Have a message removed; asking twice is the same."""
    await connection.execute(
        "INSERT OR IGNORE INTO message_removals (channel_id, message_id, asked_at)"
        " VALUES (?, ?, ?)",
        (channel_id, message_id, now),
    )


async def waiting(connection: Connection, *, limit: int) -> list[tuple[int, int]]:
    """(channel, message) of what is to be removed, the oldest first."""
    async with connection.execute(
        "SELECT channel_id, message_id FROM message_removals ORDER BY asked_at, message_id LIMIT ?",
        (limit,),
    ) as cursor:
        return [(int(row[0]), int(row[1])) for row in await cursor.fetchall()]


async def done(connection: Connection, *, channel_id: int, message_id: int) -> None:
    """The message is gone, or nothing of ours can remove it."""
    await connection.execute(
        "DELETE FROM message_removals WHERE channel_id = ? AND message_id = ?",
        (channel_id, message_id),
    )
