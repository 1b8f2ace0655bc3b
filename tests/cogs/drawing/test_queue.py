"""`/queue` as those who wait use it."""

from collections.abc import AsyncGenerator

import pytest

from bot.jobs.values import OwnJob, QueueView
from bot.playground.simulator.default_world import IDS
from cogs.drawing.queue import queue_message
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def test_an_empty_queue_says_so(running: Running, alice: Visitor) -> None:
    message = await alice.answer("queue")
    assert message.ephemeral
    assert "Nothing is waiting" in message.text
    assert labels(message) == {"Refresh": True}


async def test_all_are_counted_and_only_ones_own_are_told(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    running.engine.hold()
    await bob.imagine("1boy, secret treasure", private=True)
    await until(lambda: running.engine.started.acquire(blocking=False))
    await alice.imagine("1girl, umbrella")
    await bob.imagine("1boy, public treasure")
    message = await alice.answer("queue")
    assert "Drawing: 1. Waiting: 2." in message.text
    assert "umbrella" in message.text
    assert "1. 1 request is ahead of it." in message.text
    assert "treasure" not in message.text
    assert labels(message) == {"Cancel 1": True, "Refresh": True}
    own = await bob.answer("queue")
    assert "1. Being drawn." in own.text
    assert "secret treasure" in own.text
    assert "umbrella" not in own.text
    assert labels(own) == {"Cancel 1": True, "Cancel 2": True, "Refresh": True}


async def test_cancel_stops_the_right_job_and_shows_the_rest(
    running: Running, alice: Visitor
) -> None:
    running.engine.hold()
    await alice.imagine("1girl, umbrella")
    await until(lambda: running.engine.started.acquire(blocking=False))
    await alice.imagine("1girl, hat")
    sent = await alice.member.slash("queue", {}, channel=IDS.general)
    message = await whole(sent)
    assert "umbrella" in message.text
    await alice.member.press(message, "Cancel 2")
    message = await sent.wait_for(lambda m: "hat" not in m.text)
    assert "umbrella" in message.text
    assert [job.state for job in await running.jobs()] == ["running", "cancelled"]
    assert await running.used() == 1  # the other one was refunded
    await alice.member.press(message, "Cancel 1")
    await sent.wait_for(lambda m: "Nothing is waiting" in m.text)


def test_many_jobs_with_odd_prompts_fit_into_one_message() -> None:
    own = tuple(
        OwnJob(
            job_id=f"{number:012}", state="waiting", position=number, eta_s=9e6, prompt="*_" * 2000
        )
        for number in range(40)
    )
    message = queue_message(QueueView(running=1, waiting=40, own=own, total_eta_s=None))
    assert len(message.embeds[0]) <= 6000  # Discord, of all embeds of a message
    assert len(message.embeds[0].fields) <= 25
    assert "20 more" in (message.embeds[0].footer.text or "")
    assert message.view is not None
    assert len(message.view.children) == 21  # 25 at most


async def test_a_button_of_before_a_restart_cancels(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        await alice.imagine("1girl, umbrella")
        message = await alice.answer("queue")
    held = FakeEngine()
    held.hold()
    async with open_bot(place, engine=held) as running:
        await alice.member.press(message, "Cancel 1")
        job = await running.delivery("delivered")
        assert job.state == "cancelled"


async def test_a_stale_button_says_that_the_job_is_over(running: Running, alice: Visitor) -> None:
    running.engine.hold()
    await alice.imagine("1girl, umbrella")
    message = await alice.answer("queue")
    running.engine.release()
    await running.delivery("delivered")
    sent = await alice.member.press(message, "Cancel 1")
    told = await sent.wait_for(lambda m: "already ended" in m.text)
    assert told.ephemeral
    shown = alice.member.message(message.id)
    assert "Nothing is waiting" in shown.text  # and the list is that of now
    refreshed = await alice.member.press(shown, "Refresh")
    assert refreshed.state == "acknowledged"
