"""What waits for somebody, over all servers: numbers only, for the operator."""

from dataclasses import dataclass

from data.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """`undelivered`: ended jobs whose user was not notified yet. `reports`: open ones. `reviews`:
    withheld pictures that wait for a moderator."""

    undelivered: int
    reports: int
    reviews: int


async def count(connection: Connection) -> Backlog:
    """Count them, with indexes only."""
    return Backlog(
        **await connection.first(
            "SELECT (SELECT COUNT(*) FROM jobs"
            "  WHERE delivery = 'pending' AND ended_at IS NOT NULL) AS undelivered,"
            " (SELECT COUNT(*) FROM reports WHERE state = 'open') AS reports,"
            " (SELECT COUNT(*) FROM withheld WHERE state = 'waiting') AS reviews"
        )
    )
