"""What happened in a period, over all servers, for the weekly report: numbers only."""

from dataclasses import dataclass
from typing import Final

from data.store.connection import Connection

_COUNTS: Final = (
    "SELECT (SELECT COUNT(*) FROM pictures WHERE made_at >= ?1 AND made_at < ?2) AS pictures,"
    " (SELECT COUNT(DISTINCT user_id) FROM jobs"
    "  WHERE accepted_at >= ?1 AND accepted_at < ?2) AS people,"
    " (SELECT COUNT(*) FROM withheld WHERE withheld_at >= ?1 AND withheld_at < ?2) AS withheld"
)
_FAILURES: Final = (
    "SELECT CASE WHEN json_valid(error) THEN json_extract(error, '$.key') END AS key,"
    " COUNT(*) AS jobs FROM jobs WHERE state = 'failed' AND ended_at >= ? AND ended_at < ?"
    " GROUP BY 1 ORDER BY 2 DESC, 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """`pictures`: those that are still stored. `people`: who requested some. `failures`: (key of
    the error, jobs), most frequent first."""

    pictures: int
    people: int
    withheld: int
    failures: tuple[tuple[str, int], ...]


async def happened(connection: Connection, *, since: float, until: float) -> Happened:
    """Count between two times, in seconds since the epoch. Reads whole tables: it is called once a
    week."""
    failures = await connection.every(_FAILURES, (since, until))
    return Happened(
        **await connection.first(_COUNTS, (since, until)),
        failures=tuple((str(row["key"] or "engine_failed"), int(row["jobs"])) for row in failures),
    )
