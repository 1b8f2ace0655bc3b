"""When others need a device, from what they use."""

from hypothesis import given
from hypothesis import strategies as st

from bot.sharing.yielding import SHORT_S, SUSTAINED_S, Use, Yielding, YieldLimits

LIMITS = YieldLimits(load=0.5, free_bytes=1000, quiet_s=60.0)
IDLE = Use(load=0.1, free_bytes=5000)


def seen(state: Yielding, use: Use, *, since: float, for_s: float) -> float:
    """The same every two seconds; returns when it was seen last."""
    now = since
    while now <= since + for_s:
        state.see(use, now)
        now += 2.0
    return now


def test_others_must_use_it_for_a_while() -> None:
    state = Yielding(LIMITS)
    now = seen(state, Use(load=0.9, free_bytes=5000), since=0.0, for_s=SUSTAINED_S - 2)
    assert not state.busy
    state.see(IDLE, now)  # only a moment
    now = seen(state, Use(load=0.9, free_bytes=5000), since=now, for_s=SUSTAINED_S)
    assert state.busy
    assert not state.gives_back


def test_they_must_be_quiet_for_longer_and_below_half() -> None:
    state = Yielding(LIMITS)
    now = seen(state, Use(load=0.9), since=0.0, for_s=SUSTAINED_S)
    now = seen(state, Use(load=0.4), since=now, for_s=300.0)
    assert state.busy, "it would flutter around the limit"
    now = seen(state, IDLE, since=now, for_s=58.0)
    assert state.busy
    state.see(IDLE, now + 2)
    assert not state.busy


def test_short_memory_is_given_back_and_taken_again_only_if_there_is_room_for_all() -> None:
    state = Yielding(LIMITS)
    now = seen(state, Use(load=0.0, free_bytes=900, own_bytes=4000), since=0.0, for_s=SHORT_S)
    assert state.gives_back
    now = seen(state, Use(load=0.0, free_bytes=4900, own_bytes=0), since=now, for_s=300.0)
    assert state.gives_back, "with the model again, too little would be free"
    seen(state, Use(load=0.0, free_bytes=5000, own_bytes=0), since=now, for_s=60.0)
    assert not state.busy
    assert not state.gives_back


def test_memory_may_become_short_while_it_yields_already() -> None:
    state = Yielding(LIMITS)
    now = seen(state, Use(load=0.9, free_bytes=5000), since=0.0, for_s=SUSTAINED_S)
    state.see(Use(load=0.9, free_bytes=10), now)
    assert state.gives_back


def test_what_is_not_known_or_not_limited_does_not_matter() -> None:
    state = Yielding(LIMITS)
    seen(state, Use(), since=0.0, for_s=300.0)
    assert not state.busy
    none = Yielding(YieldLimits())
    seen(none, Use(load=1.0, free_bytes=0), since=0.0, for_s=300.0)
    assert not none.busy
    assert not YieldLimits().any


uses = st.builds(
    Use,
    load=st.none() | st.floats(0.0, 1.0),
    free_bytes=st.none() | st.integers(0, 9000),
    own_bytes=st.none() | st.integers(0, 4000),
)


@given(st.lists(st.tuples(uses, st.floats(0.5, 30.0)), max_size=60))
def test_it_changes_only_after_it_was_so_for_long_enough(
    readings: list[tuple[Use, float]],
) -> None:
    state, now, changed_at = Yielding(LIMITS), 0.0, 0.0
    for use, later in readings:
        was_busy = state.busy
        now += later
        state.see(use, now)
        assert state.busy or not state.gives_back
        if state.busy is not was_busy:
            needed_s = LIMITS.quiet_s if was_busy else min(SHORT_S, SUSTAINED_S)
            assert now - changed_at >= needed_s
            changed_at = now
