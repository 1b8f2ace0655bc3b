"""A job that ends the process is tried twice; then the bot continues without it, and reports it."""

import pytest

from bot.playground.simulator.default_world import IDS
from tests.chaos.activity import Activity, ImagineRequest
from tests.chaos.audit import audit
from tests.chaos.processes import BotProcess
from tests.chaos.sight import files
from tests.chaos.stage import Stage, until
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEADLY = "bottomless"
KILLED = -9


async def ask(activity: Activity, user_id: int, colours: str) -> ImagineRequest:
    return await activity.imagine(
        user_id=user_id, private=False, count=1, channel_id=IDS.art, colours=colours
    )


async def ended(bot: BotProcess) -> None:
    assert await bot.end(PATIENCE_S) == KILLED


async def test_a_job_that_ends_the_process_is_given_up_after_the_second_time(
    stage: Stage, activity: Activity
) -> None:
    first = await stage.start(deadly=DEADLY, step_s=0.1)
    await until(lambda: stage.world.commands, "the commands")
    before = await ask(activity, IDS.bob, "apple")
    deadly = await ask(activity, IDS.alice, DEADLY)
    after = await ask(activity, IDS.owner, "apple")
    await ended(first)
    await ended(await stage.start(deadly=DEADLY, wait=False))

    await stage.start(deadly=DEADLY)
    await stage.quiet()

    message = activity.shown(deadly.interaction)
    assert message is not None
    assert "crashed 2 times" in str(message.embeds)
    assert "does not count" in str(message.embeds)
    for request in (before, after):
        shown = activity.shown(request.interaction)
        assert shown is not None
        assert any(files(shown)), "others lose nothing by it"
    states = stage.query("SELECT state, attempts FROM jobs ORDER BY accepted_at")
    assert [row["state"] for row in states] == ["finished", "failed", "finished"]
    assert "is given up: the bot ended without warning 2 times" in stage.log.read_text()
    assert audit(stage, activity).complaints == []


async def test_what_was_drawn_beside_it_is_not_given_up(stage: Stage, activity: Activity) -> None:
    stage.slots = 3
    first = await stage.start(deadly=DEADLY, step_s=0.3)
    await until(lambda: stage.world.commands, "the commands")
    others = [await ask(activity, user_id, "apple") for user_id in (IDS.bob, IDS.owner)]
    await until(lambda: len(stage.query("SELECT job_id FROM drawing")) == 2, "both to be drawn")
    await ask(activity, IDS.alice, DEADLY)
    await ended(first)
    assert [row["n"] for row in stage.query("SELECT COUNT(*) AS n FROM drawing")] == [3]
    await ended(await stage.start(deadly=DEADLY, wait=False))

    await stage.start(deadly=DEADLY)
    await stage.quiet()

    states = stage.query("SELECT state FROM jobs ORDER BY accepted_at")
    assert [row["state"] for row in states] == ["finished", "finished", "failed"]
    for request in others:
        shown = activity.shown(request.interaction)
        assert shown is not None
        assert any(files(shown))
    assert audit(stage, activity).complaints == []
