"""A job whose row is damaged stops no other, also after a restart."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.jobs import service
from bot.jobs.values import Completed
from tests.bot.conftest import open_house
from tests.bot.test_attempts import accepted, rows

NO_REQUEST = """request = '{"prompt": 5}'"""
OPEN = {
    "request that is no JSON": "request = '{'",
    "request of another version": NO_REQUEST,
    "request that is no text": "request = CAST(x'ff' AS TEXT)",
    "rating that there is not": "rating = 77",
    "ceiling that there is not": "ceiling = -5",
    "steps beyond all bounds": "request = json_set(request, '$.num_inference_steps', 1e300)",
}
ENDED = {
    "error that is no JSON": "state = 'failed', ended_at = 1, error = '{'",
    "error without a key": "state = 'failed', ended_at = 1, error = '{}'",
    "request": f"state = 'cancelled', ended_at = 1, {NO_REQUEST}",
    "failed without an error": "state = 'failed', ended_at = 1",
}


def damage(folder: Path, job_id: str, change: str) -> None:
    with closing(sqlite3.connect(folder / "test.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE jobs SET {change} WHERE id = ?", (job_id,))


def row_of(folder: Path, job_id: str) -> tuple[object, ...]:
    (row,) = rows(folder, f"SELECT state, delivery FROM jobs WHERE id = '{job_id}'")
    return row


@pytest.mark.parametrize("change", OPEN.values(), ids=OPEN)
async def test_a_damaged_job_that_is_open_is_closed_and_refunded_and_others_are_drawn(
    tmp_path: Path, change: str
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    damage(tmp_path, bad, change)
    async with open_house(tmp_path) as house:
        assert isinstance(await house.ended(good), Completed)
        assert [job.id for job in await house.jobs.to_present()] == [good]
        assert (await house.jobs.limits_of(user_id=1)).day.used == 0
        assert (await house.jobs.limits_of(user_id=2)).day.used == 1
    assert row_of(tmp_path, bad) == ("failed", "kept")


@pytest.mark.parametrize("change", ENDED.values(), ids=ENDED)
async def test_a_damaged_job_that_is_to_be_told_of_keeps_no_other_from_being_told(
    tmp_path: Path, change: str
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    damage(tmp_path, bad, change)
    damage(tmp_path, good, "state = 'cancelled', ended_at = 1")
    async with open_house(tmp_path) as house:
        assert [job.id for job in await house.jobs.to_present()] == [good]
        await house.jobs.mark_kept(job_id=good)
        await house.jobs.drain()  # waits for nobody
    assert row_of(tmp_path, bad)[1] == "kept"


async def test_a_job_that_can_not_be_lined_up_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await accepted(tmp_path, 1, 2)
    live_job = service.live_job

    def breaks(job: Any, *more: Any) -> Any:
        if job.id == bad:
            raise OverflowError
        return live_job(job, *more)

    monkeypatch.setattr(service, "live_job", breaks)
    async with open_house(tmp_path) as house:
        assert isinstance(await house.ended(good), Completed)
    assert row_of(tmp_path, bad) == ("failed", "kept")


async def test_a_house_that_does_not_draw_closes_nothing(tmp_path: Path) -> None:
    """`bot sync` may run beside a bot of another version."""
    (bad,) = await accepted(tmp_path, 1)
    damage(tmp_path, bad, "attempts = 7")
    async with open_house(tmp_path, loads=[]) as house:
        await house.jobs.stop()
    assert row_of(tmp_path, bad) == ("queued", "pending")
