"""Several devices, and lost ones, as those who wait see them."""

import pytest

from bot.jobs.draw import device
from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot
from tests.support.devices import Losing
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.02))


async def test_two_are_drawn_for_while_the_third_is_told_how_many_are_ahead(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    one, two = FakeEngine(), FakeEngine()
    one.hold()
    two.hold()
    async with open_bot(place, loads=[lambda: one, lambda: two]) as running:
        await alice.imagine("1girl, hat")
        await bob.imagine("1boy, umbrella")
        await until(lambda: one.started.acquire(blocking=False))
        await until(lambda: two.started.acquire(blocking=False))
        third = await alice.imagine("1girl, scarf")
        assert "2 requests are ahead" in third.text
        queue = await alice.answer("queue")
        assert "Drawing: 2. Waiting: 1." in queue.text
        assert "Being drawn" in queue.text
        two.release()
        one.release()
        await running.all_delivered(3)
    assert sorted(len(each.drawn) for each in (one, two)) in ([1, 2], [0, 3])


@pytest.mark.usefixtures("soon")
async def test_a_member_gets_the_picture_although_the_card_was_lost(
    place: Discord, alice: Visitor
) -> None:
    losing = Losing(1)
    async with open_bot(place, loads=[losing.load]) as running:
        job = await alice.draw(running, "1girl, hat")
        assert job.state == "finished"
    assert len(losing.made) == 2


@pytest.mark.usefixtures("soon")
async def test_who_loses_the_card_twice_is_told_kindly_and_pays_nothing(
    place: Discord, alice: Visitor
) -> None:
    losing = Losing(2)
    async with open_bot(place, loads=[losing.load]) as running:
        sent = await alice.member.slash("imagine", {"prompt": "1girl, hat"}, channel=IDS.general)
        told = await sent.wait_for(lambda message: "failed twice" in message.text)
        assert "did not count towards your limits" in told.text
        assert "CUDA" not in told.text
        assert await running.used() == 0
        job = await alice.draw(running, "1girl, scarf")  # and it continues
        assert job.state == "finished"


async def test_who_waits_for_a_lost_card_is_told_that_the_model_is_loaded(
    place: Discord, alice: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (0.01,))
    losing = Losing(1)
    losing.may_reopen.clear()
    async with open_bot(place, loads=[losing.load]) as running:
        await alice.member.slash("imagine", {"prompt": "1girl, hat"}, channel=IDS.general)
        await until(lambda: losing.is_lost)
        waiting = await bob.imagine("1boy")
        assert "still being loaded" in waiting.text
        losing.may_reopen.set()
        await running.all_delivered(2)
