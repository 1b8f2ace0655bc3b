"""A job that ends the process is tried twice, then given up: counted without a mistake, and without
a device that waits for the disk."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.doctor.troubles import check_troubles
from bot.jobs.draw import attempts, device, runner
from bot.jobs.keep.store import JobStore
from bot.jobs.values import CancelledEvent, Completed, Failed
from data.store.database import DATABASE_NAME
from pipeline.engine.protocol import DrawnPicture, Watch
from pipeline.errors import EngineError, StorageError
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.bot.conftest import open_harness, origin
from tests.support.clock import ManualClock
from tests.support.devices import Losing
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S, until

REQUEST = GenerationRequest(prompt="1girl")


class Stuck(FakeEngine):
    """Is in a step that nobody can stop."""

    def _wait(self, watch: Watch) -> None:
        self._go.wait(PATIENCE_S)
        super()._wait(watch)


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "test.db")) as connection:
        return connection.execute(sql).fetchall()


def in_hand(folder: Path) -> list[tuple[object, ...]]:
    return rows(folder, "SELECT job_id, position FROM drawing ORDER BY job_id, position")


def attempts_of(folder: Path, job_id: str) -> object:
    (row,) = rows(folder, f"SELECT attempts FROM jobs WHERE id = '{job_id}'")
    return row[0]


def kill(folder: Path, job_ids: Sequence[str]) -> None:
    """The state that a process leaves which is killed while it draws these."""
    with closing(sqlite3.connect(folder / "test.db")) as connection, connection:
        connection.executemany("INSERT INTO drawing VALUES (?, 0)", [(each,) for each in job_ids])


def hold_after_the_first_step(engine: FakeEngine) -> None:
    def hold(_: ResolvedRequest, step: int) -> None:
        if step == 1:
            engine.hold()

    engine._fail_at = hold  # pyright: ignore[reportPrivateUsage]
    engine.release()


async def accepted(folder: Path, *users: int, request: GenerationRequest = REQUEST) -> list[str]:
    """Jobs that wait for the next start."""
    engine = FakeEngine()
    engine.hold()
    async with open_harness(folder, engine=engine) as harness:
        tickets = [await harness.jobs.submit(request, origin(user)) for user in users]
        await harness.jobs.stop()
    return [ticket.job.id for ticket in tickets]


async def test_a_picture_is_entered_on_the_disk_before_the_engine_is_called(
    tmp_path: Path,
) -> None:
    seen: list[list[tuple[object, ...]]] = []

    class Looking(FakeEngine):
        def draw(self, *args: Any, **kwargs: Any) -> DrawnPicture:
            seen.append(in_hand(tmp_path))
            return super().draw(*args, **kwargs)

    request = GenerationRequest(prompt="1girl", count=3)
    async with open_harness(tmp_path, engine=Looking()) as harness:
        ticket = await harness.jobs.submit(request, origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        for number, found in enumerate(seen):
            assert (ticket.job.id, number) in found
        assert in_hand(tmp_path) == []
    assert attempts_of(tmp_path, ticket.job.id) == 0


async def test_the_second_process_that_ends_over_a_job_is_the_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (job_id,) = await accepted(tmp_path, 1)
    kill(tmp_path, [job_id])
    engine = FakeEngine()
    engine.hold()
    async with open_harness(tmp_path, engine=engine) as harness:
        await until(lambda: engine.started.acquire(blocking=False))
        assert attempts_of(tmp_path, job_id) == 1, "tried once more"
        assert f"drew job {job_id}: attempt 1 of 2" in caplog.text
        await harness.jobs.stop()
    kill(tmp_path, [job_id])
    async with open_harness(tmp_path) as harness:
        end = await harness.ended(job_id)
        assert isinstance(end, Failed)
        assert end.error.key == "job_ended_process"
        assert (await harness.jobs.limits_of(user_id=1)).hour.used == 0
        assert harness.engine.drawn == []
        assert f"Job {job_id} is given up" in caplog.text
        assert "832x1216" in caplog.text
        assert "1girl" not in caplog.text, "what people write is not for the log"


async def test_who_is_tried_again_and_does_well_is_drawn(tmp_path: Path) -> None:
    (job_id,) = await accepted(tmp_path, 1)
    kill(tmp_path, [job_id])
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(job_id), Completed)


@pytest.mark.parametrize("kind", [FakeEngine, Stuck])
async def test_a_clean_stop_counts_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[FakeEngine]
) -> None:
    monkeypatch.setattr(runner, "_STEP_S", 0.1)
    request = GenerationRequest(prompt="1girl", count=2)
    for _ in range(3):
        engine = kind()
        engine.hold()
        async with open_harness(tmp_path, engine=engine) as harness:
            if not rows(tmp_path, "SELECT 1 FROM jobs"):
                await harness.jobs.submit(request, origin())
            await until(lambda engine=engine: engine.started.acquire(blocking=False))
            assert in_hand(tmp_path)
            await harness.jobs.stop()
            assert in_hand(tmp_path) == []
    assert rows(tmp_path, "SELECT attempts, state FROM jobs") == [(0, "running")]


async def test_a_stop_is_stored_before_the_running_step_is_waited_for(
    tmp_path: Path,
) -> None:
    engine = Stuck()
    engine.hold()
    async with open_harness(tmp_path, engine=engine) as harness:
        await harness.jobs.submit(REQUEST, origin())
        await until(lambda: engine.started.acquire(blocking=False))
        stopping = asyncio.create_task(harness.jobs.stop())
        await until(lambda: in_hand(tmp_path) == [])
        assert not stopping.done(), "killed now, as a system does that has no patience"
        engine.release()
        await stopping


async def test_a_lost_device_counts_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (30.0,))
    losing = Losing(1)
    async with open_harness(tmp_path, loads=[losing.load]) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        await until(lambda: losing.is_lost)
        assert in_hand(tmp_path) == [], "if the process ends now, its driver did it"
    assert attempts_of(tmp_path, ticket.job.id) == 0


@pytest.mark.parametrize("end", ["cancelled", "failed", "deleted", "finished"])
async def test_what_has_ended_is_in_nobodys_hand(tmp_path: Path, end: str) -> None:
    engine = FakeEngine(
        fail_at=lambda _, step: EngineError("engine_failed") if end == "failed" else None
    )
    engine.hold()
    async with open_harness(tmp_path, engine=engine) as harness:
        ticket = await harness.jobs.submit(GenerationRequest(prompt="1girl", count=3), origin())
        await until(lambda: engine.started.acquire(blocking=False))
        if end == "cancelled":
            await harness.jobs.cancel(job_id=ticket.job.id, user_id=1)
        elif end == "deleted":
            await harness.people.forget(1)
        engine.release()
        await harness.events(ticket.job.id)
        await until(lambda: in_hand(tmp_path) == [])
        following = await harness.jobs.submit(REQUEST, origin(2))
        await harness.ended(following.job.id)


async def test_the_next_picture_is_entered_while_the_one_before_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the device does not wait for a disk that is slow."""
    engine, entered = FakeEngine(), list[str]()
    enter = JobStore.enter_drawing

    async def noted(store: JobStore, job_id: str, *, position: int) -> None:
        await enter(store, job_id, position=position)
        entered.append(job_id)

    monkeypatch.setattr(JobStore, "enter_drawing", noted)
    engine.hold()
    async with open_harness(tmp_path, engine=engine) as harness:
        first = await harness.jobs.submit(REQUEST, origin(1))
        await until(lambda: engine.started.acquire(blocking=False))
        second = await harness.jobs.submit(REQUEST, origin(2))
        hold_after_the_first_step(engine)
        await until(lambda: entered == [first.job.id, second.job.id])
        assert engine.drawn == []
        engine._fail_at = None  # pyright: ignore[reportPrivateUsage]
        engine.release()
        assert isinstance(await harness.ended(second.job.id), Completed)
        assert entered == [first.job.id, second.job.id], "entered once"


