"""The `quota_uses` table: pictures taken from each person's quota.

Windows slide: a picture counts until it is one hour (one day) old. Pictures before a reset or
covered by a grant don't count, and neither do those recorded by a clock that was ahead and has been
set back.
"""

from dataclasses import dataclass

from data.jobs import quota_grants
from data.jobs.quota_grants import OVERALL
from data.store.connection import Connection
from data.store.times import CLOCK_STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Pictures taken at a time (seconds since the epoch)."""

    used_at: float
    pictures: int


async def uses_since(connection: Connection, *, user_id: int, since: float) -> list[Use]:
    """What counts towards the operator's limits: taken after `since`, oldest first."""
    values = (user_id, since)
    return await _uses(connection, "forgiven < 2", values, pictures="pictures - granted_overall")


async def uses_here_since(
    connection: Connection, *, user_id: int, guild_id: int, since: float
) -> list[Use]:
    """What counts towards the limits of a server: taken there after `since`, oldest first."""
    values, here = (user_id, since, guild_id), "guild_id = ? AND forgiven = 0"
    return await _uses(connection, here, values, pictures="pictures - granted_here")


async def upscales_here_since(
    connection: Connection, *, user_id: int, guild_id: int, since: float
) -> list[Use]:
    """The upscaled pictures among them."""
    here = "guild_id = ? AND forgiven = 0 AND is_upscale = 1"
    return await _uses(connection, here, (user_id, since, guild_id))


async def all_of_user(connection: Connection, *, user_id: int) -> list[Use]:
    """All uses of `user_id` that were not refunded, oldest first."""
    return await _uses(connection, "TRUE", (user_id, float("-inf")))


async def _uses(
    connection: Connection, condition: str, values: tuple[object, ...], pictures: str = "pictures"
) -> list[Use]:
    rows = await connection.every(
        f"SELECT used_at, {pictures} AS pictures FROM quota_uses WHERE user_id = ?"  # noqa: S608 - see above
        f" AND refunded = 0 AND used_at > ? AND {condition} ORDER BY used_at, id",
        values,
    )
    return [Use(**row) for row in rows]


async def consume(
    connection: Connection,
    *,
    job_id: str,
    user_id: int,
    pictures: int,
    now: float,
    guild_id: int | None = None,
    is_upscale: bool = False,
    granted_here: int = 0,
    granted_overall: int = 0,
) -> None:
    """Take `pictures` from the quota of `user_id` for `job_id`, some of them from grants.

    It is recorded at `now`, or at the newest use if that is slightly ahead (`CLOCK_STEP_S`).
    """
    await _forgive_ahead(connection, user_id=user_id, now=now)
    await connection.execute(
        "INSERT INTO quota_uses (job_id, user_id, pictures, used_at, guild_id, is_upscale,"
        " granted_here, granted_overall) VALUES (?1, ?2, ?3, max(?4,"
        " (SELECT coalesce(max(used_at), ?4) FROM quota_uses WHERE user_id = ?2"
        " AND forgiven < 2)), ?5, ?6, ?7, ?8)",
        (
            job_id,
            user_id,
            pictures,
            now,
            guild_id,
            int(is_upscale),
            granted_here,
            granted_overall,
        ),
    )
    await _give(connection, user_id, guild_id, here=-granted_here, overall=-granted_overall)


async def _forgive_ahead(connection: Connection, *, user_id: int, now: float) -> None:
    """Uses after `now` did not count for what was just allowed: never count them, or they would be
    added once their time has come."""
    await connection.execute(
        "UPDATE quota_uses SET forgiven = 2 WHERE user_id = ? AND used_at > ?",
        (user_id, now + CLOCK_STEP_S),
    )


async def refund(connection: Connection, *, job_id: str) -> bool:
    """Refund what `job_id` took; False if there was nothing left to refund."""
    rows = await connection.every(
        "UPDATE quota_uses SET refunded = 1 WHERE job_id = ? AND refunded = 0"
        " RETURNING user_id, guild_id, granted_here, granted_overall",
        (job_id,),
    )
    for row in rows:
        await _give(connection, row[0], row[1], here=row[2], overall=row[3])
    return bool(rows)


async def give_back(connection: Connection, *, job_id: str, pictures: int) -> None:
    """Refund some, not all, of the pictures that `job_id` took: those that are withheld."""
    row = await connection.first(
        "SELECT id, user_id, guild_id, pictures - ?, granted_here, granted_overall"
        " FROM quota_uses WHERE job_id = ? AND refunded = 0",
        (pictures, job_id),
    )
    if row is None:
        return
    use_id, user_id, guild_id, left, had_here, had_overall = row
    here, overall = min(had_here, left), min(had_overall, left)
    await connection.execute(
        "UPDATE quota_uses SET pictures = ?, granted_here = ?, granted_overall = ? WHERE id = ?",
        (left, here, overall, use_id),
    )
    await _give(connection, user_id, guild_id, here=had_here - here, overall=had_overall - overall)


async def _give(
    connection: Connection, user_id: int, guild_id: int | None, *, here: int, overall: int
) -> None:
    if guild_id is not None:
        await quota_grants.add(connection, guild_id=guild_id, user_id=user_id, pictures=here)
    await quota_grants.add(connection, guild_id=OVERALL, user_id=user_id, pictures=overall)


async def forgive(connection: Connection, *, user_id: int, guild_id: int | None) -> None:
    """Stop counting earlier uses towards the limits of a server; None: towards any limit."""
    if guild_id is None:
        await connection.execute("UPDATE quota_uses SET forgiven = 2 WHERE user_id = ?", (user_id,))
    else:
        await connection.execute(
            "UPDATE quota_uses SET forgiven = 1 WHERE user_id = ? AND guild_id = ?"
            " AND forgiven = 0",
            (user_id, guild_id),
        )


async def expire(connection: Connection, *, before: float) -> None:
    """Remove uses up to `before` whose job was deleted, which no longer count."""
    await connection.execute(
        "DELETE FROM quota_uses WHERE job_id IS NULL AND used_at <= ?", (before,)
    )
