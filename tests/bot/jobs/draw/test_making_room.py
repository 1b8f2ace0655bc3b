"""A device makes room for other programs: between pictures, or at once where memory is short."""

import asyncio
import threading
from pathlib import Path

import pytest

from bot.jobs.draw import device
from bot.jobs.draw.schedule import Pausing, Schedule
from bot.jobs.values import Completed, JobEvent, Queued, Rest
from pipeline.engine.protocol import Engine, Watch
from pipeline.errors import Cancelled
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.clock import ManualClock
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S, until

REQUEST = GenerationRequest(prompt="1girl", seed=7, count=2)


class Loads:
    """Engines, one for each load. The first one is held before its first step."""

    def __init__(self) -> None:
        self.made: list[FakeEngine] = []

    def __call__(self) -> Engine:
        engine = FakeEngine()
        if not self.made:
            engine.hold()
        self.made.append(engine)
        return engine


def state(harness: Harness) -> str:
    (worker,) = harness.jobs.runner.engines.workers
    return worker.state


def rest_in(event: JobEvent) -> Rest | None:
    return event.rest if isinstance(event, Queued) else None


async def nothing_is_recorded(harness: Harness) -> bool:
    """Whether no job is to blame if the process ends now."""
    async with harness.database.reader() as connection:
        return await connection.value("SELECT COUNT(*) FROM drawing", ()) == 0


async def test_the_picture_that_was_begun_is_finished_and_the_next_waits(tmp_path: Path) -> None:
    clock, loads = ManualClock(), Loads()
    schedule = Schedule(Pausing(clock))
    async with open_harness(tmp_path, loads=[loads], schedule=schedule, clock=clock) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        await until(lambda: loads.made and loads.made[0].started.acquire(blocking=False))
        schedule.busy = True
        harness.jobs.runner.settle()
        loads.made[0].release()
        mailbox = await harness.jobs.watch(ticket.job.id)
        assert mailbox is not None
        await until(lambda: rest_in(mailbox.event) == Rest("busy"))
        assert len(loads.made[0].drawn) == 1
        assert not loads.made[0].closed
        await until(lambda: nothing_is_recorded(harness))
        schedule.busy = False
        harness.jobs.runner.settle()
        assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert len(loads.made) == 1


async def test_memory_is_given_back_within_a_picture_which_is_drawn_again(tmp_path: Path) -> None:
    clock, loads = ManualClock(), Loads()
    schedule = Schedule(Pausing(clock))
    async with open_harness(tmp_path, loads=[loads], schedule=schedule, clock=clock) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        await until(lambda: loads.made and loads.made[0].started.acquire(blocking=False))
        schedule.busy = schedule.gives_back = True
        harness.jobs.runner.settle()
        await until(lambda: state(harness) == "unloaded")
        assert loads.made[0].closed
        assert not loads.made[0].drawn
        harness.jobs.runner.settle()  # as other devices come and go
        other = await harness.jobs.submit(REQUEST, origin(2))
        assert other.queued.rest == Rest("busy")
        assert other.queued.position == 1
        await until(lambda: nothing_is_recorded(harness))
        schedule.busy = schedule.gives_back = False
        harness.jobs.runner.settle()
        for each in (ticket, other):
            assert isinstance(await harness.ended(each.job.id), Completed)
        job = await harness.jobs.job(ticket.job.id)
        assert job is not None
        assert job.attempts == 0
    assert len(loads.made) == 2
    assert len(loads.made[1].drawn) == 4


async def test_others_that_are_gone_before_the_step_ends_interrupt_nothing(
    tmp_path: Path,
) -> None:
    """On a processor a step of a large picture takes longer than that."""
    clock, loads = ManualClock(), Loads()
    schedule = Schedule(Pausing(clock))
    async with open_harness(tmp_path, loads=[loads], schedule=schedule, clock=clock) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        await until(lambda: loads.made and loads.made[0].started.acquire(blocking=False))
        for gives_back in (True, False):
            schedule.busy = schedule.gives_back = gives_back
            harness.jobs.runner.settle()
        loads.made[0].release()
        assert isinstance(await harness.ended(ticket.job.id), Completed)


class Obedient(FakeEngine):
    """Tells when it was told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def _wait(self, watch: Watch) -> None:
        try:
            super()._wait(watch)
        except Cancelled:
            self.told.set()
            raise


async def test_a_picture_that_was_interrupted_is_drawn_again_though_others_are_gone(
    tmp_path: Path,
) -> None:
    clock, engine = ManualClock(), Obedient()
    engine.hold()
    schedule = Schedule(Pausing(clock))
    async with open_harness(
        tmp_path, loads=[lambda: engine], schedule=schedule, clock=clock
    ) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        await until(lambda: engine.started.acquire(blocking=False))
        schedule.busy = schedule.gives_back = True
        harness.jobs.runner.settle()
        assert engine.told.wait(PATIENCE_S), "the loop has not seen it yet"
        schedule.busy = schedule.gives_back = False
        harness.jobs.runner.settle()
        engine.release()
        assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_a_device_that_others_need_is_not_loaded_at_the_start(tmp_path: Path) -> None:
    clock, loads = ManualClock(), Loads()
    schedule = Schedule(Pausing(clock))
    schedule.busy = True
    async with open_harness(tmp_path, loads=[loads], schedule=schedule, clock=clock) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert ticket.queued.rest == Rest("busy")
        assert not loads.made
        schedule.busy = False
        harness.jobs.runner.settle()
        await until(lambda: bool(loads.made))
        loads.made[0].release()
        assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_what_has_nothing_to_do_for_long_is_unloaded_and_loaded_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "LOOK_EVERY_S", 0.01)
    clock, loads = ManualClock(), Loads()
    async with open_harness(tmp_path, loads=[loads], clock=clock, unload_after_s=60.0) as harness:
        await until(lambda: state(harness) == "ready")
        loads.made[0].release()
        ticket = await harness.jobs.submit(REQUEST, origin())
        await harness.ended(ticket.job.id)
        clock.advance(59.0)
        await asyncio.sleep(0.05)
        assert state(harness) == "ready"
        clock.advance(2.0)
        await until(lambda: state(harness) == "unloaded")
        assert loads.made[0].closed
        assert harness.jobs.model is not None
        assert not (await harness.jobs.submit(REQUEST, origin())).queued.no_machine
        again = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(again.job.id), Completed)
    assert len(loads.made) == 2


async def test_a_device_that_can_not_be_loaded_again_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.01, 0.01))
    clock, loads, fail = ManualClock(), Loads(), threading.Event()

    def load() -> Engine:
        if fail.is_set():
            fail.clear()
            raise RuntimeError("out of memory")
        return loads()

    async with open_harness(tmp_path, loads=[load], clock=clock, unload_after_s=60.0) as harness:
        await until(lambda: state(harness) == "ready")
        clock.advance(61.0)
        await until(lambda: state(harness) == "unloaded")
        fail.set()
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        assert not fail.is_set()