async def test_whoever_was_only_beside_it_is_not_given_up(tmp_path: Path) -> None:
    """The second was entered ahead, or being stored, when the first ended the process."""
    guilty, innocent = await accepted(tmp_path, 1, 2)
    kill(tmp_path, [guilty, innocent])
    engine = FakeEngine()
    engine.hold()
    async with open_harness(tmp_path, engine=engine) as harness:
        await until(lambda: engine.started.acquire(blocking=False))
        await harness.jobs.submit(REQUEST, origin(3))
        hold_after_the_first_step(engine)
        await until(lambda: not engine._go.is_set())  # pyright: ignore[reportPrivateUsage]
        assert in_hand(tmp_path) == [(guilty, 0)], "nothing is entered beside it"
        await harness.jobs.stop()
    kill(tmp_path, [guilty])
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(guilty), Failed)
        assert isinstance(await harness.ended(innocent), Completed)


async def test_on_several_devices_a_suspect_is_drawn_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = await accepted(tmp_path, 1, 2, 3)
    kill(tmp_path, [first, second])
    engines = [FakeEngine(), FakeEngine()]
    busy: list[int] = []
    most = 0

    def watched(engine: FakeEngine) -> None:
        draw = engine.draw

        def drawn(*args: Any, **kwargs: Any) -> DrawnPicture:
            nonlocal most
            busy.append(1)
            most = max(most, len(busy))
            try:
                return draw(*args, **kwargs)
            finally:
                busy.pop()

        monkeypatch.setattr(engine, "draw", drawn)

    for engine in engines:
        watched(engine)
    async with open_harness(tmp_path, loads=[lambda: engines[0], lambda: engines[1]]) as harness:
        for job_id in (first, second, third):
            assert isinstance(await harness.ended(job_id), Completed)
    assert most == 1
    assert sum(len(engine.drawn) for engine in engines) == 3


