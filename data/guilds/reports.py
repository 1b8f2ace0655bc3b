"""The `reports` and `reporters` tables: pictures that somebody wants moderators to look at."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from aiosqlite import Connection

from data.store.times import CLOCK_STEP_S

State = Literal["open", "dismissed", "deleted", "blocked"]
Decision = Literal["dismissed", "deleted", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One reported request. `reasons`: of all who reported it, without who they are."""

    id: str
    guild_id: int
    job_id: str
    maker_id: int
    channel_id: int
    message_id: int
    opened_at: float
    state: State
    claimed_by: int | None
    claimed_at: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a report, for one of those who made it."""

    locale: str
    state: State


_COLUMNS = (
    "id, guild_id, job_id, maker_id, channel_id, message_id, opened_at, state, claimed_by,"
    " claimed_at"
)


async def _report(connection: Connection, row: sqlite3.Row) -> Report:
    async with connection.execute(
        "SELECT reason FROM reporters WHERE report_id = ? ORDER BY reported_at, user_id",
        (row["id"],),
    ) as cursor:
        reasons = tuple([str(each[0]) for each in await cursor.fetchall()])
    values = {name: row[name] for name in _COLUMNS.split(", ")}
    return Report(**values, reasons=reasons)


async def open_report(
    connection: Connection,
    *,
    report_id: str,
    guild_id: int,
    job_id: str,
    maker_id: int,
    channel_id: int,
    message_id: int,
    now: float,
) -> str:
    """Open a report, or find the one that is open about the same job; gives its id."""
    await connection.execute(
        "INSERT INTO reports (id, guild_id, job_id, maker_id, channel_id, message_id, opened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (report_id, guild_id, job_id, maker_id, channel_id, message_id, now),
    )
    async with connection.execute(
        "SELECT id FROM reports WHERE job_id = ? AND state = 'open'", (job_id,)
    ) as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return str(row[0])


async def join(
    connection: Connection, *, report_id: str, user_id: int, reason: str, locale: str, now: float
) -> bool:
    """Add somebody to a report; False where they had reported it already."""
    cursor = await connection.execute(
        "INSERT INTO reporters (report_id, user_id, reason, locale, reported_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (report_id, user_id, reason, locale, now),
    )
    return cursor.rowcount == 1


async def get(connection: Connection, *, report_id: str) -> Report | None:
    """The report with this id, in any state."""
    sql = f"SELECT {_COLUMNS} FROM reports WHERE id = ?"  # noqa: S608 - constant columns
    async with connection.execute(sql, (report_id,)) as cursor:
        row = await cursor.fetchone()
    return None if row is None else await _report(connection, row)


async def next_open(
    connection: Connection, *, guild_id: int, not_of: int, after: str | None = None
) -> Report | None:
    """The oldest open report of a server about somebody else than `not_of`; with `after` the one
    that follows that one, or the first again after the last."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM reports WHERE state = 'open' AND guild_id = ?1"  # noqa: S608
        " AND maker_id <> ?2 ORDER BY (?3 IS NOT NULL AND (opened_at, id) <="
        " (SELECT opened_at, id FROM reports WHERE id = ?3)), opened_at, id LIMIT 1",
        (guild_id, not_of, after),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else await _report(connection, row)


async def count_open(connection: Connection, *, guild_id: int, not_of: int) -> int:
    """How many there are."""
    async with connection.execute(
        "SELECT COUNT(*) FROM reports WHERE state = 'open' AND guild_id = ? AND maker_id <> ?",
        (guild_id, not_of),
    ) as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def claim(
    connection: Connection, *, report_id: str, by: int, now: float, stale_before: float
) -> bool:
    """Take a report; False where it is decided, or somebody else took it after `stale_before`
    (what was taken after `now` was taken by a clock that was ahead, and counts no longer)."""
    cursor = await connection.execute(
        "UPDATE reports SET claimed_by = ?1, claimed_at = ?2 WHERE id = ?3 AND state = 'open'"
        " AND (claimed_by IS NULL OR claimed_by = ?1 OR claimed_at < ?4 OR claimed_at > ?5)",
        (by, now, report_id, stale_before, now + CLOCK_STEP_S),
    )
    return cursor.rowcount == 1


async def decide(
    connection: Connection, *, report_id: str, decision: Decision, by: int, now: float
) -> bool:
    """Close a report; False where it is closed already."""
    cursor = await connection.execute(
        "UPDATE reports SET state = ?, decided_by = ?, decided_at = ?"
        " WHERE id = ? AND state = 'open'",
        (decision, by, now, report_id),
    )
    return cursor.rowcount == 1


async def picture_gone(connection: Connection, *, job_id: str, now: float) -> None:
    """The reported pictures were deleted, by whomever: nothing is left to decide."""
    await connection.execute(
        "UPDATE reports SET state = 'deleted', decided_at = ? WHERE job_id = ? AND state = 'open'",
        (now, job_id),
    )


async def answer_of(connection: Connection, *, report_id: str, user_id: int) -> Answer | None:
    """What to tell who reported; None where there is nothing to tell (any more)."""
    async with connection.execute(
        "SELECT locale, state FROM reporters JOIN reports ON reports.id = report_id"
        " WHERE report_id = ? AND user_id = ? AND state <> 'open'",
        (report_id, user_id),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else Answer(locale=row[0], state=row[1])


async def made_by(connection: Connection, *, user_id: int) -> list[tuple[str, str, float, str]]:
    """(job, reason, when, what became of it) of everything that somebody reported."""
    async with connection.execute(
        "SELECT job_id, reason, reported_at, state FROM reporters JOIN reports"
        " ON reports.id = report_id WHERE user_id = ? ORDER BY reported_at",
        (user_id,),
    ) as cursor:
        return [(row[0], row[1], row[2], row[3]) for row in await cursor.fetchall()]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove somebody's own reports (one that nobody else made goes whole), and those about them,
    as their pictures are gone."""
    await connection.execute("DELETE FROM reporters WHERE user_id = ?", (user_id,))
    await connection.execute(
        "DELETE FROM reports WHERE maker_id = ?"
        " OR NOT EXISTS (SELECT 1 FROM reporters WHERE report_id = reports.id)",
        (user_id,),
    )
