"""The `notes` table: small facts that the bot remembers about itself."""

from aiosqlite import Connection


async def get(connection: Connection, *, key: str) -> str | None:
    """What is noted under `key`."""
    async with connection.execute("SELECT value FROM notes WHERE key = ?", (key,)) as cursor:
        row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def put(connection: Connection, *, key: str, value: str) -> None:
    """Note `value` under `key`, replacing what was there."""
    await connection.execute(
        "INSERT INTO notes (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
