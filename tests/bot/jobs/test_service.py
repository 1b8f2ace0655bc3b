"""The life of a job over a real database: accepted, drawn, kept, cancelled, failed, taken up."""

import asyncio
import sqlite3
import threading
from itertools import groupby
from pathlib import Path

import pytest
from PIL import Image

from bot.jobs.accept.limits import Limits
from bot.jobs.values import CancelledEvent, Completed, Failed, JobEvent, Progress, Queued
from pipeline.errors import EngineError, InputError, ModelError, RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.fake_engine import FakeEngine
from tests.support.parameters import read_parameters
from tests.support.patience import PATIENCE_S

REQUEST = GenerationRequest(prompt="1girl, smile", seed=7)


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "test.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_a_job_becomes_a_stored_picture_with_its_parameters(harness: Harness) -> None:
    ticket = await harness.jobs.submit(REQUEST, origin())
    completed = await harness.ended(ticket.job.id)
    assert isinstance(completed, Completed)
    (picture,) = completed.pictures
    assert (picture.seed, picture.model_name, picture.precision) == (7, "Fake", "fp32")
    png = await harness.jobs.read_picture(picture)
    parameters = read_parameters(png)
    assert parameters is not None
    assert parameters.startswith("1girl, smile")
    assert "Seed: 7" in parameters


async def test_events_come_in_order_and_end_with_the_pictures(harness: Harness) -> None:
    harness.engine.hold()
    ticket = await harness.jobs.submit(REQUEST, origin())
    stream = harness.stream(ticket.job.id)
    first = await anext(stream)
    assert isinstance(first, Queued)
    assert first.position == 0
    harness.engine.release()
    events = [first, *[event async for event in stream]]
    assert [kind for kind, _ in groupby(type(event) for event in events)] in (
        [Queued, Progress, Completed],
        [Queued, Completed],  # who looks seldom misses progress
    )


async def test_progress_comes_in_order_with_previews(tmp_path: Path) -> None:
    taken = threading.Semaphore(0)

    def wait(_: ResolvedRequest, step: int) -> None:
        assert step == 1 or taken.acquire(timeout=PATIENCE_S), "the step before was not told"

    async with open_harness(tmp_path, engine=FakeEngine(fail_at=wait)) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        events: list[JobEvent] = []
        async for event in harness.stream(ticket.job.id):
            events.append(event)
            if isinstance(event, Progress):
                taken.release()
    progress = [event for event in events if isinstance(event, Progress)]
    assert [(event.step, event.steps) for event in progress] == [(1, 3), (2, 3), (3, 3)]
    assert [type(event) for event in events[-4:]] == [Progress] * 3 + [Completed]
    for event in progress:
        assert event.preview is not None
        assert isinstance(event.preview(), Image.Image)


async def test_pictures_of_a_job_have_successive_seeds(harness: Harness) -> None:
    request = GenerationRequest(prompt="1girl", seed=2**32 - 1, count=3)
    ticket = await harness.jobs.submit(request, origin())
    completed = await harness.ended(ticket.job.id)
    assert isinstance(completed, Completed)
    assert [picture.seed for picture in completed.pictures] == [2**32 - 1, 0, 1]


async def test_others_go_between_the_pictures_of_one_job(harness: Harness) -> None:
    harness.engine.hold()
    first = await harness.jobs.submit(GenerationRequest(prompt="big", count=4), origin(1))
    second = await harness.jobs.submit(GenerationRequest(prompt="small"), origin(2))
    harness.engine.release()
    await harness.ended(second.job.id)
    await harness.ended(first.job.id)
    order = [prompt.split(",")[0] for prompt, _ in harness.engine.drawn]
    assert order.index("small") <= 2
    assert sorted(order) == ["big"] * 4 + ["small"]


async def test_places_and_times_are_told_to_those_who_wait(harness: Harness) -> None:
    done = await harness.jobs.submit(REQUEST, origin(1))
    await harness.ended(done.job.id)
    harness.engine.hold()
    await harness.jobs.submit(REQUEST, origin(1))
    second = await harness.jobs.submit(REQUEST, origin(2))
    third = await harness.jobs.submit(REQUEST, origin(3))
    assert (second.queued.position, third.queued.position) == (1, 2)
    assert second.queued.eta_s is not None
    assert third.queued.eta_s is not None
    assert second.queued.eta_s < third.queued.eta_s


