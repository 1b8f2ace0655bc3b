"""While nothing is drawn, requests wait and people are told until when."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.common.hours import Hours
from bot.jobs.values import Queued, Rest
from bot.sharing import watcher
from bot.sharing.yielding import Use
from cogs.drawing import render
from data.shipped.text import speaking
from tests.cogs.drawing.test_render import described, job
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


def hours_from_now(begin: int, end: int) -> Hours:
    """Such that it opens in `begin` hours and closes in `end`, in UTC."""
    now = datetime.now(UTC)
    times = [(now + timedelta(hours=hours)).strftime("%H:%M") for hours in (begin, end)]
    return Hours.parse("-".join(times))


def times_in(text: str) -> list[float]:
    """The moments that Discord shows."""
    return [float(found) for found in re.findall(r"<t:(\d+):f>", text)]


async def test_outside_its_hours_the_bot_accepts_and_draws_later(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    hours, engine = hours_from_now(3, 5), FakeEngine()
    async with open_bot(place, engine=engine, draw_hours=hours, draw_time_zone="UTC") as running:
        assert running.services.jobs.runner.engines.rest is not None
        shown = await alice.imagine("1girl")
        assert "Your picture is next." in shown.text
        assert "Nothing is drawn at this hour. I draw again at" in shown.text
        (opens,) = times_in(shown.text)
        assert opens % 60 == 0
        assert 2.9 * 3600 < opens - time.time() <= 3 * 3600
        assert "1 request is ahead of yours" in (await bob.imagine("1boy")).text
        queue = (await alice.answer("queue")).text
        assert "Drawing: 0. Waiting: 2." in queue
        assert f"I draw again at <t:{opens:.0f}:f>" in queue
        assert not engine.drawn
        place.advance(3 * 3600)
        await running.all_delivered(2)
        assert "Nothing is waiting" in (await alice.answer("queue")).text


async def test_what_is_begun_is_finished_and_the_rest_of_a_job_waits(
    place: Discord, alice: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    hours = hours_from_now(-1, 1)
    async with open_bot(place, engine=engine, draw_hours=hours, draw_time_zone="UTC") as running:
        shown = await alice.imagine("1girl", count=2)
        await until(lambda: engine.started.acquire(blocking=False))
        place.advance(2 * 3600)
        await until(lambda: running.services.jobs.runner.engines.rest is not None)
        engine.release()
        await until(lambda: len(engine.drawn) == 1)
        await until(lambda: "at this hour" in alice.member.message(shown.id).text)
        place.advance(21.9 * 3600)
        await running.all_delivered(1)
        assert len(engine.drawn) == 2


def test_every_reason_has_its_words() -> None:
    said: set[str] = set()
    at = 1_800_000_000.0
    rests = Rest("paused"), Rest("paused", at), Rest("busy"), Rest("hours", at)
    for rest in rests:
        event = Queued(position=0, eta_s=None, rest=rest, ready_at=rest.until)
        for locale in ("en", "ja"):
            with speaking(locale):
                words = described(render.waiting(job(), event))
            assert times_in(words) == ([] if rest.until is None else [at, at])
            said.add(words)
    assert len(said) == 2 * len(rests)


def test_without_a_machine_the_message_says_so() -> None:
    none = Queued(position=0, eta_s=None, no_machine=True)
    assert "No machine that draws is there" in described(render.waiting(job(), none))


async def test_drawing_makes_room_for_another_program_and_says_so(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"load": 0.0}

    class Meter:
        def read(self, *, drawing: bool) -> Use:
            return Use(load=others["load"])

    monkeypatch.setattr(watcher, "ProcessorMeter", Meter)
    async with open_bot(place, provider="cpu", yield_load_percent=50) as running:
        assert (await alice.draw(running, "1girl")).state == "finished"
        others["load"] = 0.8
        (worker,) = running.services.jobs.runner.engines.workers
        await until(lambda: _time_passes(place, worker.rest is not None))
        shown = await alice.imagine("1girl, umbrella")
        assert "Another program is using this machine." in shown.text
        assert "Ready" not in shown.text
        assert "Another program" in (await alice.answer("queue")).text
        others["load"] = 0.1
        await until(lambda: _time_passes(place, worker.rest is None))
        await running.all_delivered(2)


def _time_passes(place: Discord, is_so: bool) -> bool:
    """Some seconds, so that what others use has lasted."""
    if not is_so:
        place.advance(2)
    return is_so
