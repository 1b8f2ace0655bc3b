"""A row of the outbox that is damaged, or can't be written, stops none of its lane or of others."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.outbox import dispatcher as dispatching
from bot.outbox import verdict as verdicts
from bot.outbox.verdict import Verdict
from data.guilds.outbox import OutboxItem
from tests.bot.outbox.test_dispatcher import PATIENCE_S, RefusedByTest, Room, open_room
from tests.support.patience import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "BACKOFF_S", (0.01,) * len(verdicts.BACKOFF_S))
    monkeypatch.setattr(dispatching, "PAUSE_S", 0.001)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room, None]:
    async with open_room(tmp_path) as opened:
        yield opened


HUGE = 2**63 - 1
DAMAGE = {
    "payload is no JSON": "payload = '{'",
    "payload is no object": "payload = '[1]'",
    "payload names a channel that can't be": "payload = json_object('channel_id', 1e300)",
    "payload names no channel": "payload = json_object('channel_id', 'x')",
    "attempts beyond 64 bits": f"attempts = {HUGE}",
    "put at no time": "put_at = 9e999",
    "due for ever": "due_at = -9e999",
    "text that is none": "last_error = CAST(x'ff' AS TEXT)",
    "key that is none": "key = CAST(x'ff' AS TEXT)",
    "state that is none": "state = 'odd'",
}


async def damage(room: Room, key: str, change: str) -> None:
    async with room.database.transaction() as connection:
        await connection.execute("PRAGMA ignore_check_constraints = ON")
        await connection.execute(f"UPDATE outbox SET {change} WHERE key = ?", (key,))
        await connection.execute("PRAGMA ignore_check_constraints = OFF")


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize(
    "verdict", [Verdict.PARK, Verdict.UNFORESEEN, Verdict.CLOSED, Verdict.RETRY, Verdict.GIVE_UP]
)
async def test_a_damaged_row_stops_none_of_its_lane_or_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, verdict: Verdict
) -> None:
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.01)

    async def fail(item: OutboxItem) -> None:
        if item.key not in {"good", "other"}:
            raise RefusedByTest(verdict)

    async with open_room(tmp_path, starts=False) as room:
        room.post.fail = fail
        await room.put("bad", "good", guild_id=1)
        await room.put("other", lane="b")
        await damage(room, "bad", change)
        room.dispatcher.start()
        await room.until(lambda: set(room.post.sent) == {"good", "other"})


async def test_a_row_that_can_not_be_written_is_left_alone_for_a_while(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    entering: list[str] = []

    async def done(item: OutboxItem) -> float:
        entering.append(item.key)
        raise OverflowError(item.key)

    monkeypatch.setattr(room.outbox, "done", done)
    await room.put("a", "b", "c")
    await room.until(lambda: entering == ["a", "b", "c"])
    await room.put("d")
    await room.until(lambda: entering == ["a", "b", "c", "d"])


async def test_a_sender_that_always_cancels_itself_stops_nothing(room: Room) -> None:
    async def fail(item: OutboxItem) -> None:
        if item.key == "bad":
            raise asyncio.CancelledError

    room.post.fail = fail
    await room.put("bad", "good")
    await room.until(lambda: room.post.sent == ["good"])
    await until(lambda: room.outbox.parked(limit=9))


async def test_a_place_that_was_not_known_for_a_month_is_given_up(room: Room) -> None:
    async def fail(item: OutboxItem) -> None:
        if item.key == "old":
            raise RefusedByTest(Verdict.WAIT)

    room.post.fail = fail
    await room.put("young", lane="a")
    await room.put("old", lane="b")
    await room.until(lambda: room.post.tries.count("old") >= 2)
    async with room.database.transaction() as connection:
        await connection.execute("UPDATE outbox SET put_at = put_at - 31 * 86400")
    async with asyncio.timeout(PATIENCE_S):
        while (await room.outbox.counts())["waiting"]:
            await asyncio.sleep(0.005)
    assert room.post.sent == ["young"]
