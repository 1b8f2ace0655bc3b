"""What sends the outbox: one item, one lane, one destination never stops the others."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.clock import SystemClock
from bot.moderation.audit import Audit
from bot.outbox import dispatcher as dispatching
from bot.outbox import verdict as verdicts
from bot.outbox.dispatcher import Dispatcher
from bot.outbox.kinds import Kind
from bot.outbox.service import Outbox
from bot.outbox.verdict import Failure, Verdict, next_attempt, verdict_of
from data.guilds import audit, outbox
from data.guilds.outbox import OutboxItem
from data.store.database import Database
from pipeline.errors import StorageError
from tests.support.patience import PATIENCE_S, until


class RefusedByTest(Exception):  # noqa: N818 - what a sender raises
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def explain(error: BaseException) -> Failure:
    verdict = error.verdict if isinstance(error, RefusedByTest) else Verdict.UNFORESEEN
    return Failure(verdict=verdict, words=str(error))


@dataclass
class Post:
    """A sender that records what arrives, and fails as configured."""

    sent: list[str] = field(default_factory=list[str])
    tries: list[str] = field(default_factory=list[str])
    fail: Callable[[OutboxItem], Awaitable[None]] | None = None

    async def __call__(self, item: OutboxItem) -> float | None:
        self.tries.append(item.key)
        if self.fail is not None:
            await self.fail(item)
        self.sent.append(item.key)
        return None


@dataclass
class Room:
    database: Database
    outbox: Outbox
    dispatcher: Dispatcher
    post: Post

    async def put(self, *keys: str, lane: str = "a", guild_id: int | None = None) -> None:
        for key in keys:
            await self.database.write(
                outbox.put, kind=Kind.WELCOME, key=key, lane=lane, guild_id=guild_id
            )

    async def until(self, found: Callable[[], bool]) -> None:
        await until(found)


@asynccontextmanager
async def open_room(
    folder: Path,
    *,
    send_limit_s: float = 300.0,
    starts: bool = True,
    begun: Callable[[int], bool] = lambda _: True,
) -> AsyncGenerator[Room]:
    clock = SystemClock()
    async with Database.open(folder / "test.db") as database:
        outbox = Outbox(database=database, audit=Audit(database=database, clock=clock), clock=clock)
        made = Dispatcher(
            outbox, clock=clock, explain=explain, begun=begun, send_limit_s=send_limit_s
        )
        post = Post()
        outbox.senders[Kind.WELCOME] = post
        if starts:
            made.start()
        try:
            yield Room(database=database, outbox=outbox, dispatcher=made, post=post)
        finally:
            await made.stop()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room, None]:
    async with open_room(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that waits does so for an instant."""
    monkeypatch.setattr(verdicts, "BACKOFF_S", (0.01,) * len(verdicts.BACKOFF_S))
    monkeypatch.setattr(dispatching, "PAUSE_S", 0.001)


@pytest.mark.parametrize(
    "verdict", [Verdict.PARK, Verdict.GIVE_UP, Verdict.UNFORESEEN, Verdict.RETRY]
)
async def test_one_item_that_fails_does_not_stop_those_behind_it(
    room: Room, verdict: Verdict
) -> None:
    async def fail(item: OutboxItem) -> None:
        if item.key == "bad":
            raise RefusedByTest(verdict)

    room.post.fail = fail
    await room.put("bad", "good", "better")
    await room.until(lambda: {"good", "better"} <= set(room.post.sent))
    assert "bad" not in room.post.sent


@pytest.mark.parametrize(
    "error", [ValueError("odd"), KeyError("odd"), StorageError("odd"), AssertionError()]
)
async def test_an_error_that_nobody_foresaw_stops_nothing(room: Room, error: Exception) -> None:
    async def fail(item: OutboxItem) -> None:
        if item.key == "bad":
            raise error

    room.post.fail = fail
    await room.put("bad", lane="a")
    await room.put("good", lane="b")
    await room.until(lambda: "good" in room.post.sent)


async def test_a_wake_that_comes_during_an_attempt_is_not_lost(room: Room) -> None:
    async def fail(item: OutboxItem) -> None:
        if room.post.tries.count(item.key) == 1:
            await room.outbox.wake(1)
            raise RefusedByTest(Verdict.CLOSED)  # minutes of rest for item and lane

    room.post.fail = fail
    await room.put("late", guild_id=1)
    await room.until(lambda: room.post.sent == ["late"])


async def test_a_sender_that_is_cancelled_from_within_stops_nothing(room: Room) -> None:
    async def fail(item: OutboxItem) -> None:
        if item.key == "bad" and room.post.tries.count("bad") == 1:
            raise asyncio.CancelledError

    room.post.fail = fail
    await room.put("bad", "good")
    await room.until(lambda: set(room.post.sent) == {"bad", "good"})


