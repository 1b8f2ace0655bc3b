"""Usage of a server, counted from the `jobs` table with an index only."""

from dataclasses import dataclass
from typing import Final

from data.store.connection import Connection

DAY_S: Final = 86_400.0

PER_DAY: Final = (
    f"SELECT CAST(accepted_at / {DAY_S} AS INTEGER) AS day, SUM(pictures) AS pictures,"  # noqa: S608 - a number of ours
    " SUM(pictures * private) AS private FROM jobs"
    " WHERE guild_id = ? AND state = 'finished' AND accepted_at >= ?"
    " GROUP BY day ORDER BY day DESC"
)
MEMBERS: Final = (
    "SELECT user_id, SUM(pictures) AS pictures FROM jobs"
    " WHERE guild_id = ? AND state = 'finished' AND accepted_at >= ?"
    " GROUP BY +user_id ORDER BY pictures DESC, user_id LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUse:
    """Pictures of the requests that were accepted on one day and are finished. `day`: since
    1970-01-01, in UTC. `private`: how many of the pictures only their makers saw."""

    day: int
    pictures: int
    private: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberUse:
    """Pictures of one member in a period, including private ones."""

    user_id: int
    pictures: int


async def per_day(connection: Connection, *, guild_id: int, since: float) -> list[DayUse]:
    """Days with pictures, newest first."""
    rows = await connection.every(PER_DAY, (guild_id, since))
    return [DayUse(**row) for row in rows]


async def members(
    connection: Connection, *, guild_id: int, since: float, limit: int
) -> list[MemberUse]:
    """Up to `limit` members with pictures, those with the most first."""
    rows = await connection.every(MEMBERS, (guild_id, since, limit))
    return [MemberUse(**row) for row in rows]
