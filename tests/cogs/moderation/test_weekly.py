"""The weekly report reaches the bot's operators once, whatever happens in between."""

import asyncio
from typing import Any

import pytest

from bot.library import weekly
from bot.library.weekly import LATE_S, next_due
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from cogs.moderation.weekly import nonce_of
from data.store import notes
from pipeline.errors import EngineError
from tests.cogs.moderation.helpers import nothing_to_tell
from tests.cogs.running import Discord, Running, words
from tests.cogs.visitors import Visitor, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.faults import Fault
from tests.support.patience import until


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weekly, "LOOK_EVERY_S", 0.02)


def weekly_bot(place: Discord, **settings: Any) -> Any:
    return open_bot(place, **{"weekly_report": True} | settings)


async def planned(running: Running) -> str:
    """The stored plan, once there is one."""
    return await until(lambda: running.services.database.read(notes.get, key="weekly_report"))


async def monday_comes(place: Discord, running: Running) -> float:
    """Let the time pass until the next report is due; returns when that is."""
    await planned(running)
    due = next_due(place.clock.time())
    place.advance(due - place.clock.time() + 1)
    return due


async def planned_anew(running: Running, before: str) -> None:
    await until(lambda: _differs(running, before))
    await nothing_to_tell(running)


async def _differs(running: Running, before: str) -> bool:
    return await planned(running) != before


def reports(place: Discord, channel_id: int = IDS.dm_owner) -> list[Message]:
    return [each for each in place.seen(channel_id) if str(each.nonce).startswith("week-")]


def fail(request: Any, step: int) -> Exception | None:
    return EngineError("engine_failed") if "broken" in request.prompt else None


async def test_the_owner_reads_what_happened(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with weekly_bot(place, engine=FakeEngine(fail_at=fail)) as running:
        for visitor in (alice, bob):
            await visitor.draw(running, "1girl")
        await alice.draw(running, "broken")
        before = await planned(running)
        due = await monday_comes(place, running)
        await planned_anew(running, before)
        (sent,) = reports(place)
        assert sent.nonce == nonce_of(due)
        read = words(sent)
        for line in (
            "2 pictures for 2 people", "1 request failed: `engine_failed` 1",
            "0 pictures withheld", "0 open reports", "0 messages that Discord rejects",
            "of disk space free", "Ekaki ", "WEEKLY_REPORT=no",
        ):  # fmt: skip
            assert line in read
        assert "1girl" not in read
        assert str(IDS.alice) not in read
        assert reports(place, IDS.dm_alice) == []


async def test_it_is_sent_once_a_week(place: Discord) -> None:
    async with weekly_bot(place) as running:
        for number in (1, 2):
            before = await planned(running)
            await monday_comes(place, running)
            await planned_anew(running, before)
            place.advance(3600)
            await asyncio.sleep(0.1)  # some more looks
            assert len(reports(place)) == number


async def test_nobody_gets_it_who_did_not_ask(place: Discord) -> None:
    async with open_bot(place) as running:
        place.advance(30 * 86400)
        await asyncio.sleep(0.1)
        assert await running.services.database.read(notes.get, key="weekly_report") is None
        assert reports(place) == []


async def test_those_named_by_owner_ids_get_it_in_their_languages(
    place: Discord, alice: Visitor
) -> None:
    place.world.users[IDS.alice].locale = "ja"
    owners = frozenset({IDS.alice, IDS.bob})
    async with weekly_bot(place, owner_ids=owners) as running:
        await alice.draw(running, "1girl", private=True)
        before = await planned(running)
        await monday_comes(place, running)
        await planned_anew(running, before)
        (japanese,), (english,) = (reports(place, dm) for dm in (IDS.dm_alice, IDS.dm_bob))
        assert "画像1枚、利用者1人" in words(japanese)
        assert "1 picture for 1 person" in words(english)
        assert reports(place) == []


async def test_a_bot_that_was_down_on_monday_sends_it_when_it_is_back(place: Discord) -> None:
    async with weekly_bot(place) as running:
        await planned(running)
    due = next_due(place.clock.time())
    place.advance(due - place.clock.time() + 20 * 3600)
    async with weekly_bot(place) as running:
        await until(lambda: reports(place))
        await nothing_to_tell(running)
        (sent,) = reports(place)
        assert sent.nonce == nonce_of(due)


async def test_a_crash_before_it_is_recorded_sends_it_no_second_time(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with weekly_bot(place) as running:
        before = await planned(running)

        async def lost(*_: object, **__: object) -> float:
            await asyncio.Event().wait()  # killed before it is entered
            raise AssertionError

        monkeypatch.setattr(running.services.outbox, "done", lost)
        await monday_comes(place, running)
        await until(lambda: reports(place))
        assert await _differs(running, before)
    async with weekly_bot(place) as running:
        await nothing_to_tell(running)
        assert len(reports(place)) == 1


async def test_a_refusal_is_tried_again_and_closed_messages_are_not(place: Discord) -> None:
    async with weekly_bot(place) as running:
        before = await planned(running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.dm_owner}/messages", status=500, times=6)
        )
        await monday_comes(place, running)
        await planned_anew(running, before)
        assert len(reports(place)) == 1
        before = await planned(running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.dm_owner}/messages", status=403, code=50007)
        )
        await monday_comes(place, running)
        await planned_anew(running, before)
        assert len(reports(place)) == 1


async def test_switched_off_it_is_not_sent_though_it_waits(place: Discord) -> None:
    async with weekly_bot(place) as running:
        before = await planned(running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.dm_owner}/messages", status=500, times=99)
        )
        await monday_comes(place, running)
        await until(lambda: _differs(running, before))
    place.loopback.faults.clear()
    async with open_bot(place) as running:
        await nothing_to_tell(running)
        assert reports(place) == []


async def test_what_waits_too_long_is_left_out(place: Discord) -> None:
    async with weekly_bot(place) as running:
        before = await planned(running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.dm_owner}/messages", status=500, times=99)
        )
        await monday_comes(place, running)
        await until(lambda: _differs(running, before))
    place.loopback.faults.clear()
    place.advance(LATE_S + 10)
    async with weekly_bot(place) as running:
        await nothing_to_tell(running)
        assert reports(place) == []