async def test_servers_that_can_not_be_known_yet_wait_and_lose_nothing_old(tmp_path: Path) -> None:
    known = {1}

    async def unknown(item: OutboxItem) -> None:
        if item.guild_id not in known:
            raise RefusedByTest(Verdict.WAIT)  # it gives up what has waited too long

    async with open_room(tmp_path, starts=False, begun=lambda each: each in known) as room:
        room.post.fail = unknown
        await room.put("late", lane="a", guild_id=2)
        await room.put("early", lane="b", guild_id=1)
        async with room.database.transaction() as connection:
            await connection.execute("UPDATE outbox SET put_at = 0")
        room.dispatcher.start()
        await room.until(lambda: room.post.sent == ["early"])
        known.add(2)
        room.outbox.fresh.set()
        await room.until(lambda: room.post.sent == ["early", "late"])
        assert room.post.tries == ["early", "late"]


async def test_a_lane_that_hangs_holds_up_no_other_and_is_given_back(tmp_path: Path) -> None:
    async with open_room(tmp_path, send_limit_s=0.2) as room:

        async def fail(item: OutboxItem) -> None:
            if item.key == "bad":
                await asyncio.Event().wait()

        room.post.fail = fail
        await room.put("bad", "behind", lane="slow")
        await room.put("good", lane="b")
        await room.until(lambda: "good" in room.post.sent)
        await room.until(lambda: "behind" in room.post.sent)


async def test_lanes_that_hang_do_not_use_up_all_that_send_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "SLOT_S", 0.05)
    async with open_room(tmp_path) as room:

        async def fail(item: OutboxItem) -> None:
            if item.key != "good":
                await asyncio.Event().wait()

        room.post.fail = fail
        for number in range(dispatching.LANES_AT_ONCE):
            await room.put(str(number), lane=str(number))
        await room.put("good", lane="good")
        await room.until(lambda: "good" in room.post.sent)


async def test_items_for_an_open_place_do_not_wait_behind_those_for_a_closed_one(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.01)

    async def fail(item: OutboxItem) -> None:
        if item.key.startswith("closed"):
            raise RefusedByTest(Verdict.CLOSED)

    room.post.fail = fail
    await room.put(*(f"closed {number}" for number in range(5)), "good")
    await room.until(lambda: "good" in room.post.sent)
    await room.until(lambda: len(room.post.tries) == 6)
    assert len(set(room.post.tries)) == 6, "those that were refused wait for minutes"


async def test_a_closed_place_rests_and_is_tried_again_when_the_server_changes(room: Room) -> None:
    closed = True

    async def fail(_item: OutboxItem) -> None:
        if closed:
            raise RefusedByTest(Verdict.CLOSED)

    room.post.fail = fail
    await room.put("one", "two", lane="closed", guild_id=7)
    await room.put("other", lane="open", guild_id=8)
    await room.until(lambda: len(room.post.tries) >= 2)
    counts = await room.outbox.counts()
    assert counts["waiting"] == 3, "one request was refused, the lane rests"
    closed = False
    await room.outbox.wake(7)
    await room.until(lambda: {"one", "two"} <= set(room.post.sent))


async def test_what_is_parked_is_told_to_the_moderators_once(room: Room) -> None:
    async def fail(_item: OutboxItem) -> None:
        raise RefusedByTest(Verdict.PARK)

    room.post.fail = fail
    await room.put("bad", guild_id=7)
    await room.until(lambda: len(room.post.tries) == 1)
    await until(lambda: room.outbox.parked(limit=9))
    await room.put("bad", guild_id=7)  # requested again: tried immediately, and not reported again
    await room.until(lambda: len(room.post.tries) == 2)
    async with asyncio.timeout(PATIENCE_S):
        while (await room.outbox.parked(limit=9))[0].attempts < 2:
            await asyncio.sleep(0.005)
    async with room.database.reader() as reader:
        entries = await audit.page(reader, guild_id=7, offset=0, limit=10)
    assert [(e.kind, e.details["what"]) for e in entries] == [("undelivered", "welcome")]


async def test_a_place_that_is_not_known_costs_no_attempts(room: Room) -> None:
    known = False

    async def fail(_item: OutboxItem) -> None:
        if not known:
            raise RefusedByTest(Verdict.WAIT)

    room.post.fail = fail
    await room.put("one", guild_id=7)
    for number in range(1, 6):
        await room.until(lambda number=number: len(room.post.tries) >= number)
        await room.outbox.wake(7)
    known = True
    await room.outbox.wake(7)
    await room.until(lambda: room.post.sent == ["one"])


async def test_what_was_asked_for_during_an_attempt_that_is_given_up_is_tried_again(
    room: Room,
) -> None:
    async def fail(item: OutboxItem) -> None:
        if len(room.post.tries) == 1:
            await room.put(item.key)
            raise RefusedByTest(Verdict.GIVE_UP)

    room.post.fail = fail
    await room.put("one")
    await room.until(lambda: room.post.sent == ["one"])


