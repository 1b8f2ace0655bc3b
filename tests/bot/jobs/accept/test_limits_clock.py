"""Limits with a clock that jumps: nobody waits longer than a window, and nobody gets more than it
allows."""

import asyncio
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.jobs.accept.limits import DAY_S, HOUR_S, Limits, check_quota, check_upscales, window
from data.jobs import quota
from data.jobs.quota import Use
from data.store.connection import Connection
from data.store.database import migrations
from pipeline.errors import RefusedError

NOW = 1_800_000_000.0
USER = 7
LIMITS = Limits(
    pictures_per_hour=3, pictures_per_day=5, waiting_jobs_per_user=0, waiting_jobs_total=0
)
YEAR_S = 365 * DAY_S

jumps = st.one_of(
    st.floats(-90, 90),
    st.floats(-2 * HOUR_S, 2 * HOUR_S),
    st.floats(-2 * DAY_S, 2 * DAY_S),
    st.sampled_from([0.0, HOUR_S, -HOUR_S, DAY_S, -DAY_S, 2 * YEAR_S, -2 * YEAR_S]),
)
requests = st.lists(st.tuples(jumps, st.integers(1, 3)), max_size=25)


@given(requests)
@settings(max_examples=100)
def test_jumps_never_show_a_wait_beyond_the_window_nor_a_use_above_the_limit(
    asked: list[tuple[float, int]],
) -> None:
    asyncio.run(_play(asked))


async def _play(asked: list[tuple[float, int]]) -> None:
    # Without foreign keys: no jobs needed.
    connection = Connection(lambda: sqlite3.connect(":memory:"), 64)
    async with connection:
        connection.row_factory = sqlite3.Row
        await connection.executescript("".join(sql for _, sql in migrations()))
        now = NOW
        for number, (jump, pictures) in enumerate(asked):
            now += jump
            await _ask(connection, f"{number}", pictures, now)


async def _ask(connection: Connection, job_id: str, pictures: int, now: float) -> None:
    uses = await quota.uses_since(connection, user_id=USER, since=now - DAY_S)
    _look(uses, now)
    try:
        check_quota(uses, limits=LIMITS, pictures=pictures, now=now)
    except RefusedError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        wait_s = refused.data["retry_after_s"]
        assert isinstance(wait_s, float)
        assert wait_s <= (HOUR_S if refused.key == "quota_hour" else DAY_S)
        return
    await quota.consume(connection, job_id=job_id, user_id=USER, pictures=pictures, now=now)
    _look(await quota.uses_since(connection, user_id=USER, since=now - DAY_S), now)


def _look(uses: list[Use], now: float) -> None:
    for limit, length_s in ((LIMITS.pictures_per_hour, HOUR_S), (LIMITS.pictures_per_day, DAY_S)):
        shown = window(uses, limit=limit, length_s=length_s, now=now)
        assert shown.used <= limit
        assert shown.frees_in_s <= length_s


def test_a_clock_that_was_two_years_ahead_locks_nobody_out() -> None:
    ahead = [Use(used_at=NOW + 2 * YEAR_S, pictures=3)]
    check_quota(ahead, limits=LIMITS, pictures=3, now=NOW)
    check_upscales(ahead, limit=3, now=NOW)
    shown = window(ahead, limit=3, length_s=HOUR_S, now=NOW)
    assert (shown.used, shown.frees_in_s) == (0, 0.0)


def test_requests_of_one_moment_count_in_whatever_order_they_are_entered() -> None:
    uses = [Use(used_at=NOW + 0.5, pictures=3)]
    with pytest.raises(RefusedError, match="quota_hour") as caught:
        check_quota(uses, limits=LIMITS, pictures=1, now=NOW)
    assert caught.value.data["retry_after_s"] == HOUR_S
