"""The `reports` and `reporters` tables: pictures reported to moderators."""

import json
from dataclasses import dataclass
from typing import Literal

from data.store.connection import Connection, Table
from data.store.times import CLOCK_STEP_S

State = Literal["open", "dismissed", "deleted", "blocked"]
Decision = Literal["dismissed", "deleted", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One reported request. `reasons`: those of all reporters, anonymously."""

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
    """The outcome of a report, for one of its reporters."""

    locale: str
    state: State


_REPORTS = Table(
    Report,
    "reports",
    columns="id, guild_id, job_id, maker_id, channel_id, message_id, opened_at, state, claimed_by,"
    " claimed_at, (SELECT json_group_array(reason) FROM (SELECT reason FROM reporters"
    " WHERE report_id = reports.id ORDER BY reported_at, user_id)) AS reasons",
    read={"reasons": lambda stored: tuple(json.loads(stored))},
)


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
    """Open a report, or find the open one about the same job; returns its id."""
    await connection.execute(
        "INSERT INTO reports (id, guild_id, job_id, maker_id, channel_id, message_id, opened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (report_id, guild_id, job_id, maker_id, channel_id, message_id, now),
    )
    return await connection.value(
        "SELECT id FROM reports WHERE job_id = ? AND state = 'open'", (job_id,)
    )


async def join(
    connection: Connection, *, report_id: str, user_id: int, reason: str, locale: str, now: float
) -> bool:
    """Add a reporter; False if they had already reported it."""
    return await connection.changes(
        "INSERT INTO reporters (report_id, user_id, reason, locale, reported_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (report_id, user_id, reason, locale, now),
    )


async def get(connection: Connection, *, report_id: str) -> Report | None:
    """The report with this id, in any state."""
    return await _REPORTS.one(connection, "WHERE id = ?", (report_id,))


async def next_open(
    connection: Connection, *, guild_id: int, not_of: int, after: str | None = None
) -> Report | None:
    """The server's oldest open report about anybody but `not_of`; with `after` the one that follows
    it, or the first again after the last."""
    return await _REPORTS.one(
        connection,
        "WHERE state = 'open' AND guild_id = ?1 AND maker_id <> ?2"
        " ORDER BY (?3 IS NOT NULL AND (opened_at, id) <="
        " (SELECT opened_at, id FROM reports WHERE id = ?3)), opened_at, id LIMIT 1",
        (guild_id, not_of, after),
    )


async def count_open(connection: Connection, *, guild_id: int, not_of: int) -> int:
    """How many open reports there are."""
    return await connection.value(
        "SELECT COUNT(*) FROM reports WHERE state = 'open' AND guild_id = ? AND maker_id <> ?",
        (guild_id, not_of),
    )


async def claim(
    connection: Connection, *, report_id: str, by: int, now: float, stale_before: float
) -> bool:
    """Take a report; False if it is decided, or another moderator took it after `stale_before` (a
    time after `now` was recorded by a clock that was ahead, and is ignored)."""
    return await connection.changes(
        "UPDATE reports SET claimed_by = ?1, claimed_at = ?2 WHERE id = ?3 AND state = 'open'"
        " AND (claimed_by IS NULL OR claimed_by = ?1 OR claimed_at < ?4 OR claimed_at > ?5)",
        (by, now, report_id, stale_before, now + CLOCK_STEP_S),
    )


async def decide(
    connection: Connection, *, report_id: str, decision: Decision, by: int, now: float
) -> bool:
    """Close a report; False if it is already closed."""
    return await connection.changes(
        "UPDATE reports SET state = ?, decided_by = ?, decided_at = ?"
        " WHERE id = ? AND state = 'open'",
        (decision, by, now, report_id),
    )


async def picture_gone(connection: Connection, *, job_id: str, now: float) -> None:
    """Close the reports of a deleted job: nothing is left to decide."""
    await connection.execute(
        "UPDATE reports SET state = 'deleted', decided_at = ? WHERE job_id = ? AND state = 'open'",
        (now, job_id),
    )


async def answer_of(connection: Connection, *, report_id: str, user_id: int) -> Answer | None:
    """The answer to a reporter; None if there is nothing to answer any more."""
    row = await connection.first(
        "SELECT locale, state FROM reporters JOIN reports ON reports.id = report_id"
        " WHERE report_id = ? AND user_id = ? AND state <> 'open'",
        (report_id, user_id),
    )
    return None if row is None else Answer(**row)


async def made_by(connection: Connection, *, user_id: int) -> list[tuple[str, str, float, str]]:
    """(job, reason, when, outcome) of everything that a person reported."""
    rows = await connection.every(
        "SELECT job_id, reason, reported_at, state FROM reporters JOIN reports"
        " ON reports.id = report_id WHERE user_id = ? ORDER BY reported_at",
        (user_id,),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove a person's reports (entirely if nobody else made them), and those about them, since
    their pictures are deleted."""
    await connection.execute("DELETE FROM reporters WHERE user_id = ?", (user_id,))
    await connection.execute(
        "DELETE FROM reports WHERE maker_id = ?"
        " OR NOT EXISTS (SELECT 1 FROM reporters WHERE report_id = reports.id)",
        (user_id,),
    )
