"""Which steps are drawn with less work."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.savings import BALANCED, NOTHING_SAVED, Savings

savings = st.builds(
    Savings,
    every=st.integers(1, 5),
    whole_share=st.floats(0, 1),
    guided_share=st.floats(0, 1),
)


@given(savings, st.integers(1, 60))
def test_a_step_only_reuses_what_the_last_whole_one_kept(found: Savings, steps: int) -> None:
    kept = False
    for step in range(steps):
        if found.reuses(step, steps):
            assert kept
        else:
            kept = found.keeps(step, steps)


@given(savings, st.integers(1, 60))
def test_guidance_ends_once_and_is_never_missing_at_the_start(found: Savings, steps: int) -> None:
    guided = [found.is_guided(step, steps) for step in range(steps)]
    assert guided[0]
    assert guided == sorted(guided, reverse=True)


@given(st.integers(1, 60))
def test_nothing_is_saved_by_default(steps: int) -> None:
    for step in range(steps):
        assert not NOTHING_SAVED.reuses(step, steps)
        assert not NOTHING_SAVED.keeps(step, steps)
        assert NOTHING_SAVED.is_guided(step, steps)


def test_what_changes_is_drawn_with_its_own_features() -> None:
    assert BALANCED.reused(28) == BALANCED.reused(28, ["a"] * 28) == 16
    assert BALANCED.reused(28, ["a", "b"] * 14) == 0
    assert BALANCED.reused(28, ["a"] * 14 + ["b"] * 14) == 15


def test_balanced_runs_12_whole_steps_of_28() -> None:
    whole = [step for step in range(28) if not BALANCED.reuses(step, 28)]
    assert whole == [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27]
