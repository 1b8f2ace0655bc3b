"""Several engines behind one queue, and devices that are lost and come back."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from PIL import Image

from bot.config.engine_options import loaders_of
from bot.config.settings import Settings
from bot.jobs.draw import device
from bot.jobs.draw.worker import EngineWorker
from bot.jobs.values import Completed, Failed, Progress, Queued
from pipeline.engine.protocol import Engine
from pipeline.errors import ModelError
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.pipeline.own_model import make_request
from tests.support.devices import GONE, Losing
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S, until

REQUEST = GenerationRequest(prompt="1girl")


def held() -> FakeEngine:
    engine = FakeEngine()
    engine.hold()
    return engine


async def test_two_engines_draw_at_the_same_time(tmp_path: Path) -> None:
    one, two = held(), held()
    async with open_harness(tmp_path, engine=one, others=[lambda: two]) as harness:
        tickets = [await harness.jobs.submit(REQUEST, origin(user)) for user in (1, 2, 3)]
        await asyncio.to_thread(one.started.acquire)
        await asyncio.to_thread(two.started.acquire)
        view = await harness.jobs.queue_view(3)
        assert (view.running, view.waiting) == (2, 1)
        assert view.own[0].position == 2
        two.release()  # the other is still held: one device is enough for what waits
        await until(lambda: len(two.drawn) == 2)
        one.release()
        for ticket in tickets:
            assert isinstance(await harness.ended(ticket.job.id), Completed)
        assert (len(one.drawn), len(two.drawn)) == (1, 2)


async def test_pictures_of_one_job_come_in_their_order_from_several_engines(tmp_path: Path) -> None:
    engines = [FakeEngine(step_s=0.002 * number) for number in range(1, 4)]
    others = [lambda engine=engine: engine for engine in engines[1:]]
    async with open_harness(tmp_path, engine=engines[0], others=others) as harness:
        requests = [GenerationRequest(prompt="1girl", seed=seed, count=4) for seed in (10, 20, 30)]
        tickets = [await harness.jobs.submit(request, origin(1)) for request in requests]
        for seed, ticket in zip((10, 20, 30), tickets, strict=True):
            events = await harness.events(ticket.job.id)
            end = events[-1]
            assert isinstance(end, Completed)
            assert [picture.seed for picture in end.pictures] == [seed + n for n in range(4)]
            shown = [event.picture for event in events if isinstance(event, Progress)]
            assert shown == sorted(shown), "the progress shown jumps between pictures"
    drawn = [seed for engine in engines for _, seed in engine.drawn]
    assert sorted(drawn) == [seed + n for seed in (10, 20, 30) for n in range(4)]


async def test_one_engine_is_enough_to_begin_with(tmp_path: Path) -> None:
    free = threading.Event()

    def slowly() -> Engine:
        free.wait(PATIENCE_S)
        return FakeEngine()

    try:
        async with open_harness(tmp_path, others=[slowly]) as harness:
            ticket = await harness.jobs.submit(REQUEST, origin())
            assert isinstance(await harness.ended(ticket.job.id), Completed)
            again = await harness.jobs.submit(REQUEST, origin())
            assert not again.queued.loading
            await harness.ended(again.job.id)
            free.set()
    finally:
        free.set()


async def test_a_device_that_can_not_be_opened_leaves_the_work_to_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Engine:
        raise ModelError("provider_unavailable", wanted="CUDA", got="CPU")

    async with open_harness(tmp_path, others=[broken]) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        assert not harness.jobs.failure.done()
    assert "Engine 2 can't be used: provider_unavailable" in caplog.text


async def test_draining_and_stopping_wait_for_all_engines(tmp_path: Path) -> None:
    one, two = held(), held()
    async with open_harness(tmp_path, engine=one, others=[lambda: two]) as harness:
        tickets = [await harness.jobs.submit(REQUEST, origin(user)) for user in (1, 2)]
        await asyncio.to_thread(one.started.acquire)
        await asyncio.to_thread(two.started.acquire)
        draining = asyncio.create_task(harness.jobs.drain())
        one.release()
        await until(lambda: len(one.drawn) == 1)
        assert not draining.done()
        two.release()
        for ticket in tickets:
            assert isinstance(await harness.ended(ticket.job.id), Completed)
            await harness.jobs.mark_delivered(ticket.job, message_id=1)
        async with asyncio.timeout(PATIENCE_S):
            await draining
    assert one.closed
    assert two.closed


async def test_what_is_drawn_on_several_engines_goes_on_after_a_stop(tmp_path: Path) -> None:
    one, two = held(), held()
    request = GenerationRequest(prompt="1girl", seed=3, count=3)
    async with open_harness(tmp_path, engine=one, others=[lambda: two]) as harness:
        ticket = await harness.jobs.submit(request, origin())
        await asyncio.to_thread(one.started.acquire)
        await asyncio.to_thread(two.started.acquire)
        await harness.jobs.stop()
    async with open_harness(tmp_path, others=[FakeEngine]) as harness:
        end = await harness.ended(ticket.job.id)
        assert isinstance(end, Completed)
        assert [picture.seed for picture in end.pictures] == [3, 4, 5]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses as growing as the real ones, but short."""
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.02, 0.04))