async def test_a_suspect_that_waits_to_be_alone_can_be_cancelled_and_stopped(
    tmp_path: Path,
) -> None:
    (suspect,) = await accepted(tmp_path, 1)
    one, two = FakeEngine(), FakeEngine()
    one.hold()
    two.hold()
    async with open_harness(tmp_path, loads=[lambda: one, lambda: two], start=False) as harness:
        kill(tmp_path, [suspect])
        await harness.jobs.start()
        other = await harness.jobs.submit(REQUEST, origin(2))
        await until(lambda: any(each.started.acquire(blocking=False) for each in (one, two)))
        await harness.jobs.cancel(job_id=suspect, user_id=1)
        assert isinstance(await harness.ended(suspect), CancelledEvent)
        one.release()
        two.release()
        assert isinstance(await harness.ended(other.job.id), Completed)


async def test_a_disk_that_refuses_for_a_moment_is_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [StorageError("disk_full", path=""), StorageError("database_locked", path="")]
    _refuse(monkeypatch, refusals)
    async with open_harness(tmp_path) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert refusals == []


async def test_a_disk_that_goes_on_refusing_fails_the_job_and_nothing_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(monkeypatch, [StorageError("disk_full", path="")] * 3)
    async with open_harness(tmp_path) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        failed = await harness.ended(ticket.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "disk_full"
        assert harness.engine.drawn == []
        following = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(following.job.id), Completed)


def _refuse(monkeypatch: pytest.MonkeyPatch, errors: list[StorageError]) -> None:
    enter = JobStore.enter_drawing

    async def refused(store: JobStore, job_id: str, *, position: int) -> None:
        if errors:
            raise errors.pop(0)
        await enter(store, job_id, position=position)

    monkeypatch.setattr(attempts, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(JobStore, "enter_drawing", refused)


async def test_a_house_without_an_engine_leaves_what_others_have_in_hand(tmp_path: Path) -> None:
    """`bot sync` may run beside a bot."""
    (job_id,) = await accepted(tmp_path, 1)
    kill(tmp_path, [job_id])
    async with open_harness(tmp_path, loads=[]) as harness:
        await harness.jobs.stop()
    assert in_hand(tmp_path) == [(job_id, 0)]
    assert attempts_of(tmp_path, job_id) == 0


async def test_the_doctor_tells_of_jobs_that_ended_the_bot(tmp_path: Path) -> None:
    assert check_troubles(tmp_path).result == "ok", "no database yet"
    (tmp_path / "test.db").symlink_to(tmp_path / DATABASE_NAME)
    (job_id,) = await accepted(tmp_path, 1)
    assert check_troubles(tmp_path).result == "ok"
    for _ in range(2):
        kill(tmp_path, [job_id])
        engine = FakeEngine()
        engine.hold()
        async with open_harness(tmp_path, engine=engine, clock=ManualClock(time.time())) as harness:
            await harness.jobs.stop()
    found = check_troubles(tmp_path)
    assert found.result == "warn"
    assert "1 job ended the bot twice" in found.found
