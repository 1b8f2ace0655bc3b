"""A short soak: what `make soak` does at length, with kills and a restore at the end."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.stage import DATABASE
from tests.soak import report
from tests.soak.checks import DayCheck, most_within
from tests.soak.keeping import Checkpoint, copy_state
from tests.soak.plan import DAY_S, Plan, bursts
from tests.soak.restoring import compared, restored
from tests.soak.run import Notes, Soak, open_soak
from tests.soak.samples import Sample
from tests.support.jumping import JumpingLoop, SharedClock
from tests.support.released import unpack

SHORT = Plan(jobs=150, seed=3, days=3, bursts=2, people=40)


def nothing(_line: str) -> None:
    """Nobody reads along."""


@pytest.mark.timeout(300)
def test_nothing_is_lost_over_days_and_a_restore_shows_the_same(tmp_path: Path) -> None:
    logging.getLogger("aiohttp.server").disabled = True

    async def first_days() -> None:
        async with open_soak(SHORT, tmp_path, nothing) as soak:
            await soak.begin()
            await soak.day(4)  # killed
            assert soak.notes.complaints == []
            await what_is_wrong_is_noticed(soak)

    async def last_day() -> Notes:
        async with open_soak(SHORT, tmp_path, nothing) as soak:
            assert soak.notes.day == 5, "it goes on from the checkpoint"
            await soak.start()
            await soak.day(5)  # away for hours
            assert await restored(soak) == []
            return soak.notes

    asyncio.run(first_days())
    notes = asyncio.run(last_day())
    assert notes.complaints == []
    assert notes.events["kill"]
    assert notes.events["away"]
    assert notes.totals.jobs["finished"] > SHORT.share(4, 0)
    report.write(SHORT, notes, tmp_path / "docs")
    text = (tmp_path / "docs" / "soak.md").read_text(encoding="utf-8")
    assert "Nothing was lost" in text
    for name in report.plots(notes.samples):
        assert f"soak/{name}.svg" in text
        assert (tmp_path / "docs" / "soak" / f"{name}.svg").exists()


async def what_is_wrong_is_noticed(soak: Soak) -> None:
    """All of it after the checkpoint, which the next run goes on from."""
    since = soak.clock.time() - 30 * DAY_S

    def found() -> str:
        check = DayCheck(
            soak.stage, soak.ledger, soak.crowd, soak.activity, soak.notes.totals, since=since
        )
        return "\n".join(check.run())

    drawn = [each for each in soak.ledger.jobs if soak.ledger.jobs[each].count]
    twice, lost, other = drawn[:3]
    soak.ledger.day = {twice, lost, other}
    soak.ledger.jobs[twice].posted |= {1: {}, 2: {}}
    soak.ledger.repeated.add("1:week")
    await soak.stage.execute("DELETE FROM jobs WHERE id = ?", lost)
    await soak.stage.execute("UPDATE quota_uses SET pictures = 30 WHERE job_id = ?", other)
    wrong = found()
    assert f"{twice}: 3 messages with its pictures, not 1" in wrong
    assert f"{lost}: acknowledged or posted, and not stored" in wrong
    assert "pictures in one hour, of 20" in wrong
    assert "two messages with the nonce 1:week" in wrong


def test_a_plan_has_all_its_jobs_and_calm_days_between_kills() -> None:
    plan = Plan(jobs=100_000, seed=1)
    week = [bursts(plan, day) for day in range(plan.days)]
    assert sum(burst.jobs for day in week for burst in day) == plan.jobs
    ends = [{burst.end for burst in day} for day in week]
    assert ends[:4] == [{"calm"}] * 4
    assert set().union(*ends) == {"calm", "kill", "failpoint", "restart", "away"}
    assert any(burst.outage for day in week for burst in day)
    assert week == [bursts(plan, day) for day in range(plan.days)], "the same after an interruption"


def test_the_most_of_any_window_is_found() -> None:
    uses = [(0.0, 4), (10.0, 4), (3600.0, 4), (3609.0, 4), (9000.0, 1)]
    assert most_within(uses, 3600.0) == 12
    assert most_within([], 3600.0) == 0


def test_growth_is_noticed(samples: list[Sample]) -> None:
    assert report.growth_complaints(samples) == []
    leaking = [replace(each, rss_mib=100 + each.life_jobs / 400) for each in samples]
    (complaint,) = report.growth_complaints(leaking)
    assert "memory grew by 2.50 MiB" in complaint
    backed_up = [
        replace(each, rss_mib=each.rss_mib + 3 * (each.jobs // 1000), backups_mib=each.jobs // 1000)
        for each in samples
    ]
    assert report.growth_complaints(backed_up) == []
    assert [1 < each < 6 for each in report.backup_steps(backed_up)] == [True] * 7
    held = [replace(each, descriptors=30 + each.life_jobs // 100) for each in samples]
    (complaint,) = report.growth_complaints(held)
    assert "descriptors" in complaint


@pytest.fixture
def samples() -> list[Sample]:
    """A process that does not grow after its warm-up."""
    return [
        Sample(
            life=1, jobs=jobs, life_jobs=jobs, day=jobs / 1000, jobs_per_s=20.0,
            rss_mib=120.0 + jobs % 3, descriptors=30, threads=15, tasks=17,
            worst_delay_ms=10.0, delays=[1] * 12, database_mib=5.0, wal_mib=4.0, free_mib=0.0,
            log_mib=0.1, pictures_mib=1.0, picture_files=10, backups_mib=1.0, rows_jobs=jobs,
            rows_log=jobs, entries=3, outbox=0,
        )
        for jobs in range(200, 8000, 200)
    ]  # fmt: skip


def test_timers_of_hours_follow_the_clock_and_timeouts_do_not(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock")
    loop = JumpingLoop(clock)

    async def wait() -> tuple[bool, bool]:
        hourly = asyncio.create_task(asyncio.sleep(3600.0))
        answer = asyncio.create_task(asyncio.sleep(60.0))
        await asyncio.sleep(0.1)
        clock.jump(3600.0)
        await asyncio.wait_for(hourly, 20.0)
        done = hourly.done(), answer.done()
        answer.cancel()
        return done

    try:
        assert loop.run_until_complete(wait()) == (True, False)
    finally:
        loop.close()


def test_another_process_sees_the_same_clock(tmp_path: Path) -> None:
    mine, theirs = SharedClock(tmp_path / "clock"), SharedClock(tmp_path / "clock")
    mine.set(1_000_000.0)
    assert abs(theirs.time() - 1_000_000.0) < 10.0
    theirs.late(30.0, tasks=5)
    worst_ms, delays = mine.take_delays()
    assert (worst_ms, sum(delays), mine.tasks) == (30.0, 1, 5)
    assert theirs.take_delays() == (0.0, [0] * len(delays))


def test_a_restore_that_loses_a_vote_is_noticed(tmp_path: Path) -> None:
    unpack("0.2", tmp_path / "one")
    copy_state(tmp_path / "one", tmp_path / "two", link=False)
    original, copy = tmp_path / "one" / DATABASE, tmp_path / "two" / DATABASE
    assert compared(original, copy) == []
    with closing(sqlite3.connect(copy)) as database, database:
        lost = database.execute("DELETE FROM gallery_votes").rowcount
    assert f"gallery_votes: of {lost} rows {lost} are lost, 0 are new" in compared(original, copy)


def test_a_folder_without_a_checkpoint_begins_anew(tmp_path: Path) -> None:
    assert not Checkpoint(tmp_path / "checkpoint").exists
