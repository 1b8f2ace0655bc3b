"""A short round of what `make chaos` does at length."""

import random

import pytest

from tests.chaos import failpoints
from tests.chaos.activity import Activity
from tests.chaos.processes import NoDiskError
from tests.chaos.refusing import every_refusal
from tests.chaos.rounds import EACH, Plan, Tally, plans, play
from tests.chaos.stage import Stage, open_stage
from tests.chaos.trouble import TROUBLES

pytestmark = pytest.mark.asyncio(loop_scope="session")

BETWEEN_COMMIT_AND_SEND = (
    "job_accepted",
    "acknowledged_unmarked",
    "picture_file_written",
    "picture_stored",
    "delivered_unmarked",
    "job_abandoned",
    "gallery_starred",
    "gallery_post_begun",
    "gallery_post_unmarked",
    "gallery_post_taken",
)

SPARE_S = 20.0  # for a failpoint that is not passed in a round
TRIES = 3  # rounds for a failpoint: what was starred may be deleted before it is posted


async def test_the_failpoints_are_read_from_the_source() -> None:
    found = failpoints.names()
    assert set(BETWEEN_COMMIT_AND_SEND) <= set(found)
    assert "name" not in found, "the definition itself is no failpoint"


async def test_a_long_run_kills_at_every_failpoint_and_has_every_trouble(
    activity: Activity,
) -> None:
    rounds = max(200, 2 * EACH * len(failpoints.names()))  # as `make chaos`
    made = plans(rounds, activity.random)
    for name in failpoints.names():
        assert sum(plan.failpoint == name and not plan.trouble for plan in made) >= EACH
    assert {plan.trouble for plan in made} == {"", *TROUBLES}
    assert sum(not plan.trouble and not plan.refused for plan in made) == rounds
    assert {plan.refused for plan in made} == {"", *every_refusal()}


@pytest.fixture
def rounds_stage(stage: Stage) -> Stage:
    """As in a round: some requests are lost, and nobody waits for their answers."""
    stage.patient, stage.spare_s = False, SPARE_S
    return stage


@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_posted_twice(rounds_stage: Stage, activity: Activity) -> None:
    tally = Tally()
    # Calm: what moderators do is left to `make chaos`. Open there: a picture that is released while
    # the others of its job are just being delivered may wait for somebody to look for it.
    calm = [Plan(failpoint=name, calm=True) for name in BETWEEN_COMMIT_AND_SEND]
    again = [Plan(failpoint="delivered_unmarked", again=True, calm=True), Plan(calm=True)]
    for plan in calm + again:
        for _ in range(TRIES):
            missed = tally.missed[plan.failpoint]
            report = await play(rounds_stage, activity, plan, tally)
            assert report.complaints == [], plan
            if tally.missed[plan.failpoint] == missed:
                break
        else:
            pytest.fail(f"{plan.failpoint} was not passed")


@pytest.mark.parametrize("trouble", ["lost_answers", "gateway_drops"])
async def test_trouble_is_got_over_without_a_restart(
    rounds_stage: Stage, activity: Activity, trouble: str
) -> None:
    report = await play(rounds_stage, activity, Plan(trouble=trouble), Tally())
    assert report.complaints == []


async def test_a_full_disk_is_got_over_without_a_restart(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("disk")
    try:
        async with open_stage(folder, disk=True) as stage:
            stage.spare_s = SPARE_S
            activity = Activity(stage, random.Random(7))
            report = await play(stage, activity, Plan(trouble="full_disk"), Tally())
            assert report.complaints == []
    except NoDiskError:
        pytest.skip("this machine does not let us mount a small disk")
