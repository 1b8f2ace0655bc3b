"""Killed when a painted mask was accepted: it is drawn and posted once, and its link is spent."""

import pytest

from bot.playground.simulator.default_world import IDS
from tests.chaos.activity import Activity
from tests.chaos.audit import audit
from tests.chaos.painting import paint, paint_publicly
from tests.chaos.sight import job_of, posted_pictures
from tests.chaos.stage import Stage, until
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("failpoint", ["painted_unshown", "painted_shown_unmarked"])
async def test_a_mask_is_accepted_once(stage: Stage, activity: Activity, failpoint: str) -> None:
    bot = await stage.start(failpoint=failpoint)
    await until(lambda: stage.world.commands, "the commands")
    await paint_publicly(activity)
    await bot.end(PATIENCE_S)
    (link,) = activity.painted
    waiting = [each for each in stage.world.messages_in(IDS.general) if job_of(each)]
    assert len(waiting) == (failpoint == "painted_shown_unmarked")
    assert audit(stage, activity).complaints, "it is neither drawn nor posted"

    await stage.start()
    await until(lambda: stage.world.commands, "the commands")
    if link.is_open:  # nobody was told that it was accepted
        await paint(activity)
        assert link.refused, "its link is spent"
    await stage.quiet()
    assert audit(stage, activity).complaints == []
    assert activity.painted == [link]
    (message,) = posted_pictures(stage)[link.job_id]
    assert not waiting or message is waiting[0]
    await stage.stop()
