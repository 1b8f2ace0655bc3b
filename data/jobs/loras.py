"""The `job_loras` table: which LoRAs each request is drawn with."""

import json
from collections.abc import Iterable

from data.store.connection import Connection
from data.store.damage import ids_of


async def insert(
    connection: Connection, *, job_id: str, names: Iterable[str], role_ids: Iterable[int]
) -> None:
    """Record the LoRAs of a new job, by key, and the roles of who asked until it ends."""
    roles = json.dumps(sorted(role_ids))
    await connection.executemany(
        "INSERT INTO job_loras (job_id, name, roles) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(job_id, name, roles) for name in names],
    )


async def roles_of(connection: Connection, *, job_id: str) -> frozenset[int]:
    """The roles of who asked for an open job with LoRAs."""
    stored = await connection.column("SELECT roles FROM job_loras WHERE job_id = ?", (job_id,))
    return frozenset[int]().union(*map(ids_of, stored))


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
