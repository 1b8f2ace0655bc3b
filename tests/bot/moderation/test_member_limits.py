"""A member's limits by roles, and what a server's limits refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.accept.limits import DAY_S, HOUR_S, Limits, check_quota, check_server, check_upscales
from bot.moderation.member_limits import for_member
from data.guilds.server_settings import LIMIT_NAMES, LimitSet
from data.jobs.quota import Use
from pipeline.errors import RefusedError

NOW = 1_800_000_000.0
EVERYONE = 10


def test_the_most_generous_role_counts_limit_by_limit() -> None:
    limits = {
        EVERYONE: LimitSet(pictures_per_hour=50, max_steps=20, waiting_jobs=1),
        1: LimitSet(pictures_per_hour=5, max_steps=28),
        2: LimitSet(pictures_per_hour=0, pictures_per_day=7),
    }
    assert for_member(limits, guild_id=EVERYONE, role_ids=[EVERYONE, 1, 2, 99]) == LimitSet(
        pictures_per_hour=5, pictures_per_day=7, max_steps=28, waiting_jobs=1
    )
    assert for_member(limits, guild_id=EVERYONE, role_ids=[]) == limits[EVERYONE]
    assert for_member({}, guild_id=EVERYONE, role_ids=[1]) == LimitSet()


@given(
    st.dictionaries(
        st.integers(1, 4),
        st.builds(LimitSet, **{name: st.none() | st.integers(1, 9) for name in LIMIT_NAMES}),
    ),
    st.sets(st.integers(1, 4)),
    st.integers(1, 4),
)
def test_another_role_never_takes_anything_that_a_role_gave(
    limits: dict[int, LimitSet], roles: set[int], more: int
) -> None:
    before = for_member(limits, guild_id=EVERYONE, role_ids=roles)
    after = for_member(limits, guild_id=EVERYONE, role_ids=roles | {more})
    for name in LIMIT_NAMES:
        if getattr(before, name) is not None:
            assert getattr(after, name) >= getattr(before, name)


def refused(key: str, uses: list[Use], limits: LimitSet, pictures: int, granted: int = 0) -> None:
    with pytest.raises(RefusedError) as caught:
        check_server(uses, limits=limits, pictures=pictures, now=NOW, granted=granted)
    assert caught.value.key == key


def test_none_at_all_is_told_as_such_unless_granted() -> None:
    none = LimitSet(pictures_per_day=0)
    refused("quota_none_here", [], none, 1)
    refused("quota_none_here", [], none, 3, granted=299)
    assert check_server([], limits=none, pictures=2, now=NOW, granted=250) == 200
    assert check_server([], limits=none, pictures=2, now=NOW, granted=50, cost=20) == 40


def test_a_grant_is_used_only_for_what_does_not_fit() -> None:
    limits = LimitSet(pictures_per_hour=4)
    uses = [Use(used_at=NOW - 60, pictures=3)]
    assert check_server(uses, limits=limits, pictures=1, now=NOW, granted=500) == 0
    assert check_server(uses, limits=limits, pictures=3, now=NOW, granted=500) == 200
    refused("quota_hour_here", uses, limits, 3, granted=199)
    over = [Use(used_at=NOW - 60, pictures=9)]  # the limit was lowered afterwards
    assert check_server(over, limits=limits, pictures=2, now=NOW, granted=500) == 200


def test_what_is_left_includes_what_was_granted() -> None:
    uses = [Use(used_at=NOW - 60, pictures=3)]
    with pytest.raises(RefusedError) as caught:
        check_server(uses, limits=LimitSet(pictures_per_hour=4), pictures=4, now=NOW, granted=150)
    assert caught.value.data["left"] == 2.5


def test_upscales_have_a_day_of_their_own() -> None:
    uses = [Use(used_at=NOW - DAY_S + 10, pictures=1)]
    check_upscales(uses, limit=None, now=NOW)
    check_upscales(uses, limit=2, now=NOW)
    with pytest.raises(RefusedError, match="upscales_here") as caught:
        check_upscales(uses, limit=1, now=NOW)
    assert caught.value.data["retry_after_s"] == pytest.approx(10)
    with pytest.raises(RefusedError, match="upscales_none_here"):
        check_upscales([], limit=0, now=NOW)


@given(
    st.lists(st.tuples(st.floats(0, DAY_S), st.integers(1, 4)), max_size=12),
    st.integers(1, 8),
    st.integers(1, 20),
    st.integers(1, 4),
    st.integers(0, 600),
)
def test_what_is_accepted_fits_the_windows_without_what_was_granted(
    made: list[tuple[float, int]], hour: int, day: int, pictures: int, granted: int
) -> None:
    uses = sorted(
        (Use(used_at=NOW - ago, pictures=number) for ago, number in made),
        key=lambda use: use.used_at,
    )
    limits = Limits(
        pictures_per_hour=hour, pictures_per_day=day, waiting_jobs_per_user=0, waiting_jobs_total=0
    )

    def used(length_s: float) -> int:
        return sum(use.pictures for use in uses if use.used_at > NOW - length_s)

    over = max(used(HOUR_S) + pictures - hour, used(DAY_S) + pictures - day, 0)
    missing = 100 * min(over, pictures)
    try:
        taken = check_quota(uses, limits=limits, pictures=pictures, now=NOW, granted=granted)
    except RefusedError:
        assert granted < missing
    else:
        assert taken == missing
