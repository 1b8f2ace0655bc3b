"""The electricity of pictures, where it can be measured: for the operator, and over restarts."""

from collections.abc import Callable

import pytest

from bot.library import weekly
from bot.sharing import service
from cogs.common.words import watt_hours
from tests.cogs.moderation.test_weekly import (
    monday_comes,
    planned,
    planned_anew,
    reports,
    weekly_bot,
)
from tests.cogs.running import Discord, words
from tests.cogs.visitors import Visitor, open_bot


class Wattmeter:
    """Every picture takes half a watt-hour more than the one before."""

    def __init__(self) -> None:
        self.pictures = 0

    def start(self) -> Callable[[], float]:
        self.pictures += 1
        return lambda: 1800.0 * self.pictures


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weekly, "LOOK_EVERY_S", 0.02)


async def test_the_owner_sees_it_and_reads_it_each_week(
    place: Discord, alice: Visitor, owner: Visitor
) -> None:
    async with weekly_bot(place) as running:
        (worker,) = running.services.jobs.runner.engines.workers
        assert " Wh" not in (await owner.answer("owner status")).text
        await alice.draw(running, "1girl, not measured")
        assert " Wh" not in (await owner.answer("owner status")).text
        worker.energy = Wattmeter()
        for _ in range(3):
            await alice.draw(running, "1girl")
        status = (await owner.answer("owner status")).text
        assert "1.0 Wh a picture, on average over 3 pictures. The last one took 1.5 Wh." in (
            status.replace("\n", " ")
        )
    async with weekly_bot(place) as running:
        status = (await owner.answer("owner status")).text
        assert "1.0 Wh a picture, on average over 3 pictures." in status
        assert "The last one" not in status
        before = await planned(running)
        await monday_comes(place, running)
        await planned_anew(running, before)
        (sent,) = reports(place)
        assert "1.0 Wh of electricity a picture" in words(sent)


async def test_a_week_without_measured_pictures_says_nothing_of_it(
    place: Discord, alice: Visitor
) -> None:
    async with weekly_bot(place) as running:
        await alice.draw(running, "1girl")
        before = await planned(running)
        await monday_comes(place, running)
        await planned_anew(running, before)
        (sent,) = reports(place)
        assert " Wh" not in words(sent)


async def test_sums_are_stored_while_it_runs(
    place: Discord, alice: Visitor, owner: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STORE_EVERY_S", 0.0)
    async with open_bot(place) as running:
        (worker,) = running.services.jobs.runner.engines.workers
        worker.energy = Wattmeter()
        await alice.draw(running, "1girl")
        sharing = running.services.sharing
        await sharing.stop()
        worker.energy = None
    async with open_bot(place):
        assert "0.50 Wh a picture" in (await owner.answer("owner status")).text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (0.0421, "0.042"), (0.5, "0.50"), (1.34, "1.3"), (12.3, "12"), (234.5, "234")],
)
def test_watt_hours_have_two_digits_that_say_something(value: float, shown: str) -> None:
    assert watt_hours(value) == shown