def open_on(
    tmp_path: Path, losing: Losing, *others: Callable[[], Engine]
) -> AbstractAsyncContextManager[Harness]:
    return open_harness(tmp_path, loads=[losing.load, *others])


@pytest.mark.usefixtures("soon")
async def test_a_lost_device_comes_back_and_its_picture_is_drawn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    losing = Losing(1, refusals=2)
    async with open_on(tmp_path, losing) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        end = await harness.ended(ticket.job.id)
        assert isinstance(end, Completed)
        assert not harness.jobs.failure.done()
    assert [engine.closed for engine in losing.made] == [True, True]
    lines = [record.getMessage() for record in caplog.records if "Engine 1" in record.getMessage()]
    assert lines == [
        f"Engine 1 was lost: {GONE}; it is opened again in 0.01 s",
        "Engine 1 does not come back: CUDA failure 999; next try in 0.02 s",
        "Engine 1 does not come back: CUDA failure 999; next try in 0.04 s",
        "Engine 1 is back",
    ]


@pytest.mark.usefixtures("soon")
async def test_a_job_that_loses_its_device_twice_fails_and_costs_nothing(tmp_path: Path) -> None:
    losing = Losing(2)
    async with open_on(tmp_path, losing) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        following = await harness.jobs.submit(REQUEST, origin(2))
        failed = await harness.ended(ticket.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "device_lost"
        assert (await harness.jobs.limits_of(user_id=1)).hour.used == 0
        assert isinstance(await harness.ended(following.job.id), Completed)


async def test_others_go_on_while_a_device_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (30.0,))
    losing, other = Losing(1), held()
    async with open_on(tmp_path, losing, lambda: other) as harness:
        tickets = [await harness.jobs.submit(REQUEST, origin(user)) for user in (1, 2, 3)]
        await until(lambda: losing.is_lost)
        assert not (await harness.jobs.submit(REQUEST, origin(4))).queued.loading
        other.release()
        for ticket in tickets:
            assert isinstance(await harness.ended(ticket.job.id), Completed)
        await until(lambda: len(other.drawn) == 4)


async def test_those_who_wait_are_told_that_the_model_is_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (0.01,))
    losing = Losing(1)
    losing.may_reopen.clear()
    async with open_on(tmp_path, losing) as harness:
        await harness.jobs.submit(REQUEST, origin(1))
        await until(lambda: losing.is_lost)
        waiting = await harness.jobs.submit(REQUEST, origin(2))
        assert waiting.queued.loading
        losing.may_reopen.set()
        events = await harness.events(waiting.job.id)
        assert any(isinstance(event, Queued) and not event.loading for event in events)
        assert isinstance(events[-1], Completed)


@pytest.mark.usefixtures("soon")
async def test_only_when_no_device_comes_back_the_bot_gives_up(tmp_path: Path) -> None:
    one, two = Losing(1, refusals=99), Losing(1, refusals=99)
    async with open_on(tmp_path, one, two.load) as harness:
        await harness.jobs.submit(REQUEST, origin())
        ticket = await harness.jobs.submit(REQUEST, origin(2))
        with pytest.raises(ModelError, match="device_gone"):
            await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)
        job = await harness.jobs.job(ticket.job.id)
        assert job is not None
        assert job.ended_at is None, "what was accepted goes on after a restart"
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_a_stop_does_not_wait_for_a_device_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (10 * PATIENCE_S,))
    losing = Losing(1)
    async with open_on(tmp_path, losing) as harness:
        await harness.jobs.submit(REQUEST, origin())
        await until(lambda: losing.is_lost)
        async with asyncio.timeout(PATIENCE_S):
            await harness.jobs.stop()


async def test_two_real_engines_give_the_same_pictures_whichever_draws(tmp_path: Path) -> None:
    settings = Settings(
        model="demo", provider="cpu", device_id=(0, 1), threads=2, models_dir=tmp_path / "models"
    )
    lines: list[str] = []
    workers = [EngineWorker(load) for load in loaders_of(settings, progress=lines.append)]
    request = make_request(width=256, height=256, num_inference_steps=2, count=2)

    async def draw(worker: EngineWorker, index: int) -> Image.Image:
        never = threading.Event()
        return (await worker.draw(request, index, cancelled=never, on_step=lambda _: None)).image

    try:
        models = await asyncio.gather(*(worker.start() for worker in workers))
        assert models[0] == models[1]
        assert sum("1 threads" in line for line in lines) == 2, "they share THREADS"
        pictures = [await asyncio.gather(*(draw(each, n) for each in workers)) for n in range(2)]
    finally:
        for worker in workers:
            await worker.close()
    for ours, theirs in pictures:
        assert ours.tobytes() == theirs.tobytes()
    assert pictures[0][0].tobytes() != pictures[1][0].tobytes()
