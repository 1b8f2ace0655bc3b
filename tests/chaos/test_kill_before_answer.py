"""Killed between the stored job and the first response: its user gets the picture, once."""

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from tests.chaos.activity import Activity
from tests.chaos.audit import audit
from tests.chaos.sight import files
from tests.chaos.stage import Stage, until
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")


def pictures_in(stage: Stage, channel_id: int) -> list[Message]:
    return [m for m in stage.world.messages_in(channel_id) if any(files(m))]


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_the_picture_comes_as_a_message_of_its_own(
    stage: Stage, activity: Activity, private: bool
) -> None:
    await stage.start(failpoint="job_accepted")
    await until(lambda: stage.world.commands, "the commands")
    request = await activity.imagine(
        user_id=IDS.alice, private=private, count=2, channel_id=IDS.art
    )
    assert request.interaction.callback_type is None, "nothing was answered"
    assert not stage.alive

    await stage.start()
    await stage.quiet()

    (sent,) = pictures_in(stage, IDS.dm_alice if private else IDS.art)
    assert len(list(files(sent))) == 2
    if not private:
        assert sent.mention_ids == [IDS.alice], "a new message calls the person it is for"
    assert audit(stage, activity).complaints == []
    assert pictures_in(stage, IDS.art if private else IDS.dm_alice) == []


async def test_a_start_that_is_killed_again_sends_it_no_second_time(
    stage: Stage, activity: Activity
) -> None:
    await stage.start(failpoint="job_accepted")
    await until(lambda: stage.world.commands, "the commands")
    await activity.imagine(user_id=IDS.alice, private=False, count=1, channel_id=IDS.art)
    second = await stage.start(failpoint="delivered_unmarked")
    await second.end(PATIENCE_S)
    assert len(pictures_in(stage, IDS.art)) == 1, "sent, and not entered"

    stage.world.advance(3600)  # the nonce no longer helps
    await stage.start()
    await stage.quiet()
    assert len(pictures_in(stage, IDS.art)) == 1
    assert audit(stage, activity).complaints == []
