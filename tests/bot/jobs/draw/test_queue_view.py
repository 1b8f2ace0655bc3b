"""What one person sees of the queue."""

import asyncio
from pathlib import Path

from bot.jobs.draw.schedule import Availability, Pausing, Schedule
from bot.jobs.values import QueueView
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.clock import ManualClock
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


async def test_an_empty_queue(harness: Harness) -> None:
    empty = QueueView(running=0, waiting=0, own=(), total_eta_s=0.0)
    assert await harness.jobs.queue_view(1) == empty


async def test_numbers_of_all_and_details_of_ones_own(harness: Harness) -> None:
    first = await harness.jobs.submit(GenerationRequest(prompt="warm up"), origin(9))
    await harness.ended(first.job.id)
    harness.engine.hold()
    running = await harness.jobs.submit(GenerationRequest(prompt="one", tags="hat"), origin(1))
    while not (await harness.jobs.queue_view(1)).running:
        await asyncio.sleep(0.01)
    others = await harness.jobs.submit(GenerationRequest(prompt="secret"), origin(2))
    waiting = await harness.jobs.submit(GenerationRequest(prompt="two"), origin(1))
    view = await harness.jobs.queue_view(1)
    assert (view.running, view.waiting) == (1, 2)
    assert [(job.job_id, job.state, job.prompt) for job in view.own] == [
        (running.job.id, "running", "one, hat"),
        (waiting.job.id, "waiting", "two"),
    ]
    assert [job.position for job in view.own] == [0, 2]
    etas = [job.eta_s for job in view.own]
    assert None not in etas
    assert etas == sorted(etas, key=lambda eta: eta or 0)
    assert view.total_eta_s is not None
    assert "secret" not in repr(view)
    await harness.jobs.cancel(job_id=others.job.id, user_id=2)
    assert (await harness.jobs.queue_view(1)).waiting == 1
    assert (await harness.jobs.queue_view(3)).own == ()


async def test_times_are_unknown_before_anything_was_measured(harness: Harness) -> None:
    harness.engine.hold()
    await harness.jobs.submit(GenerationRequest(prompt="one"), origin(1))
    view = await harness.jobs.queue_view(1)
    assert view.total_eta_s is None
    assert view.own[0].eta_s is None


async def test_where_others_draw_and_none_is_there_that_is_said(tmp_path: Path) -> None:
    async with open_harness(tmp_path, loads=[], open_ended=True) as harness:
        ticket = await harness.jobs.submit(GenerationRequest(prompt="1girl"), origin())
        assert ticket.queued.no_machine
        assert not ticket.queued.loading


async def test_engines_that_rest_are_not_counted_as_drawing(tmp_path: Path) -> None:
    clock = ManualClock()
    schedule = Schedule(Pausing(clock))
    async with open_harness(tmp_path, others=[FakeEngine], clock=clock) as harness:
        workers = harness.jobs.runner.engines.workers
        await until(lambda: all(worker.state == "ready" for worker in workers))
        assert (await harness.jobs.queue_view(1)).devices == 2
        schedule.busy = True
        workers[0].schedule = schedule
        workers[0].availability = Availability(workers[0].pace, schedule.opens)
        harness.jobs.runner.settle()
        view = await harness.jobs.queue_view(1)
        assert (view.devices, view.rest) == (1, None)
        assert len(harness.jobs.runner.engines.devices) == 2
