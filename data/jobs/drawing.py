"""The `drawing` table: pictures that an engine is drawing or gets next. Triggers remove a row when
its picture is stored or its job ends."""

from data.store.connection import Connection


async def enter(connection: Connection, *, job_id: str, position: int) -> None:
    """Record that an engine is about to draw picture `position` of an open job. Idempotent."""
    await connection.execute(
        "INSERT INTO drawing (job_id, position)"
        " SELECT id, ? FROM jobs WHERE id = ? AND state IN ('queued', 'running')"
        " ON CONFLICT DO NOTHING",
        (position, job_id),
    )


async def remove(connection: Connection, *, job_id: str, position: int) -> None:
    """Record that no engine is drawing it any more, though it is not finished."""
    await connection.execute(
        "DELETE FROM drawing WHERE job_id = ? AND position = ?", (job_id, position)
    )


async def clear(connection: Connection) -> None:
    """Record that no engine is drawing anything."""
    await connection.execute("DELETE FROM drawing")


async def is_empty(connection: Connection) -> bool:
    """Whether no engine is drawing anything."""
    return not await connection.exists("SELECT 1 FROM drawing LIMIT 1")


async def count_attempts(connection: Connection) -> list[tuple[str, int]]:
    """After the process ended: count a failed attempt for each job that was being drawn, and clear
    the table. Returns the jobs with their attempts, oldest first."""
    rows = await connection.every(
        "UPDATE jobs SET attempts = attempts + 1"
        " WHERE id IN (SELECT job_id FROM drawing) AND state IN ('queued', 'running')"
        " RETURNING id, attempts, accepted_at"
    )
    found = [tuple(row) for row in rows]
    await clear(connection)
    return [(str(row[0]), int(row[1])) for row in sorted(found, key=lambda row: row[2])]
