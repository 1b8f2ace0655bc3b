"""Estimated times: learned, kept over restarts, and compared with the actual times."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.draw.eta import Pace, cost_of
from pipeline.engine.protocol import Expected
from pipeline.request import GenerationRequest
from pipeline.speed.cost import steps_of
from tests.bot.conftest import Harness, open_harness, origin
from tests.data.records import a_request
from tests.support.fake_engine import FAKE_MODEL, FakeEngine
from tests.support.patience import PATIENCE_S

REQUEST = GenerationRequest(prompt="1girl")


@pytest.mark.parametrize(
    ("steps", "strength", "expected"), [(28, 1.0, 28), (28, 0.55, 15), (28, 0.05, 1), (1, 0.05, 1)]
)
def test_img2img_runs_the_last_steps_only(steps: int, strength: float, expected: int) -> None:
    request = replace(a_request(REQUEST), num_inference_steps=steps, strength=strength)
    assert steps_of(request) == expected


def test_a_larger_picture_and_guidance_cost_more() -> None:
    request = a_request(REQUEST)
    assert cost_of(replace(request, width=1664)) == 2 * cost_of(request)
    assert cost_of(replace(request, guidance_scale=1.0)) == cost_of(request) / 2


@given(st.floats(0.001, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.001, 1e6))
def test_what_was_learnt_survives_a_restart(
    cost: float, steps_s: float, beside_s: float, other: float
) -> None:
    pace = Pace()
    pace.learn(cost=cost, steps_s=steps_s + 0.001, total_s=steps_s + 0.001 + beside_s)
    again = Pace()
    again.take_up(pace.to_json())
    assert again.estimate(other) == pace.estimate(other)


@pytest.mark.parametrize(
    "text",
    [
        "", "no JSON", "[]", "{}", '{"seconds_a_cost": null, "seconds_beside": 0}',
        '{"seconds_a_cost": -1, "seconds_beside": 0}', '{"seconds_a_cost": 0, "seconds_beside": 0}',
        '{"seconds_a_cost": NaN, "seconds_beside": 0}',
        '{"seconds_a_cost": Infinity, "seconds_beside": 0}',
        '{"seconds_a_cost": 1, "seconds_beside": "x"}',
    ],
)  # fmt: skip
def test_a_note_that_makes_no_sense_is_ignored(text: str) -> None:
    pace = Pace()
    pace.take_up(text)
    assert pace.estimate(1) is None


def test_what_was_measured_counts_more_than_a_note() -> None:
    pace = Pace()
    pace.learn(cost=1, steps_s=5, total_s=5)
    pace.take_up(json.dumps({"seconds_a_cost": 99.0, "seconds_beside": 0.0}))
    assert pace.estimate(1) == 5


EXPECTED = Expected(row_step_s=2.0, beside_s=10.0)
ONE_STEP = 2 * 1024 * 1024 / 1e6  # the cost of a step of 1024x1024 with guidance


def test_what_is_expected_counts_until_something_was_drawn() -> None:
    pace = Pace()
    pace.expect(EXPECTED)
    assert pace.estimate(28 * ONE_STEP) == pytest.approx(EXPECTED.picture_s)
    pace.learn(cost=ONE_STEP, steps_s=8, total_s=9)
    assert pace.estimate(ONE_STEP) == pytest.approx(9)
    pace.expect(EXPECTED)
    pace.correct(cost=ONE_STEP, steps_s=99)
    assert pace.estimate(ONE_STEP) == pytest.approx(9)


def test_a_note_counts_more_than_what_is_expected() -> None:
    pace = Pace()
    pace.expect(EXPECTED)
    pace.take_up(json.dumps({"seconds_a_cost": 1.0, "seconds_beside": 0.0}))
    pace.correct(cost=1, steps_s=99)
    assert pace.estimate(5) == 5


def test_the_first_steps_correct_what_was_expected() -> None:
    pace = Pace()
    pace.expect(EXPECTED)
    pace.correct(cost=2 * ONE_STEP, steps_s=2 * 8.0)  # a busy machine: half as fast
    assert pace.estimate(28 * ONE_STEP) == pytest.approx(2 * EXPECTED.picture_s)
    pace.correct(cost=0.0, steps_s=0.0)  # the first reported step says nothing yet
    assert pace.estimate(28 * ONE_STEP) == pytest.approx(2 * EXPECTED.picture_s)


async def test_the_first_picture_on_a_machine_has_a_time(tmp_path: Path) -> None:
    engine = FakeEngine(model=replace(FAKE_MODEL, expected=EXPECTED))
    engine.hold()
    async with open_harness(tmp_path, engine=engine) as harness, asyncio.timeout(PATIENCE_S):
        ticket = await harness.jobs.submit(REQUEST, origin())
        await asyncio.to_thread(engine.started.acquire)
        told = await own_eta(harness)
        assert told is not None
        assert told == pytest.approx(cost_of(ticket.job.request) * 2.0 / (1024 * 1024 / 1e6) + 10.0)


async def test_times_are_known_right_after_a_restart(tmp_path: Path) -> None:
    async with open_harness(tmp_path, engine=FakeEngine(step_s=0.01)) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert ticket.queued.eta_s is None
        await harness.ended(ticket.job.id)
        again = await harness.jobs.submit(REQUEST, origin())
        assert again.queued.eta_s is not None
        await harness.ended(again.job.id)
    held = FakeEngine()
    held.hold()
    async with open_harness(tmp_path, engine=held) as harness, asyncio.timeout(PATIENCE_S):
        await harness.jobs.submit(REQUEST, origin())
        while (eta_s := await own_eta(harness)) is None:
            await asyncio.sleep(0.01)
        assert eta_s >= 0.03  # three steps, none of them drawn by this run


async def own_eta(harness: Harness) -> float | None:
    return (await harness.jobs.queue_view(1)).own[0].eta_s


async def test_another_model_or_device_is_learnt_anew(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        await harness.ended((await harness.jobs.submit(REQUEST, origin())).job.id)
    for model in (
        replace(FAKE_MODEL, hash="0123456789"),
        replace(FAKE_MODEL, provider="CUDAExecutionProvider"),
    ):
        held = FakeEngine(model=model)
        held.hold()
        async with open_harness(tmp_path, engine=held) as harness, asyncio.timeout(PATIENCE_S):
            await harness.jobs.submit(REQUEST, origin())
            await asyncio.to_thread(held.started.acquire)  # it draws: all notes have been read
            assert await own_eta(harness) is None


def test_drafts_that_a_small_decoder_decodes_are_expected_sooner() -> None:
    pace = Pace()
    pace.expect(replace(EXPECTED, small_beside_s=1.0))
    one = pace.estimate(ONE_STEP, is_draft=True)
    assert one == pytest.approx(2 * EXPECTED.row_step_s + 1.0)
    assert pace.estimate(ONE_STEP) == pytest.approx(2 * EXPECTED.row_step_s + 10.0)
    pace.learn(cost=ONE_STEP, steps_s=8, total_s=10, small=True)
    assert pace.estimate(ONE_STEP, is_draft=True) == pytest.approx(10)
    assert pace.estimate(ONE_STEP) == pytest.approx(28), "pictures in full take ten times as long"