async def test_cancelling_a_waiting_job_gives_everything_back(
    harness: Harness, tmp_path: Path
) -> None:
    harness.engine.hold()
    await harness.jobs.submit(REQUEST, origin(1))
    waiting = await harness.jobs.submit(REQUEST, origin(2))
    await harness.jobs.cancel(job_id=waiting.job.id, user_id=2)
    assert isinstance(await harness.ended(waiting.job.id), CancelledEvent)
    assert (await harness.jobs.limits_of(user_id=2)).hour.used == 0
    assert rows(tmp_path, "SELECT state FROM jobs ORDER BY rowid")[1] == ("cancelled",)


async def test_cancelling_a_running_job_takes_effect_at_the_next_step(harness: Harness) -> None:
    harness.engine.hold()
    running = await harness.jobs.submit(REQUEST, origin(1))
    await asyncio.to_thread(harness.engine.started.acquire)
    await harness.jobs.cancel(job_id=running.job.id, user_id=1)
    following = await harness.jobs.submit(REQUEST, origin(2))
    harness.engine.release()
    assert isinstance(await harness.ended(following.job.id), Completed)
    assert len(harness.engine.drawn) == 1


async def test_only_the_owner_cancels_and_only_once(harness: Harness) -> None:
    harness.engine.hold()
    ticket = await harness.jobs.submit(REQUEST, origin(1))
    with pytest.raises(RefusedError, match="not_your_job"):
        await harness.jobs.cancel(job_id=ticket.job.id, user_id=2)
    await harness.jobs.cancel(job_id=ticket.job.id, user_id=1)
    with pytest.raises(RefusedError, match="job_over"):
        await harness.jobs.cancel(job_id=ticket.job.id, user_id=1)
    with pytest.raises(RefusedError, match="job_unknown"):
        await harness.jobs.cancel(job_id="nosuchjob", user_id=1)


