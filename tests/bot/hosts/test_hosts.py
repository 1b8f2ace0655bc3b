"""Pictures drawn by other machines, over a real Ray cluster."""

import asyncio
import signal

import pytest

from bot.hosts.entries import HostView
from bot.jobs.values import CancelledEvent, Completed, Progress
from pipeline.request import GenerationRequest
from tests.bot.conftest import origin
from tests.bot.hosts.flat_actor import MODEL, STEP_S
from tests.bot.hosts.stage import Stage
from tests.support.host_process import HostProcess

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
]

SLOW = {STEP_S: "1.0"}
NOTICED_S = 10.0


async def submit(stage: Stage, seed: int = 1, count: int = 1) -> str:
    request = GenerationRequest(prompt="1girl", seed=seed, count=count)
    return (await stage.harness.jobs.submit(request, origin())).job.id


async def drawing(stage: Stage, job_id: str) -> None:
    """Until the first step of the job is done."""
    async for event in stage.harness.stream(job_id):
        if isinstance(event, Progress):
            return
    raise AssertionError("it ended before its first step")


async def completed(stage: Stage, job_id: str) -> Completed:
    end = await stage.harness.ended(job_id)
    assert isinstance(end, Completed), end
    return end


async def test_a_picture_waits_for_a_host_and_is_drawn_there(stage: Stage) -> None:
    job_id = await submit(stage)
    host = stage.start_host("one")
    assert (await completed(stage, job_id)).pictures[0].seed == 1
    await stage.until(lambda _: "Done in" in host.said)


async def test_a_host_leaves_after_its_picture(stage: Stage) -> None:
    host = stage.start_host("one", **SLOW)
    await stage.until_ready("one")
    job_id = await submit(stage)
    await drawing(stage, job_id)
    status = asyncio.create_task(asyncio.to_thread(host.leave))
    await completed(stage, job_id)
    assert await status == 0
    assert host.said.count("Drawing") == 1
    assert host.said.endswith("one has left.\n")


async def test_a_cancelled_picture_stops_at_its_next_step(stage: Stage) -> None:
    host = stage.start_host("one", **SLOW)
    await stage.until_ready("one")
    job_id = await submit(stage)
    await drawing(stage, job_id)
    await stage.harness.jobs.cancel(job_id=job_id, user_id=1)
    assert isinstance(await stage.harness.ended(job_id), CancelledEvent)
    await completed(stage, await submit(stage, seed=2))
    await stage.until(lambda _: "Cancelled" in host.said)


@pytest.mark.parametrize("what", ["actor", "machine", "freeze"])
async def test_a_lost_picture_is_drawn_again_by_another(stage: Stage, what: str) -> None:
    first = stage.start_host("one", **{STEP_S: "60"})
    await stage.until_ready("one")
    job_id = await submit(stage)
    await stage.until(lambda _: "Drawing" in first.said)
    second = stage.start_host("two")
    await stage.until_ready("one", "two")
    lose(first, what)
    end = await completed(stage, job_id)
    assert len(end.pictures) == 1
    await stage.until(lambda _: "Drawing" in second.said)


async def test_a_host_that_was_lost_draws_only_where_no_other_does(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    first = stage.start_host("one", **{STEP_S: "60"})
    await stage.until_ready("one")
    job_id = await submit(stage)
    await stage.until(lambda _: "Drawing" in first.said)
    second = stage.start_host("two")
    await stage.until_ready("one", "two")
    lose(first, "machine")
    await completed(stage, job_id)
    stage.start_host("one")
    await stage.until(lambda views: states(views) == {"one/0": "avoided", "two/0": "ready"})
    lose(second, "machine")
    await stage.until_ready("one")
    await completed(stage, await submit(stage, seed=2))
    assert "raylet" not in capfd.readouterr().out, "Ray prints what it thinks of lost machines"


def states(views: list[HostView]) -> dict[str, str]:
    return {view.name: view.state for view in views}


def lose(host: HostProcess, what: str) -> None:
    if what == "actor":
        for actor in host.actors():
            actor.kill()
    else:
        host.signal(signal.SIGKILL if what == "machine" else signal.SIGSTOP)


async def test_a_host_that_thaws_joins_again(stage: Stage) -> None:
    host = stage.start_host("one", **SLOW)
    await stage.until_ready("one")
    job_id = await submit(stage)
    await drawing(stage, job_id)
    host.signal(signal.SIGSTOP)
    await stage.until(lambda views: not any(view.state == "ready" for view in views))
    await asyncio.sleep(NOTICED_S)
    host.signal(signal.SIGCONT)
    assert len((await completed(stage, job_id)).pictures) == 1


async def test_a_lone_host_whose_actor_dies_draws_it_again(stage: Stage) -> None:
    host = stage.start_host("one", **SLOW)
    await stage.until_ready("one")
    job_id = await submit(stage)
    await drawing(stage, job_id)
    lose(host, "actor")
    assert len((await completed(stage, job_id)).pictures) == 1
    await stage.until(lambda _: host.said.count("Drawing") == 2)


async def test_a_drained_host_gets_nothing_until_it_is_resumed(stage: Stage) -> None:
    stage.start_host("one")
    await stage.until_ready("one")
    assert await stage.hosts.drain("one", resting=True)
    assert [view.state for view in stage.views()] == ["drained"]
    job_id = await submit(stage)
    await asyncio.sleep(1)
    assert await stage.hosts.drain("one", resting=False)
    await completed(stage, job_id)
    assert not await stage.hosts.drain("nobody", resting=True)


async def test_another_model_is_refused(stage: Stage) -> None:
    stage.start_host("one")
    await stage.until_ready("one")
    other = stage.start_host("two", **{MODEL: "0123456789"})
    await stage.until(lambda views: any(view.state == "refused" for view in views))
    assert await asyncio.to_thread(other.process.wait) == 1
    assert "it draws with Fake (0123456789), the bot with Fake (fa4e000000)" in other.said


async def test_a_name_that_is_taken_is_refused(stage: Stage) -> None:
    stage.start_host("one")
    await stage.until_ready("one")
    other = stage.start_host("one", **SLOW)
    assert await asyncio.to_thread(other.process.wait) == 1
    assert "another machine has the name one" in other.said
    await stage.until_ready("one")


async def test_a_wrong_token_is_refused(stage: Stage) -> None:
    host = stage.start_host("one", HOSTS_TOKEN="another-token-0123456789abcdef")
    assert await asyncio.to_thread(host.process.wait) == 1
    assert "The token is wrong" in host.said


async def test_the_head_of_a_killed_bot_is_replaced(stage: Stage) -> None:
    left = stage.cluster.head
    assert left is not None
    stage.cluster.head = None  # nobody was there to end it
    await asyncio.to_thread(stage.cluster.disconnect)
    await stage.until(lambda _: stage.cluster.connected and stage.cluster.head is not None)
    assert not left.runs
    await asyncio.to_thread(left.stop)  # closes its pipe
    stage.start_host("one")
    await stage.until_ready("one")


async def test_the_head_is_started_again_and_the_picture_arrives(stage: Stage) -> None:
    stage.start_host("one", **SLOW)
    await stage.until_ready("one")
    job_id = await submit(stage)
    await drawing(stage, job_id)
    stage.kill_head()
    assert len((await completed(stage, job_id)).pictures) == 1
