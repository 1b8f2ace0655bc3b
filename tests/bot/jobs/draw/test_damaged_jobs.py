"""A job whose row is damaged stops no other, also after a restart."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.draw import resume
from bot.jobs.keep import store
from bot.jobs.keep.stored import StoredJob
from bot.jobs.values import CancelledEvent, Completed, Failed
from data.jobs.jobs import JobRecord
from data.store.connection import Connection
from pipeline.rating import Rating
from tests.bot.conftest import open_harness
from tests.bot.jobs.draw.test_attempts import accepted, rows

NO_REQUEST = """request = '{"prompt": 5}'"""
OPEN = {
    "no JSON": "request = '{'",
    "of another version": NO_REQUEST,
    "no text": "request = CAST(x'ff' AS TEXT)",
    "steps beyond all bounds": "request = json_set(request, '$.num_inference_steps', 1e300)",
    "deeper than anybody reads": "request = printf('%.*c', 5000, '[')",
}
ENDED = {
    "error that is no JSON": "state = 'failed', ended_at = 1, error = '{'",
    "error without a key": "state = 'failed', ended_at = 1, error = '{}'",
    "error with odd data": """state = 'failed', ended_at = 1, error = '{"key": 1, "data": 2}'""",
    "failed without an error": "state = 'failed', ended_at = 1",
    "request": f"state = 'cancelled', ended_at = 1, {NO_REQUEST}",
}


def damage(folder: Path, job_id: str, change: str) -> None:
    with closing(sqlite3.connect(folder / "test.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE jobs SET {change} WHERE id = ?", (job_id,))


def row_of(folder: Path, job_id: str) -> tuple[object, ...]:
    (row,) = rows(folder, f"SELECT state, delivery FROM jobs WHERE id = '{job_id}'")
    return row


@pytest.mark.parametrize("change", OPEN.values(), ids=OPEN)
async def test_a_request_that_can_not_be_read_fails_and_is_refunded_and_others_are_drawn(
    tmp_path: Path, change: str
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    damage(tmp_path, bad, change)
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(good), Completed)
        assert isinstance(await harness.ended(bad), Failed), "and is told so"
        assert {job.id for job in await harness.jobs.to_present()} == {good, bad}
        assert (await harness.jobs.limits_of(user_id=1)).day.used == 0
        assert (await harness.jobs.limits_of(user_id=2)).day.used == 1
    assert row_of(tmp_path, bad) == ("failed", "pending")


@pytest.mark.parametrize("change", ["rating = 77", "rating = -1", "ceiling = 9"])
async def test_a_rating_that_there_is_not_stops_nothing(tmp_path: Path, change: str) -> None:
    odd, good = await accepted(tmp_path, 1, 2)
    damage(tmp_path, odd, change)
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(good), Completed)
        assert isinstance(await harness.ended(odd), Completed)
        job = await harness.jobs.job(odd)
        assert job is not None
        assert job.rating == (Rating.EXPLICIT if "rating" in change else Rating.SAFE)
        assert job.ceiling == (Rating.SAFE if "ceiling" in change else job.ceiling)


@pytest.mark.parametrize("change", ENDED.values(), ids=ENDED)
async def test_a_damaged_job_that_is_to_be_told_of_keeps_no_other_from_being_told(
    tmp_path: Path, change: str
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    damage(tmp_path, bad, change)
    damage(tmp_path, good, "state = 'cancelled', ended_at = 1")
    async with open_harness(tmp_path) as harness:
        assert {job.id for job in await harness.jobs.to_present()} == {bad, good}
        assert isinstance(await harness.ended(bad), Failed | CancelledEvent)


async def test_a_job_whose_pictures_can_not_be_read_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    stored_job = store.stored_job

    async def breaks(connection: Connection, job: JobRecord) -> StoredJob:
        if job.id == bad:
            raise OverflowError
        return await stored_job(connection, job)

    monkeypatch.setattr(store, "stored_job", breaks)
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(good), Completed)
        assert (await harness.jobs.limits_of(user_id=1)).day.used == 0
    assert row_of(tmp_path, bad) == ("failed", "kept")


async def test_a_job_that_can_not_be_lined_up_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    live_job = resume.live_job

    def breaks(job: Any, *more: Any) -> Any:
        if job.id == bad:
            raise OverflowError
        return live_job(job, *more)

    monkeypatch.setattr(resume, "live_job", breaks)
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(good), Completed)
    assert row_of(tmp_path, bad) == ("failed", "kept")


async def test_a_house_that_does_not_draw_closes_nothing(tmp_path: Path) -> None:
    """`bot sync` may run beside a bot of another version."""
    (bad,) = await accepted(tmp_path, 1)
    damage(tmp_path, bad, "attempts = 7")
    async with open_harness(tmp_path, loads=[]) as harness:
        await harness.jobs.stop()
    assert row_of(tmp_path, bad) == ("queued", "pending")
