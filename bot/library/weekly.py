"""The weekly report to the bot's operators, if WEEKLY_REPORT is set.

When the next one is due is stored, with what must be known then of the week's beginning. So a bot
that was not installed or did not run reports nothing, and one that comes back a day late still
does.
"""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.accept.limits import DAY_S
from bot.jobs.draw.energy import JOULES_A_WATT_HOUR
from bot.outbox.kinds import Kind, person_lane
from data.guilds import backlog, outbox
from data.guilds.backlog import Backlog
from data.jobs import of_person, week
from data.jobs.week import Happened
from data.store import electricity, notes
from data.store.connection import Connection
from data.store.database import Database
from pipeline.jsonfields import JsonFields

LOOK_EVERY_S = 60.0
HOUR: Final = 9  # on Mondays, by this machine's clock
LATE_S: Final = 1.5 * DAY_S
"""A report that is due for longer is left out; so is one that Discord did not take for so long."""
_KEY: Final = "weekly_report"
_FARTHEST_S: Final = 8 * DAY_S  # what seems to be due later was planned by a clock that was ahead
_SHORTEST_S: Final = DAY_S  # for a rate that says anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A period to report, in seconds since the epoch. `free_bytes`: on the disk of DATA_DIR when
    it began; `measured`: pictures whose electricity had been measured until then, and their
    `energy_j`, in joules."""

    since: float
    until: float
    free_bytes: int
    measured: int = 0
    energy_j: float = 0.0

    @classmethod
    def read(cls, stored: str | None) -> "Week | None":
        """As `json.dumps` of it wrote it; None for anything else."""
        try:
            fields = JsonFields.parse(stored or "")
            return cls(
                since=fields.number("since"),
                until=fields.number("until"),
                free_bytes=int(fields.number("free_bytes")),
                measured=int(fields.number("measured")) if "measured" in fields else 0,
                energy_j=fields.number("energy_j") if "energy_j" in fields else 0.0,
            )
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the operator reads. `full_in_days`: until the disk is full if the week's use goes on;
    None if it does not fill up, or that can't be told yet. `picture_wh`: watt-hours of a picture on
    average, None if none was measured."""

    until: float
    happened: Happened
    backlog: Backlog
    parked: int
    free_bytes: int
    full_in_days: float | None
    version: str
    picture_wh: float | None = None


def next_due(now: float) -> float:
    """The first Monday at HOUR after `now`, by this machine's time zone."""
    today = time.localtime(now)
    ahead = -today.tm_wday % 7
    for days in (ahead, ahead + 7):
        day = (today.tm_year, today.tm_mon, today.tm_mday + days, HOUR, 0, 0, 0, 0, -1)
        due = time.mktime(day)
        if due > now:
            return due
    raise AssertionError("the second one is later")


def is_current(planned: Week | None, *, now: float) -> bool:
    """Whether nothing is to be done yet."""
    return planned is not None and now < planned.until <= now + _FARTHEST_S


def is_due(planned: Week, *, now: float) -> bool:
    """Whether it is to be reported, not left out."""
    return planned.until <= now <= planned.until + LATE_S


def full_in_days(week: Week, *, free_bytes: int, now: float) -> float | None:
    """See `Report`."""
    used, took_s = week.free_bytes - free_bytes, now - week.since
    if used <= 0 or took_s < _SHORTEST_S:
        return None
    return free_bytes / used * took_s / DAY_S


def picture_wh(week: Week, measured: int, energy_j: float) -> float | None:
    """See `Report`; the values are those of now."""
    pictures, used_j = measured - week.measured, energy_j - week.energy_j
    if pictures < 1 or used_j < 0:
        return None
    return used_j / pictures / JOULES_A_WATT_HOUR


class WeeklyReports:
    """Plans reports and writes them. `folder`: DATA_DIR."""

    def __init__(self, *, database: Database, clock: Clock, folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder

    async def look(self, recipients: Callable[[], Awaitable[Iterable[int]]]) -> None:
        """Have the outbox send the report to all `recipients` if it is due, and plan the next."""
        now = self._clock.time()
        planned = Week.read(await self._database.read(notes.get, key=_KEY))
        if is_current(planned, now=now):
            return
        due = planned if planned is not None and is_due(planned, now=now) else None
        people = () if due is None else await recipients()
        measured, energy_j = await self._database.read(electricity.get)
        following = Week(
            since=now if due is None else due.until,
            until=next_due(now),
            free_bytes=await asyncio.to_thread(self._free_bytes),
            measured=measured,
            energy_j=energy_j,
        )
        async with self._database.transaction() as connection:
            await notes.put(connection, key=_KEY, value=json.dumps(asdict(following)))
            if due is not None:
                await _put(connection, due, people)
        hit("weekly_report_put")

    async def report(self, payload: Mapping[str, Any]) -> Report | None:
        """The report of a `Week` in an item of the outbox; None if it is too late for it."""
        now, due = self._clock.time(), Week(**payload)
        if now > due.until + LATE_S:
            return None
        free_bytes = await asyncio.to_thread(self._free_bytes)
        async with self._database.reader() as connection:
            return Report(
                until=due.until,
                happened=await week.happened(connection, since=due.since, until=due.until),
                backlog=await backlog.count(connection),
                parked=(await outbox.counts(connection))["parked"],
                free_bytes=free_bytes,
                full_in_days=full_in_days(due, free_bytes=free_bytes, now=now),
                version=version("ekaki"),
                picture_wh=picture_wh(due, *await electricity.get(connection)),
            )

    async def locale_of(self, user_id: int) -> str | None:
        """The language of what this person last requested; None: nothing yet."""
        return await self._database.read(of_person.latest_locale, user_id=user_id)

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free


async def _put(connection: Connection, due: Week, people: Iterable[int]) -> None:
    for user_id in people:
        await outbox.put(
            connection,
            kind=Kind.WEEKLY_REPORT,
            key=f"{due.until:.0f}:{user_id}",
            lane=person_lane(user_id),
            payload=asdict(due),
        )
