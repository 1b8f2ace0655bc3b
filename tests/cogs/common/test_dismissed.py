"""A person dismisses an answer while the bot still works on it."""

import logging

import pytest

from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord, running_bot
from tests.support.faults import Fault
from tests.support.member import Member
from tests.support.patience import until


async def test_a_dismissed_answer_is_no_error_and_nobody_is_told(
    place: Discord, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cogs.common.errors")
    async with running_bot(place, commands_known=True):
        place.loopback.faults.add(
            Fault(method="PATCH", path="/messages/@original$", status=404, code=10008)
        )
        alice = Member(place.loopback, IDS.alice)
        await alice.slash("gallery public", {"on": True}, channel=IDS.general)
        await until(lambda: "dismissed an answer" in caplog.text)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert not place.loopback.log.find("POST", "/webhooks/"), "a follow-up would be a surprise"
