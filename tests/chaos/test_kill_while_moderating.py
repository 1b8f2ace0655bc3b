"""Killed in the middle of what a moderator does: the next start, or the next moderator, ends it."""

from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from tests.chaos.activity import Activity
from tests.chaos.sight import files
from tests.chaos.stage import Stage, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


def pictures(stage: Stage) -> list[Message]:
    found = (m for m in stage.world.messages_in(IDS.art) if any(files(m)))
    return [message for message in found if message.deleted_at is None]


async def begin(stage: Stage, failpoint: str = "", **spec: Any) -> None:
    await stage.start(failpoint=failpoint, **spec)
    await until(lambda: stage.world.commands, "the commands")


async def dead(stage: Stage) -> None:
    await until(lambda: not stage.alive, "the kill")


async def test_a_block_stops_what_waits_though_the_bot_died_before_it_was_cancelled(
    stage: Stage, activity: Activity
) -> None:
    await begin(stage, "person_blocked", step_s=1.0)
    await activity.imagine(user_id=IDS.alice, private=False, count=1, channel_id=IDS.art)
    moderator = stage.member(IDS.moderator)
    await moderator.slash("moderate block", {"user": IDS.alice}, channel=IDS.art, wait=False)
    await dead(stage)
    assert stage.query("SELECT state FROM jobs")[0]["state"] in {"queued", "running"}

    await stage.start()
    await stage.quiet()
    assert [row["state"] for row in stage.query("SELECT state FROM jobs")] == ["cancelled"]
    assert pictures(stage) == []
    (waiting,) = (m for m in stage.world.messages_in(IDS.art) if m.ephemeral_for is None)
    assert "cancelled" in str(waiting.embeds).lower()


async def test_a_reported_maker_is_blocked_and_the_report_still_open_for_the_rest(
    stage: Stage, activity: Activity
) -> None:
    await begin(stage)
    await activity.imagine(
        user_id=IDS.alice, private=False, count=1, channel_id=IDS.art, colours="apple"
    )
    await stage.quiet()
    await stage.stop()
    (message,) = pictures(stage)

    await begin(stage, "report_maker_blocked")
    bob, moderator = stage.member(IDS.bob), stage.member(IDS.moderator)
    form = await bob.message_command("Report picture", bob.message(message.id))
    reported = await bob.submit_modal(form, {"reason": "odd"})
    await reported.wait_for(lambda each: "Thank you" in each.text)
    queue = await moderator.slash("moderate reports", {}, channel=IDS.art)
    shown = await queue.wait_for(lambda each: not each.loading)
    opened = await moderator.press(shown, "Block maker")
    await moderator.submit_modal(opened, {"duration": "", "reason": "no"}, wait=False)
    await dead(stage)
    assert len(stage.query("SELECT 1 FROM blocks")) == 1

    await begin(stage)
    again = await moderator.slash("moderate reports", {}, channel=IDS.art)
    shown = await again.wait_for(lambda each: not each.loading)
    assert "1 open" in shown.text
    await moderator.press(shown, "Delete picture")
    await until(lambda: not pictures(stage), "the picture to go")
    assert stage.query("SELECT state FROM reports")[0]["state"] == "deleted"
