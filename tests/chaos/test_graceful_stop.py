"""SIGTERM while a picture is drawn: the step ends, states are stored, exit 0, and the next start
continues."""

import asyncio
import signal

import pytest

from bot.playground.simulator.default_world import IDS
from tests.chaos.activity import Activity
from tests.chaos.audit import audit
from tests.chaos.sight import files
from tests.chaos.stage import Stage, until
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS, SLOW_STEP_S = 60, 0.5  # longer than it takes to stop, however busy the machine is


async def test_sigterm_while_drawing_ends_with_0_and_the_same_message_goes_on(
    stage: Stage, activity: Activity
) -> None:
    await stage.start(step_s=SLOW_STEP_S, steps=STEPS)
    await until(lambda: stage.world.commands, "the commands")
    request = await activity.imagine(user_id=IDS.alice, private=False, count=1, channel_id=IDS.art)
    message = activity.shown(request.interaction)
    assert message is not None
    await until(lambda: message.embeds[0]["title"] == "Drawing", "a step to be shown")

    await stage.stop()
    (job,) = stage.query("SELECT state, delivery, message_id FROM jobs")
    assert (job["state"], job["delivery"], job["message_id"]) == ("running", "pending", message.id)

    await stage.start()
    await stage.quiet()
    assert any(files(message)), "the pictures are in the message that waited"
    assert audit(stage, activity).complaints == []


async def test_sigterm_during_a_delivery_lets_it_end(stage: Stage, activity: Activity) -> None:
    await stage.start()
    await until(lambda: stage.world.commands, "the commands")
    request = await activity.imagine(user_id=IDS.alice, private=False, count=1, channel_id=IDS.art)
    message = activity.shown(request.interaction)
    assert message is not None
    await until(
        lambda: stage.query("SELECT state FROM jobs")[0]["state"] == "finished", "the pictures"
    )
    await stage.stop()
    await stage.start()
    await stage.quiet()
    assert audit(stage, activity).complaints == []


async def test_who_asks_while_the_bot_stops_is_told_so(stage: Stage, activity: Activity) -> None:
    await stage.start(settings={"previews": False})  # only the end of the job has files
    await until(lambda: stage.world.commands, "the commands")
    told = asyncio.Event()
    delivery = Fault(method="PATCH", path="/webhooks/", until=told, files=True)
    stage.loopback.faults.add(delivery)
    await activity.imagine(user_id=IDS.alice, private=False, count=1, channel_id=IDS.art)
    await until(lambda: not delivery.times, "the delivery to begin, which the bot waits for")
    assert stage.bot is not None
    stage.bot.send(signal.SIGTERM)
    answers: list[str] = []
    while stage.alive and not any("shutting down" in answer for answer in answers):
        request = await activity.imagine(user_id=IDS.bob, count=1, channel_id=IDS.art)
        shown = activity.shown(request.interaction)
        answers.append("" if shown is None else shown.content)
    told.set()
    assert any("I'm shutting down" in answer for answer in answers), answers
    assert not any("has changed" in answer for answer in answers), answers
    assert await stage.bot.end(PATIENCE_S) == 0


async def test_a_second_bot_on_the_same_folder_does_not_start(stage: Stage) -> None:
    first = await stage.start()
    stage.bot = None
    second = await stage.start(wait=False)
    assert await second.end(PATIENCE_S) == 1
    assert first.alive
    first.send(signal.SIGTERM)
    assert await first.end(PATIENCE_S) == 0
