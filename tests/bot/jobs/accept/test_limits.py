"""Sliding windows over the ledger: what is refused, until when, and what never fits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.accept.limits import DAY_S, HOUR_S, Limits, check_quota, check_waiting, window
from data.jobs.quota import Use
from pipeline.errors import RefusedError

NOW = 1_800_000_000.0


def limits(*, hour: int = 0, day: int = 0, own: int = 0, total: int = 0) -> Limits:
    return Limits(
        pictures_per_hour=hour,
        pictures_per_day=day,
        waiting_jobs_per_user=own,
        waiting_jobs_total=total,
    )


def use(ago_s: float, pictures: int = 1, cost: int = 100) -> Use:
    return Use(used_at=NOW - ago_s, pictures=pictures, cost=cost)


def refused(uses: list[Use], *, pictures: int, allowed: Limits) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        check_quota(uses, limits=allowed, pictures=pictures, now=NOW)
    return caught.value


def test_within_the_limit_nothing_is_said() -> None:
    check_quota([use(100, 3)], limits=limits(hour=4, day=10), pictures=1, now=NOW)


def test_the_hour_says_when_enough_have_expired() -> None:
    error = refused([use(3000, 2), use(600, 2)], pictures=2, allowed=limits(hour=4))
    assert error.key == "quota_hour"
    assert error.data["retry_after_s"] == pytest.approx(600)
    assert error.data["left"] == 0


def test_the_later_of_two_windows_is_told() -> None:
    uses = [use(DAY_S - 7200, 5), use(600, 1)]
    error = refused(uses, pictures=1, allowed=limits(hour=1, day=6))
    assert error.key == "quota_day"
    assert error.data["retry_after_s"] == pytest.approx(7200)


def test_more_than_the_limit_itself_never_fits() -> None:
    error = refused([], pictures=4, allowed=limits(hour=3))
    assert error.key == "quota_never"


def test_zero_means_no_limit() -> None:
    check_quota([use(1, 1000)], limits=limits(), pictures=4, now=NOW)


def test_waiting_jobs_are_bounded_by_person_and_in_all() -> None:
    check_waiting(own=1, total=9, limits=limits(own=2, total=10), eta_s=None)
    with pytest.raises(RefusedError, match="waiting_own"):
        check_waiting(own=2, total=2, limits=limits(own=2, total=10), eta_s=None)
    with pytest.raises(RefusedError, match="queue_full"):
        check_waiting(own=0, total=10, limits=limits(own=2, total=10), eta_s=60.0)


costs = st.sampled_from((5, 15, 20, 35, 100))
ledgers = st.lists(st.tuples(st.floats(0, DAY_S * 2), st.integers(1, 4), costs), max_size=30).map(
    lambda items: [use(ago, n, cost) for ago, n, cost in sorted(items, reverse=True)]
)


@given(ledgers, st.integers(1, 4), st.integers(4, 20), st.integers(4, 40), costs)
def test_what_is_refused_is_possible_after_the_told_wait_and_not_before(
    uses: list[Use], pictures: int, hour: int, day: int, cost: int
) -> None:
    allowed = limits(hour=hour, day=day)
    try:
        check_quota(uses, limits=allowed, pictures=pictures, now=NOW, cost=cost)
    except RefusedError as error:
        wait = error.data["retry_after_s"]
        assert isinstance(wait, float)
        assert math.isfinite(wait)
        later, before = NOW + wait + 0.01, NOW + wait - 0.01
        check_quota(uses, limits=allowed, pictures=pictures, now=later, cost=cost)
        with pytest.raises(RefusedError):
            check_quota(uses, limits=allowed, pictures=pictures, now=before, cost=cost)


@given(st.integers(1, 20), costs)
def test_as_many_drafts_fit_as_the_limit_has_room_for(limit: int, cost: int) -> None:
    made: list[Use] = []
    with pytest.raises(RefusedError):
        for number in range(limit * 100 + 1):
            check_quota(made, limits=limits(hour=limit), pictures=1, now=NOW + number, cost=cost)
            made.append(Use(used_at=NOW + number, pictures=1, cost=cost))
    assert len(made) == limit * 100 // cost


def test_drafts_leave_a_part_of_a_picture() -> None:
    drafts = [use(100, 4, 20)]
    state = window(drafts, limit=2, length_s=HOUR_S, now=NOW)
    assert state.used == 0.8
    assert state.frees_in_s == 0
    error = refused(drafts, pictures=2, allowed=limits(hour=2))
    assert error.data["left"] == 1.2
    check_quota(drafts, limits=limits(hour=2), pictures=1, now=NOW)


def test_a_grant_covers_what_drafts_count() -> None:
    full = [use(100, 2)]
    taken = check_quota(full, limits=limits(hour=2), pictures=3, now=NOW, granted=60, cost=20)
    assert taken == 60
    nearly = [use(100, 1), use(50, 4, 20)]  # 0.2 are left
    assert (
        check_quota(nearly, limits=limits(hour=2), pictures=3, now=NOW, granted=60, cost=20) == 40
    )
    with pytest.raises(RefusedError):
        check_quota(full, limits=limits(hour=2), pictures=3, now=NOW, granted=59, cost=20)


def test_a_window_shows_what_is_used_and_when_it_frees() -> None:
    state = window([use(3000, 2), use(10, 1)], limit=3, length_s=HOUR_S, now=NOW)
    assert (state.used, state.limit) == (3, 3)
    assert state.frees_in_s == pytest.approx(600)
