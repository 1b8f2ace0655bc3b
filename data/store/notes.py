"""The `notes` table: small facts that the bot stores about itself."""

from data.store.connection import Connection


async def get(connection: Connection, *, key: str) -> str | None:
    """The value of `key`."""
    return await connection.value("SELECT value FROM notes WHERE key = ?", (key,))


async def put(connection: Connection, *, key: str, value: str) -> None:
    """Store `value` under `key`, replacing an earlier one."""
    await connection.execute(
        "INSERT INTO notes (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
