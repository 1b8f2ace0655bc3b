"""The `quota_uses` table: a ledger of pictures taken from each person's quota.

Windows slide: a picture counts until it is one hour (one day) old.
"""

from dataclasses import dataclass

from aiosqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Pictures taken at a time (seconds since the epoch)."""

    used_at: float
    pictures: int


async def uses_since(connection: Connection, *, user_id: int, since: float) -> list[Use]:
    """What `user_id` took after `since` and did not get back, the oldest first."""
    async with connection.execute(
        "SELECT used_at, pictures FROM quota_uses"
        " WHERE user_id = ? AND refunded = 0 AND used_at > ? ORDER BY used_at, id",
        (user_id, since),
    ) as cursor:
        return [Use(used_at=row[0], pictures=row[1]) for row in await cursor.fetchall()]


async def consume(
    connection: Connection, *, job_id: str, user_id: int, pictures: int, now: float
) -> None:
    """Take `pictures` from the quota of `user_id` for `job_id`."""
    await connection.execute(
        "INSERT INTO quota_uses (job_id, user_id, pictures, used_at) VALUES (?, ?, ?, ?)",
        (job_id, user_id, pictures, now),
    )


async def refund(connection: Connection, *, job_id: str) -> bool:
    """Give back what `job_id` took; False where nothing was to be given back (any more)."""
    cursor = await connection.execute(
        "UPDATE quota_uses SET refunded = 1 WHERE job_id = ? AND refunded = 0", (job_id,)
    )
    return cursor.rowcount == 1


async def all_of_user(connection: Connection, *, user_id: int) -> list[Use]:
    """Everything the ledger has of `user_id` and was not given back, the oldest first."""
    return await uses_since(connection, user_id=user_id, since=float("-inf"))


async def expire(connection: Connection, *, before: float) -> None:
    """Remove uses up to `before` whose job was deleted: they count no longer."""
    await connection.execute(
        "DELETE FROM quota_uses WHERE job_id IS NULL AND used_at <= ?", (before,)
    )
