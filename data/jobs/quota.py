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
    """Pictures taken at a time (seconds since the epoch). `cost`: what each of them counts, in
    hundredths of a picture (`pipeline.speed.cost`); `faces_cost`: what its faces count beside;
    `granted`: hundredths of all of them that a grant covers."""

    used_at: float
    pictures: int
    cost: int = 100
    faces_cost: int = 0
    granted: int = 0

    @property
    def hundredths(self) -> int:
        """What they count together."""
        return max(0, self.pictures * (self.cost + self.faces_cost) - self.granted)


async def uses_since(connection: Connection, *, user_id: int, since: float) -> list[Use]:
    """What counts towards the operator's limits: taken after `since`, oldest first."""
    values = (user_id, since)
    return await _uses(connection, "forgiven < 2", values, granted="granted_overall")


async def uses_here_since(
    connection: Connection, *, user_id: int, guild_id: int, since: float
) -> list[Use]:
    """What counts towards the limits of a server: taken there after `since`, oldest first."""
    values, here = (user_id, since, guild_id), "guild_id = ? AND forgiven = 0"
    return await _uses(connection, here, values, granted="granted_here")


async def upscales_here_since(
    connection: Connection, *, user_id: int, guild_id: int, since: float
) -> list[Use]:
    """The upscaled pictures among them, each counted as a whole one."""
    here = "guild_id = ? AND forgiven = 0 AND is_upscale = 1"
    found = await _uses(connection, here, (user_id, since, guild_id))
    return [Use(used_at=use.used_at, pictures=use.pictures) for use in found]


async def all_of_user(connection: Connection, *, user_id: int) -> list[Use]:
    """All uses of `user_id` that were not refunded, oldest first."""
    return await _uses(connection, "TRUE", (user_id, float("-inf")))


async def _uses(
    connection: Connection, condition: str, values: tuple[object, ...], granted: str = "0"
) -> list[Use]:
    rows = await connection.every(
        f"SELECT used_at, pictures, cost, faces_cost, {granted} AS granted"  # noqa: S608 - see above
        f" FROM quota_uses WHERE user_id = ? AND refunded = 0 AND used_at > ? AND {condition}"
        " ORDER BY used_at, id",
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
    cost: int = 100,
    faces_cost: int = 0,
    guild_id: int | None = None,
    is_upscale: bool = False,
    granted_here: int = 0,
    granted_overall: int = 0,
) -> None:
    """Take `pictures`, each of which counts `cost` and `faces_cost` hundredths, from the quota of
    `user_id` for `job_id`, so many of these from grants.

    It is recorded at `now`, or at the newest use if that is slightly ahead (`CLOCK_STEP_S`).
    """
    await _forgive_ahead(connection, user_id=user_id, now=now)
    await connection.execute(
        "INSERT INTO quota_uses (job_id, user_id, pictures, used_at, guild_id, is_upscale,"
        " granted_here, granted_overall, cost, faces_cost) VALUES (?1, ?2, ?3, max(?4,"
        " (SELECT coalesce(max(used_at), ?4) FROM quota_uses WHERE user_id = ?2"
        " AND forgiven < 2)), ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            job_id,
            user_id,
            pictures,
            now,
            guild_id,
            int(is_upscale),
            granted_here,
            granted_overall,
            cost,
            faces_cost,
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
    await _lower(connection, job_id, "pictures = pictures - ?2", pictures)


async def settle_faces(connection: Connection, *, job_id: str, faces_cost: int) -> None:
    """The pictures of `job_id` are finished: each counts `faces_cost` hundredths for its faces, and
    not what was taken at first."""
    await _lower(connection, job_id, "faces_cost = ?2", faces_cost)


async def _lower(connection: Connection, job_id: str, change: str, value: int) -> None:
    """Change what `job_id` counts. What that is less goes back to grants first, as they do not
    come back with time."""
    before = await _of_job(connection, job_id)
    if before is None:
        return
    await connection.execute(
        f"UPDATE quota_uses SET {change} WHERE job_id = ?1 AND refunded = 0",  # noqa: S608 - our own
        (job_id, value),
    )
    after = await _of_job(connection, job_id)
    assert after is not None, "in one transaction"
    user_id, guild_id, count, had_here, had_overall = before
    less = count - after[2]
    here, overall = (min(had, max(0, less)) for had in (had_here, had_overall))
    await connection.execute(
        "UPDATE quota_uses SET granted_here = ?, granted_overall = ?"
        " WHERE job_id = ? AND refunded = 0",
        (had_here - here, had_overall - overall, job_id),
    )
    await _give(connection, user_id, guild_id, here=here, overall=overall)


async def _of_job(
    connection: Connection, job_id: str
) -> "tuple[int, int | None, int, int, int] | None":
    """The user, the server, what all pictures count and what grants cover of that."""
    row = await connection.first(
        "SELECT user_id, guild_id, pictures * (cost + faces_cost), granted_here, granted_overall"
        " FROM quota_uses WHERE job_id = ? AND refunded = 0",
        (job_id,),
    )
    return None if row is None else (row[0], row[1], row[2], row[3], row[4])


async def _give(
    connection: Connection, user_id: int, guild_id: int | None, *, here: int, overall: int
) -> None:
    if guild_id is not None:
        await quota_grants.add(connection, guild_id=guild_id, user_id=user_id, hundredths=here)
    await quota_grants.add(connection, guild_id=OVERALL, user_id=user_id, hundredths=overall)


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