async def test_what_a_crash_left_is_sent_at_the_next_start_whenever_it_was_planned(
    tmp_path: Path,
) -> None:
    async def fail(_item: OutboxItem) -> None:
        raise RefusedByTest(Verdict.PARK)

    async with open_room(tmp_path) as room:
        room.post.fail = fail
        await room.put("one")
        await until(lambda: room.outbox.parked(limit=9))
    async with open_room(tmp_path) as room:
        await room.until(lambda: room.post.sent == ["one"])
        async with asyncio.timeout(PATIENCE_S):
            while (await room.outbox.counts())["parked"]:
                await asyncio.sleep(0.005)


async def test_an_unknown_kind_is_parked_and_kept(room: Room) -> None:
    async with room.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO outbox_put (kind, key, lane) VALUES ('of another version', '1', 'a')"
        )
    await room.put("good")
    await room.until(lambda: room.post.sent == ["good"])
    await until(lambda: room.outbox.parked(limit=9))


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (404, 10003, Verdict.GIVE_UP), (404, 10008, Verdict.GIVE_UP), (404, 0, Verdict.PARK),
        (404, 10087, Verdict.PARK),
        (403, 50007, Verdict.GIVE_UP), (403, 50001, Verdict.CLOSED), (403, 50013, Verdict.CLOSED),
        (400, 20009, Verdict.PARK), (400, 40067, Verdict.PARK), (400, 50083, Verdict.PARK),
        (400, 50035, Verdict.PARK), (413, 40005, Verdict.PARK),
        (429, 0, Verdict.RETRY), (500, 0, Verdict.RETRY), (503, 0, Verdict.RETRY),
        (403, 20028, Verdict.RETRY), (400, 40003, Verdict.RETRY), (401, 0, Verdict.RETRY),
    ],
)  # fmt: skip
def test_discords_answers_are_told_apart(status: int, code: int, verdict: Verdict) -> None:
    assert verdict_of(status, code) is verdict


@given(
    verdict=st.sampled_from(Verdict),
    attempts=st.integers(0, 100),
    parked=st.booleans(),
    age_s=st.floats(0, 1e9),
    retry_after_s=st.floats(0, 3600),
)
def test_every_failure_ends_planned_within_a_day_or_given_up(
    verdict: Verdict, attempts: int, age_s: float, retry_after_s: float, *, parked: bool
) -> None:
    failure = Failure(verdict=verdict, words="", retry_after_s=retry_after_s)
    planned = next_attempt(failure, attempts=attempts, parked=parked, age_s=age_s)
    ends = {Verdict.GIVE_UP, Verdict.WAIT}
    if verdict in ends:
        assert planned is None
    if planned is not None:
        assert 0 <= planned.after_s <= 86400
        assert 0 <= planned.lane_rest_s <= 300
        assert not (parked and not planned.parked), "only success takes a row out of parking"
    elif verdict not in ends:
        assert parked
        assert age_s > verdicts.EXPIRES_S


async def test_closed_places_together_get_no_more_than_discord_bears(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It bans a bot for 10,000 refused requests in ten minutes, whatever they were for."""
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.001)
    monkeypatch.setattr(dispatching, "MAX_REFUSALS", 10)

    async def fail(item: OutboxItem) -> None:
        if item.lane != "open":
            raise RefusedByTest(Verdict.CLOSED)

    room.post.fail = fail
    for lane in "abc":
        await room.put(*(f"{lane}{number}" for number in range(30)), lane=lane)
    await room.until(lambda: {"a", "b", "c"} <= room.dispatcher.resting)
    await room.put("good", lane="open")
    await room.until(lambda: room.post.sent == ["good"])
    assert 10 < len(room.post.tries) <= 10 + 3 + 1, "each lane is told once more"


async def test_moderators_are_told_of_a_closed_place_once_whatever_it_refuses(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.001)
    monkeypatch.setattr(verdicts, "CLOSED_S", 0.001)

    async def fail(_item: OutboxItem) -> None:
        raise RefusedByTest(Verdict.CLOSED)

    room.post.fail = fail
    await room.put("a", "b", "c", guild_id=7)
    async with asyncio.timeout(PATIENCE_S):
        while len(await room.outbox.parked(limit=9)) < 3:
            await asyncio.sleep(0.005)
    async with room.database.reader() as reader:
        assert len(await audit.page(reader, guild_id=7, offset=0, limit=10)) == 1


async def test_what_was_planned_before_the_clock_was_set_back_is_due(tmp_path: Path) -> None:
    async with open_room(tmp_path, starts=False) as room:
        await room.put("a")
        async with room.database.transaction() as connection:
            await connection.execute("UPDATE outbox SET due_at = put_at + 86400")
        assert [lane for lane, _ in await room.outbox.lanes_due()] == ["a"]
        async with room.database.transaction() as connection:
            await connection.execute("UPDATE outbox SET due_at = put_at + ?", (verdicts.PARKED_S,))
        assert await room.outbox.lanes_due() == []
