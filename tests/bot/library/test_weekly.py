"""When a weekly report is due, and what it counts."""

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bot.jobs.accept.limits import DAY_S
from bot.library.weekly import LATE_S, Week, WeeklyReports, full_in_days, is_current, next_due
from data.guilds import outbox
from data.jobs import jobs, pictures
from data.jobs.week import Happened, happened
from data.store.database import Database
from tests.data.records import a_job, a_picture
from tests.support.clock import ManualClock

WEEK_S = 7 * DAY_S


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("this is Windows, whose time zone belongs to the system")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def at(*moment: int) -> float:
    """Seconds since the epoch of a moment by this machine's clock."""
    return datetime(*moment).timestamp()  # type: ignore[arg-type]  # noqa: DTZ001 - local time


def day_of(seconds: float) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M", time.localtime(seconds))


def test_reports_are_due_on_mondays_at_nine_also_when_clocks_change(zone: str) -> None:
    moment, mondays = at(2026, 10, 1, 12, 0), list[str]()
    for _ in range(30):
        moment = next_due(moment)
        mondays.append(day_of(moment))
    assert {each.split()[0] for each in mondays} == {"Mon"}
    assert {each.split()[2] for each in mondays} == {"09:00"}
    assert len(set(mondays)) == 30
    assert next_due(at(2026, 11, 30, 8, 59)) == at(2026, 11, 30, 9, 0)
    assert next_due(at(2026, 11, 30, 9, 0)) == at(2026, 12, 7, 9, 0)
    assert next_due(at(2026, 12, 31, 23, 0)) == at(2027, 1, 4, 9, 0)


def test_the_disk_is_full_when_the_weeks_use_goes_on() -> None:
    week = Week(since=0.0, until=WEEK_S, free_bytes=1000)
    assert full_in_days(week, free_bytes=300, now=WEEK_S) == pytest.approx(3.0)
    assert full_in_days(week, free_bytes=1000, now=WEEK_S) is None
    assert full_in_days(week, free_bytes=2000, now=WEEK_S) is None
    assert full_in_days(week, free_bytes=300, now=3600.0) is None
    assert full_in_days(week, free_bytes=0, now=WEEK_S) == 0.0


@pytest.mark.parametrize("stored", [None, "", "nonsense", "[]", '{"since": 1}', '{"until": "x"}'])
def test_a_plan_that_cannot_be_read_is_none(stored: str | None) -> None:
    assert Week.read(stored) is None
    assert not is_current(Week.read(stored), now=0.0)