async def test_a_failure_in_drawing_refunds_and_the_next_job_runs(tmp_path: Path) -> None:
    def fail_at(request: ResolvedRequest, step: int) -> Exception | None:
        return EngineError("engine_failed") if "bad" in request.prompt and step == 2 else None

    async with open_harness(tmp_path, engine=FakeEngine(fail_at=fail_at)) as harness:
        bad = await harness.jobs.submit(GenerationRequest(prompt="bad"), origin())
        good = await harness.jobs.submit(GenerationRequest(prompt="good"), origin())
        failed = await harness.ended(bad.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "engine_failed"
        assert isinstance(await harness.ended(good.job.id), Completed)
        assert (await harness.jobs.limits_of(user_id=1)).hour.used == 1
    assert rows(
        tmp_path,
        "SELECT state, refunded FROM jobs JOIN quota_uses ON job_id = jobs.id ORDER BY jobs.rowid",
    ) == [
        ("failed", 1),
        ("finished", 0),
    ]


async def test_a_failure_in_the_second_picture_keeps_none(tmp_path: Path) -> None:
    count = 0

    def fail_at(_: ResolvedRequest, step: int) -> Exception | None:
        nonlocal count
        count += step == 1
        return RuntimeError("device lost") if count == 2 else None

    async with open_harness(tmp_path, engine=FakeEngine(fail_at=fail_at)) as harness:
        ticket = await harness.jobs.submit(GenerationRequest(prompt="x", count=2), origin())
        assert isinstance(await harness.ended(ticket.job.id), Failed)
    assert rows(tmp_path, "SELECT COUNT(*) FROM pictures") == [(0,)]
    assert list((tmp_path / "pictures").rglob("*.png")) == []


async def test_a_full_disk_fails_the_job_and_says_so(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    ticket = await harness.jobs.submit(REQUEST, origin())
    failed = await harness.ended(ticket.job.id)
    assert isinstance(failed, Failed)
    assert failed.error.key == "disk_full"
    assert (await harness.jobs.limits_of(user_id=1)).hour.used == 0


async def test_refusals_cost_nothing(harness: Harness, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="prompt_empty"):
        await harness.jobs.submit(GenerationRequest(prompt="   "), origin())
    with pytest.raises(RefusedError, match="rule_minor_coded"):
        await harness.jobs.submit(GenerationRequest(prompt="1girl, loli"), origin())
    with pytest.raises(RefusedError, match="rating_above_ceiling"):
        await harness.jobs.submit(GenerationRequest(prompt="1girl", rating=Rating.NSFW), origin())
    with pytest.raises(RefusedError, match="bot_lacks_permissions"):
        await harness.jobs.submit(REQUEST, origin(missing_permissions=("attach_files",)))
    assert rows(tmp_path, "SELECT COUNT(*) FROM jobs") == [(0,)]
    assert rows(tmp_path, "SELECT COUNT(*) FROM quota_uses") == [(0,)]


async def test_200_requests_at_once_take_exactly_the_quota(tmp_path: Path) -> None:
    limits = Limits(
        pictures_per_hour=17, pictures_per_day=0, waiting_jobs_per_user=0, waiting_jobs_total=0
    )
    async with open_harness(tmp_path, limits=limits) as harness:
        harness.engine.hold()
        results = await asyncio.gather(
            *(harness.jobs.submit(REQUEST, origin(1)) for _ in range(200)), return_exceptions=True
        )
        refused = [result for result in results if isinstance(result, RefusedError)]
        assert len(results) - len(refused) == 17
        assert {error.key for error in refused} == {"quota_hour"}


async def test_open_jobs_run_after_a_restart_from_the_missing_picture(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        request = GenerationRequest(prompt="1girl", seed=5, count=3)
        ticket = await harness.jobs.submit(request, origin())
        await asyncio.to_thread(harness.engine.started.acquire)
        await asyncio.to_thread(harness.engine.started.acquire)  # the first is drawn
        harness.engine.hold()
        await harness.jobs.stop()
    made_before = rows(tmp_path, "SELECT COUNT(*) FROM pictures")[0][0]
    assert made_before in (1, 2)
    async with open_harness(tmp_path) as harness:
        assert [job.id for job in await harness.jobs.to_present()] == [ticket.job.id]
        completed = await harness.ended(ticket.job.id)
        assert isinstance(completed, Completed)
        assert [picture.seed for picture in completed.pictures] == [5, 6, 7]
        assert len(harness.engine.drawn) == 3 - int(str(made_before))


async def test_a_finished_job_is_presented_after_a_restart_until_delivered(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        await harness.ended(ticket.job.id)
    async with open_harness(tmp_path) as harness:
        assert [job.id for job in await harness.jobs.to_present()] == [ticket.job.id]
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        await harness.jobs.mark_delivered(ticket.job, message_id=9)
        assert await harness.jobs.to_present() == []
    assert rows(tmp_path, "SELECT interaction_token, message_id FROM jobs") == [(None, 9)]


async def test_a_job_that_is_too_old_is_closed_with_its_quota_returned(tmp_path: Path) -> None:
    async with open_harness(tmp_path, start=False) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        clock = harness.clock
    clock.advance(3601)
    async with open_harness(tmp_path, clock=clock) as harness:
        failed = await harness.ended(ticket.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "job_expired"
        assert (await harness.jobs.limits_of(user_id=1)).day.used == 0


async def test_a_withdrawn_job_is_told_to_nobody(harness: Harness) -> None:
    harness.engine.hold()
    ticket = await harness.jobs.submit(REQUEST, origin())
    await harness.jobs.withdraw(job_id=ticket.job.id)
    assert await harness.jobs.to_present() == []
    assert (await harness.jobs.limits_of(user_id=1)).hour.used == 0


async def test_a_model_that_can_not_be_loaded_ends_the_service_loudly(tmp_path: Path) -> None:
    error = ModelError("model_missing", path="x")
    async with open_harness(tmp_path, load_error=error) as harness:
        with pytest.raises(ModelError, match="model_missing"):
            await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)


async def test_a_locked_database_refuses_kindly_and_recovers(
    harness: Harness, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "test.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Exception, match="database_locked"):
        await harness.jobs.submit(REQUEST, origin())
    other.rollback()
    other.close()
    ticket = await harness.jobs.submit(REQUEST, origin())
    assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_the_same_picture_twice_shares_a_file_that_outlives_one_job(harness: Harness) -> None:
    first = await harness.jobs.submit(REQUEST, origin(1))
    done = await harness.ended(first.job.id)
    assert isinstance(done, Completed)
    harness.engine.hold()
    second = await harness.jobs.submit(
        GenerationRequest(prompt="1girl, smile", seed=7, count=2), origin(2)
    )
    await harness.jobs.cancel(job_id=second.job.id, user_id=2)
    harness.engine.release()
    assert await harness.jobs.read_picture(done.pictures[0])
