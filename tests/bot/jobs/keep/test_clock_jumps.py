"""A clock that jumps removes nothing, and what it entered while it was ahead outlives no window."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gallery.links import GOOD_FOR_S, CollectionLinks, Grant
from bot.jobs.accept.limits import DAY_S
from bot.jobs.keep.housekeeping import Housekeeping
from bot.jobs.keep.steady import JUMP_S, STEADY_S, SteadyClock
from data.guilds import blocks, reports
from data.guilds.blocks import Block
from data.store.database import Database
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.clock import ManualClock

YEAR_S = 365 * DAY_S
REQUEST = GenerationRequest(prompt="1girl")


class JumpingClock(ManualClock):
    """Its wall clock can be set without time passing."""

    off = 0.0

    def time(self) -> float:
        return self.now + self.off


def block(*, at: float, for_s: float) -> Block:
    return Block(
        guild_id=10,
        subject="user",
        subject_id=1,
        reason="",
        blocked_by=2,
        blocked_at=at,
        until=at + for_s,
    )


async def stored(harness: Harness) -> int:
    async with (
        harness.database.reader() as connection,
        connection.execute(
            "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM pictures)"
            " + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM blocks)"
        ) as cursor,
    ):
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_a_jump_ahead_removes_nothing_until_the_clock_was_even_for_hours(
    tmp_path: Path,
) -> None:
    clock = JumpingClock()
    async with open_harness(tmp_path, clock=clock) as harness:
        job = (await harness.jobs.submit(REQUEST, origin())).job
        await harness.ended(job.id)
        await harness.jobs.mark_delivered(job, message_id=None)
        async with harness.database.transaction() as connection:
            await blocks.put(connection, block=block(at=clock.time(), for_s=60))
        before = await stored(harness)
        cleaning = Housekeeping(harness.files, clock, kept_s=30 * DAY_S)
        await cleaning.clean()
        clock.off = YEAR_S
        await cleaning.clean()
        clock.advance(STEADY_S / 2)
        await cleaning.clean()
        assert await stored(harness) == before
        clock.off = 0.0  # corrected in time: nothing was lost
        await cleaning.clean()
        clock.off = YEAR_S
        await cleaning.clean()
        clock.advance(STEADY_S)
        await cleaning.clean()
        assert await stored(harness) == 0


async def test_a_start_with_a_clock_that_is_ahead_removes_nothing_at_once(tmp_path: Path) -> None:
    clock = JumpingClock()
    async with open_harness(tmp_path, clock=clock) as harness:
        await harness.ended((await harness.jobs.submit(REQUEST, origin())).job.id)
        before = await stored(harness)
    clock.off = YEAR_S
    async with open_harness(tmp_path, clock=clock) as harness:
        assert await stored(harness) == before


@given(st.lists(st.tuples(st.floats(0, 3600), st.floats(-YEAR_S, YEAR_S)), max_size=12))
def test_believed_is_what_the_monotonic_clock_confirms(looks: list[tuple[float, float]]) -> None:
    clock = JumpingClock()
    steady = SteadyClock(clock)
    even_s = 0.0
    for passed, off in looks:
        jumped = abs(off - clock.off) > 300
        clock.advance(passed)
        clock.off = off
        even_s = 0.0 if jumped else even_s + passed
        if jumped:
            assert not steady.believable(last=clock.time())
        else:
            steady.believable(last=None)
    clock.advance(STEADY_S)
    assert steady.believable(last=None)


async def test_a_block_that_was_made_ahead_holds_as_long_as_it_was_made_for(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_harness(tmp_path, clock=clock) as harness:
        async with harness.database.transaction() as connection:
            await blocks.put(connection, block=block(at=clock.time() + 2 * YEAR_S, for_s=DAY_S))
        cleaning = Housekeeping(harness.files, clock)
        with pytest.raises(Exception, match="blocked_until") as caught:
            await harness.jobs.submit(REQUEST, origin())
        assert caught.value.data["retry_after_s"] <= DAY_S  # pyright: ignore
        clock.advance(STEADY_S)
        await cleaning.clean()
        clock.advance(DAY_S - 1)
        with pytest.raises(Exception, match="blocked_until"):
            await harness.jobs.submit(REQUEST, origin())
        clock.advance(2)
        await harness.jobs.submit(REQUEST, origin())


async def test_a_link_that_was_made_ahead_opens_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Database.open(tmp_path / "test.db") as database:
        links = CollectionLinks(database=database, clock=clock, origin="http://here")
        grant = Grant(collection_id="abcdefghjkmn", user_id=1, guild_id=None, ceiling=Rating.SAFE)
        clock.advance(YEAR_S)
        word = (await links.make(grant)).rpartition("/")[2]
        assert await links.read(word) == grant
        clock.advance(-YEAR_S)
        assert await links.read(word) is None
        clock.advance(YEAR_S + GOOD_FOR_S + 1)
        assert await links.read(word) is None


async def test_a_report_that_was_claimed_ahead_can_be_claimed_again(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    async with open_harness(tmp_path) as harness:
        job_id = (await harness.jobs.submit(REQUEST, origin())).job.id
        async with harness.database.transaction() as connection:
            report_id = await reports.open_report(
                connection,
                report_id="r",
                guild_id=10,
                job_id=job_id,
                maker_id=1,
                channel_id=100,
                message_id=0,
                now=now,
            )

            async def claimed(by: int, at: float) -> bool:
                return await reports.claim(
                    connection, report_id=report_id, by=by, now=at, stale_before=at - 3600
                )

            assert await claimed(5, now + YEAR_S)
            assert await claimed(6, now)
            assert not await claimed(5, now + 1)


@pytest.mark.parametrize(
    ("ago_s", "believed"),
    [(0.0, True), (STEADY_S, True), (STEADY_S + 1, False), (-JUMP_S, True), (-JUMP_S - 1, False)],
)
def test_a_start_is_believed_where_the_last_cleaning_would_have_it(
    ago_s: float, believed: bool
) -> None:
    clock = ManualClock()
    assert SteadyClock(clock).believable(last=clock.time() - ago_s) is believed
