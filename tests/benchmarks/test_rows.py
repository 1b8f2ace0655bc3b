"""Several people's pictures at once, simulated; and the script for machines with a card."""

import pytest

from benchmarks import card
from benchmarks.bench_rows import CARDS, OTHERS, OURS, PEOPLE, STEPS, Costs, Device, Policy
from benchmarks.bench_rows import ONE as ONE_AFTER_ANOTHER
from benchmarks.budget import Budget
from benchmarks.card_runs import Setup

PICTURES = 300
COSTS = CARDS[-1][1]


@pytest.mark.parametrize("policy", [ONE_AFTER_ANOTHER, OURS, *OTHERS], ids=lambda each: each.name)
@pytest.mark.parametrize("people", PEOPLE)
def test_everybody_is_drawn_for_and_nobody_is_forgotten(policy: Policy, people: int) -> None:
    waits = Device(COSTS, policy, people).run(PICTURES)
    assert sum(map(len, waits.by_person.values())) in range(PICTURES, PICTURES + policy.slots)
    assert waits.fairness() > 0.95
    fastest = COSTS.picture_s - 1e-9
    assert all(fastest <= wait for each in waits.by_person.values() for wait in each)
    assert max(waits.of_others) < 4 * people * COSTS.picture_s


def test_one_person_alone_waits_for_one_picture() -> None:
    waits = Device(COSTS, OURS, 1).run(20)
    assert waits.of_others == [pytest.approx(COSTS.picture_s)] * 20


@pytest.mark.parametrize(("more", "gains"), [(0.0, True), (0.5, True), (1.0, False)])
def test_drawing_at_once_gains_what_a_joint_step_saves(more: float, gains: bool) -> None:
    costs = Costs(step_s=0.1, more=more, decode_s=0.0)
    alone, at_once = (
        Device(costs, policy, 32).run(PICTURES).took_s for policy in (ONE_AFTER_ANOTHER, OURS)
    )
    assert (at_once < 0.9 * alone) is gains
    assert at_once <= 1.01 * alone + STEPS * costs.step(4)


def test_the_script_says_kindly_that_there_is_no_card(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(_: int) -> bool:
        return False

    monkeypatch.setattr(card, "cuda_works", no)
    assert card.main([]) == 2
    told = capsys.readouterr().err
    assert told.startswith("This benchmark needs an NVIDIA card")
    assert "--provider cpu" in told


def test_what_there_is_no_time_for_is_left_out() -> None:
    setup = Setup(
        model="", models_dir="", kind="full", provider="cpu", variant="source", steps=2, side=64
    )
    assert card.Measuring(setup, Budget(1.0)).run("own") == {"problem": "no time was left"}