class Planner:
    """Reports of a database, with a clock in the test's hand."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = ManualClock(at(2026, 11, 25, 15, 0))  # a Wednesday
        self.asked = 0
        self.reports = WeeklyReports(database=database, clock=self.clock, folder=folder)

    async def look(self) -> list[str]:
        """The days of the reports that wait to be sent."""

        async def recipients() -> list[int]:
            self.asked += 1
            return [1, 2]

        await self.reports.look(recipients)
        async with self.database.reader() as connection:
            keys = await connection.column("SELECT key FROM outbox ORDER BY id")
        return [day_of(float(key.split(":")[0])) for key in keys]

    async def sent(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute("DELETE FROM outbox")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "test.db") as opened:
        yield opened


@pytest.fixture
def planner(database: Database, tmp_path: Path) -> Planner:
    return Planner(database, tmp_path)


async def test_a_new_bot_reports_from_its_first_monday_on_once(planner: Planner) -> None:
    assert await planner.look() == []
    planner.clock.now = at(2026, 11, 30, 8, 59)
    assert await planner.look() == []
    assert planner.asked == 0
    planner.clock.now = at(2026, 11, 30, 9, 0)
    assert await planner.look() == ["Mon 2026-11-30 09:00"] * 2
    await planner.sent()
    for hour in (9, 10, 23):
        planner.clock.now = at(2026, 11, 30, hour, 1)
        assert await planner.look() == []
    planner.clock.now = at(2026, 12, 7, 9, 5)
    assert await planner.look() == ["Mon 2026-12-07 09:00"] * 2


async def test_a_bot_that_was_down_on_monday_reports_when_it_is_back(planner: Planner) -> None:
    await planner.look()
    planner.clock.now = at(2026, 12, 1, 20, 0)
    assert await planner.look() == ["Mon 2026-11-30 09:00"] * 2


async def test_what_is_too_late_is_left_out_and_the_next_week_is_not(planner: Planner) -> None:
    await planner.look()
    planner.clock.now = at(2026, 12, 2, 9, 0)
    assert await planner.look() == []
    planner.clock.now = at(2026, 12, 7, 9, 0)
    assert await planner.look() == ["Mon 2026-12-07 09:00"] * 2


async def test_weeks_in_which_the_bot_did_not_run_are_not_reported(planner: Planner) -> None:
    await planner.look()
    planner.clock.now = at(2027, 3, 1, 10, 0)  # a Monday, months later
    assert await planner.look() == []


async def test_a_clock_that_was_ahead_does_not_silence_it(planner: Planner) -> None:
    planner.clock.now = at(2030, 1, 1, 0, 0)
    await planner.look()
    planner.clock.now = at(2026, 11, 25, 15, 0)
    await planner.look()
    planner.clock.now = at(2026, 11, 30, 9, 0)
    assert await planner.look() == ["Mon 2026-11-30 09:00"] * 2


async def test_it_is_tried_again_if_the_operators_are_not_known_now(planner: Planner) -> None:
    async def unknown() -> list[int]:
        raise ConnectionError

    await planner.look()
    planner.clock.now = at(2026, 11, 30, 9, 0)
    with pytest.raises(ConnectionError):
        await planner.reports.look(unknown)
    assert await planner.look() == ["Mon 2026-11-30 09:00"] * 2


async def test_a_report_is_of_its_own_week_and_dropped_when_late(planner: Planner) -> None:
    await planner.look()
    planner.clock.now = at(2026, 11, 30, 9, 0)
    await planner.look()
    async with planner.database.reader() as connection:
        (item, _) = await outbox.due_in(
            connection, lane="person:1", now=planner.clock.now, limit=9
        ) + await outbox.due_in(connection, lane="person:2", now=planner.clock.now, limit=9)
    assert item.payload["since"] == at(2026, 11, 25, 15, 0)
    report = await planner.reports.report(item.payload)
    assert report is not None
    assert report.until == at(2026, 11, 30, 9, 0)
    planner.clock.advance(LATE_S + 1)
    assert await planner.reports.report(item.payload) is None


async def test_what_happened_is_counted_within_the_period(database: Database) -> None:
    async with database.transaction() as connection:
        for number, (user, ended, key) in enumerate(
            ((1, 50.0, "engine_failed"), (1, 60.0, "engine_failed"), (2, 70.0, "withheld_rating"),
             (3, 200.0, "engine_failed"), (4, 60.0, None))
        ):  # fmt: skip
            job = a_job(f"job-{number}", user_id=user, accepted_at=ended - 1)
            request = replace(job.request, count=4)
            await jobs.insert(connection, job=replace(job, request=request))
            await jobs.mark_ended(
                connection,
                job_id=job.id,
                state="failed" if key else "finished",
                now=ended,
                error=f'{{"key": "{key}"}}' if key else None,
            )
        for number, made_at in enumerate((9.9, 10.0, 99.0, 100.0)):
            picture = a_picture(f"picture-{number}", "job-4", position=number)
            await pictures.insert(connection, picture=replace(picture, made_at=made_at))
        assert await happened(connection, since=10.0, until=100.0) == Happened(
            pictures=2,
            people=3,
            withheld=0,
            failures=(("engine_failed", 2), ("withheld_rating", 1)),
        )
