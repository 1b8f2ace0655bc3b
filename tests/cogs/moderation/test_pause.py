"""`/owner pause` and `/owner resume`."""

import json
import time
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from tests.cogs.drawing.test_resting import hours_from_now, times_in
from tests.cogs.moderation.helpers import log
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


def lasting(duration: str) -> dict[str, Any]:
    """The option `for`, which is a word of Python."""
    return {"for": duration}


async def test_a_pause_holds_over_a_restart_until_its_end_and_places_stay(
    place: Discord, alice: Visitor, bob: Visitor, owner: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    async with open_bot(place, engine=engine) as running:
        await alice.imagine("1girl, first")
        await until(lambda: engine.started.acquire(blocking=False))
        second = await bob.imagine("1boy, second")
        said = await owner.answer("owner pause", **lasting("8h"))
        assert "New requests are accepted and wait. 1 request keeps its place." in said.text
        (ends,) = times_in(said.text)
        assert 7.9 * 3600 < ends - time.time() <= 8 * 3600 + 1
        await until(lambda: "paused drawing" in bob.member.message(second.id).text)
        assert ends in times_in(bob.member.message(second.id).text)
        engine.release()  # what was begun is finished
        await until(lambda: len(engine.drawn) == 1)
        third = await alice.imagine("1girl, third")
        assert "1 request is ahead of yours" in third.text
        assert "The operator has paused drawing" in (await bob.answer("queue")).text
        status = (await owner.answer("owner status")).text
        assert "The operator has paused drawing" in status
        assert "resting 1" in status
        assert len(engine.drawn) == 1
    place.advance(7 * 3600)  # longer than the six hours after which waiting jobs are closed
    engine = FakeEngine()
    async with open_bot(place, engine=engine) as running:
        assert running.services.jobs.runner.engines.rest is not None
        assert not engine.drawn
        place.advance(3600)
        await running.all_delivered(3)
        assert ["second" in prompt for prompt, _ in engine.drawn] == [True, False]


async def test_an_open_pause_ends_with_resume(
    running: Running, alice: Visitor, owner: Visitor
) -> None:
    assert "is not paused" in (await owner.answer("owner resume")).text
    assert "until `/owner resume`" in (await owner.answer("owner pause")).text
    shown = await alice.imagine("1girl")
    assert "Requests wait and keep their places" in shown.text
    assert "Ready" not in shown.text
    assert "The pause is over." in (await owner.answer("owner resume")).text
    await running.all_delivered(1)
    kinds = [entry.kind for entry in await log(running)]
    assert kinds == ["paused", "accepted", "resumed"]
    assert "until `/owner resume`" in (await owner.answer("owner log")).text


async def test_an_owner_may_have_new_requests_refused(
    place: Discord, running: Running, alice: Visitor, owner: Visitor
) -> None:
    said = await owner.answer("owner pause", requests="refuse")
    assert "New requests are refused." in said.text
    assert (
        "no new requests are taken. Please try again later" in (await alice.imagine("1girl")).text
    )
    await owner.answer("owner pause", requests="refuse", **lasting("1h"))
    refused = await alice.imagine("1girl")
    assert "no new requests are taken until then" in refused.text
    assert await running.used() == 0
    place.advance(3601)
    assert (await alice.draw(running, "1girl")).state == "finished"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"until": "08:00", "for": "1h"}, "not both"),
        ({"until": "soon"}, "not a time that I understand"),
        ({"until": "2020-01-01"}, "in the past"),
        ({"for": "soon"}, "soon"),
    ],
)
async def test_odd_ends_are_refused(
    running: Running, owner: Visitor, options: dict[str, Any], said: str
) -> None:
    assert said in (await owner.answer("owner pause", **options)).text
    assert running.services.sharing.pausing.current is None


async def test_only_the_owner_may_pause(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, owner_ids=frozenset({IDS.bob})) as running:
        said = await alice.answer("owner pause", channel=IDS.dm_alice)
        assert "Only the person who runs this bot" in said.text
        assert running.services.sharing.pausing.current is None


async def test_the_later_of_pause_and_hours_is_told(place: Discord, owner: Visitor) -> None:
    hours = hours_from_now(5, 6)
    async with open_bot(place, draw_hours=hours, draw_time_zone="UTC") as running:
        await owner.answer("owner pause", **lasting("1h"))
        (worker,) = running.services.jobs.runner.engines.workers
        assert worker.rest is not None
        assert worker.rest.reason == "paused"
        assert (worker.rest.until or 0.0) - time.time() > 4 * 3600
        said = (await owner.answer("owner resume")).text
        assert "Nothing is drawn at this hour" in said


async def test_a_bot_that_finishes_leaves_what_is_paused_to_the_next_start(
    place: Discord, alice: Visitor, owner: Visitor
) -> None:
    async with open_bot(place) as running:
        await owner.answer("owner pause")
        await alice.imagine("1girl")
        await running.services.jobs.drain()
        assert (await running.job()).state == "queued"
    async with open_bot(place) as running:
        await owner.answer("owner resume")
        await running.delivery("delivered")


async def test_rests_are_remembered(place: Discord, running: Running, owner: Visitor) -> None:
    await owner.answer("owner pause", **lasting("1h"))
    await until(lambda: _remembered(running, [False]))
    place.advance(3601)
    await until(lambda: _remembered(running, [True]))


async def _remembered(running: Running, ended: list[bool]) -> bool:
    async with (
        running.services.database.reader() as connection,
        connection.execute("SELECT value FROM notes WHERE key = 'drawing_rests'") as cursor,
    ):
        row = await cursor.fetchone()
    return (
        row is not None and [until is not None for _, until in json.loads(row[0])["rests"]] == ended
    )
