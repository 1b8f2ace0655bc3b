"""The `job_loras` table: which LoRAs each request was drawn with."""

from collections.abc import Iterable

from data.store.connection import Connection


async def insert(connection: Connection, *, job_id: str, names: Iterable[str]) -> None:
    """Record the LoRAs of a new job, by key."""
    await connection.executemany(
        "INSERT INTO job_loras (job_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(job_id, name) for name in names],
    )


async def counts(connection: Connection, *, guild_id: int | None, user_id: int) -> dict[str, int]:
    """How many pictures were drawn with each LoRA in a server; without one, by `user_id` in direct
    messages."""
    rows = await connection.every(
        "SELECT l.name, count(*) FROM job_loras l JOIN jobs j ON j.id = l.job_id"
        " JOIN pictures p ON p.job_id = j.id"
        " WHERE j.guild_id IS ?1 AND (?1 IS NOT NULL OR j.user_id = ?2) GROUP BY l.name",
        (guild_id, user_id),
    )
    return {str(row[0]): int(row[1]) for row in rows}
