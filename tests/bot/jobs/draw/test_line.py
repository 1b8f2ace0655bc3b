"""Places and times with one device and with several, against drawing step by step."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.accept.commit import new_job
from bot.jobs.accept.decide import Decision
from bot.jobs.draw.eta import Pace, crowded
from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.line import Line, LiveJob, kind_of, live_job
from bot.jobs.draw.schedule import Availability
from data.guilds.server_settings import LimitSet
from pipeline.card import Speed
from pipeline.engine.protocol import Expected
from pipeline.lora.use import LoraUse
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from tests.bot.conftest import origin
from tests.data.records import a_request

SECOND = 1.0  # a picture's, at a cost of 1


def a_job(user: int, *, count: int = 1, cost: float = 1.0) -> LiveJob:
    request = replace(a_request(GenerationRequest(prompt="1girl")), count=count)
    decision = Decision(request=request, ceiling=Rating.SAFE, tags=(), here=LimitSet(), weight=1)
    job = live_job(new_job(decision, origin(user), now=0.0), ())
    job.cost = cost
    return job


def a_line(*, devices: int, measured: bool = True) -> Line:
    pace = Pace()
    if measured:
        pace.learn(cost=1.0, steps_s=SECOND, total_s=SECOND)
    line = Line()
    line.devices = [Availability(pace)] * devices
    return line


def test_looking_ahead_takes_nothing_and_says_who_is_next() -> None:
    line = a_line(devices=2)
    for user in (1, 2, 3):
        line.admit(a_job(user, count=2))
    foreseen = [job.record.id for job, _ in line.next_units()]
    assert len(line) == 6
    assert [took(line).job_id, took(line).job_id] == foreseen


def took(line: Line) -> Unit:
    unit = line.take(line.devices[0])
    assert unit is not None
    return unit


def draw_all(line: Line) -> dict[str, float]:
    """When each job is done if `devices` draw what the line provides, without any forecast."""
    now, done_at = 0.0, dict[str, float]()
    running: list[tuple[float, Unit]] = []
    while True:
        while len(running) < len(line.devices) and (unit := line.take(line.devices[0])) is not None:
            running.append((now + unit.cost * SECOND, unit))
        if not running:
            return done_at
        running.sort(key=lambda each: each[0])
        now, unit = running.pop(0)
        line.finish(unit)
        done_at[unit.job_id] = now


jobs = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.floats(0.5, 9.0)), min_size=1, max_size=12
)


@given(jobs, st.integers(1, 5))
def test_the_time_told_is_the_time_it_takes(
    requested: list[tuple[int, int, float]], devices: int
) -> None:
    line = a_line(devices=devices)
    for user, count, cost in requested:
        line.admit(a_job(user, count=count, cost=cost))
    told = {job_id: outlook.eta_s for job_id, outlook in line.outlooks().items()}
    total = line.total_eta_s()
    took_s = draw_all(line)
    assert told == pytest.approx(took_s)
    assert total == pytest.approx(max(took_s.values()))


PERIOD_S = 20.0


def opens(closed_s: float) -> Callable[[float], float]:
    """Of a device that rests for the first `closed_s` seconds of every `PERIOD_S`."""

    def open_from(in_s: float) -> float:
        since = in_s % PERIOD_S
        return in_s if since >= closed_s else in_s - since + closed_s

    return open_from


@given(jobs, st.lists(st.floats(0.0, 19.0), min_size=1, max_size=3))
def test_the_time_told_includes_the_hours_in_which_devices_rest(
    requested: list[tuple[int, int, float]], closed: list[float]
) -> None:
    line = a_line(devices=1)
    pace = line.devices[0].pace
    line.devices = [Availability(pace, opens(closed_s)) for closed_s in closed]
    for user, count, cost in requested:
        line.admit(a_job(user, count=count, cost=cost))
    told = {job_id: outlook.eta_s for job_id, outlook in line.outlooks().items()}
    free_at, done_at = [0.0] * len(closed), dict[str, float]()
    while True:
        begins = [opens(closed_s)(at) for closed_s, at in zip(closed, free_at, strict=True)]
        number = begins.index(min(begins))
        unit = line.take(line.devices[number])
        if unit is None:
            break
        free_at[number] = begins[number] + unit.cost * SECOND
        done_at[unit.job_id] = max(done_at.get(unit.job_id, 0.0), free_at[number])
        line.finish(unit)
    assert told == pytest.approx(done_at)


def test_a_rest_without_a_known_end_makes_times_unknown() -> None:
    line = a_line(devices=1)
    line.devices = [Availability(line.devices[0].pace, lambda _: math.inf)]
    line.admit(a_job(1, count=2))
    line.admit(a_job(2))
    outlooks = line.outlooks().values()
    assert [(outlook.position, outlook.eta_s) for outlook in outlooks] == [(0, None), (1, None)]
    assert line.total_eta_s() is None


@given(jobs, st.integers(1, 5), st.integers(0, 8))
def test_nobody_starts_before_those_that_are_told_to_be_ahead(
    requested: list[tuple[int, int, float]], devices: int, begun: int
) -> None:
    line = a_line(devices=devices)
    for user, count, cost in requested:
        line.admit(a_job(user, count=count, cost=cost))
    drawn = [
        unit for _ in range(min(begun, devices)) if (unit := line.take(line.devices[0])) is not None
    ]
    at_work = {unit.job_id for unit in drawn}
    places = {job_id: outlook.position for job_id, outlook in line.outlooks().items()}
    assert all(places[job_id] == 0 for job_id in at_work)
    before, free = set(at_work), devices - len(drawn)
    while (unit := line.take(line.devices[0])) is not None:
        if unit.job_id not in before:
            assert places[unit.job_id] == (0 if free > 0 else len(before))
            before.add(unit.job_id)
        free -= 1


def test_one_device_tells_what_it_always_told() -> None:
    line = a_line(devices=1)
    first, second, third = (a_job(user) for user in (1, 2, 3))
    for job in (first, second, third):
        line.admit(job)
    line.step(took(line), share=1 / 4, now=0.0)
    seen = [line.outlooks()[job.record.id] for job in (first, second, third)]
    assert [outlook.position for outlook in seen] == [0, 1, 2]
    assert [outlook.eta_s for outlook in seen] == [0.75, 1.75, 2.75]


def test_times_are_unknown_before_anything_was_measured() -> None:
    line = a_line(devices=2, measured=False)
    for user in (1, 2, 3):
        line.admit(a_job(user, count=2))
    took(line)
    assert {outlook.eta_s for outlook in line.outlooks().values()} == {None}
    assert line.total_eta_s() is None


def test_steps_of_the_first_picture_correct_what_was_expected() -> None:
    line = a_line(devices=1, measured=False)
    line.devices[0].pace.expect(Expected(row_step_s=1024 * 1024 / 1e6, beside_s=0.0))
    first, second = a_job(1, cost=8.0), a_job(2, cost=8.0)
    line.admit(first)
    line.admit(second)
    unit = took(line)
    line.step(unit, share=1 / 8, now=100.0)
    assert line.outlooks()[first.record.id].eta_s == pytest.approx(7.0)
    line.step(unit, share=4 / 8, now=106.0)  # steps 2 and 3 were reported with it
    assert line.outlooks()[first.record.id].eta_s == pytest.approx(8.0)
    assert line.outlooks()[second.record.id].eta_s == pytest.approx(24.0)
    line.finish(unit)
    line.step(unit, share=5 / 8, now=999.0)  # reported late: it no longer runs
    assert line.outlooks()[second.record.id].eta_s == pytest.approx(16.0)


def test_what_was_put_back_is_next_unless_its_job_ended() -> None:
    line = a_line(devices=2)
    for user in (1, 2, 3):
        line.admit(a_job(user, count=2))
    first, second = took(line), took(line)
    line.put_back(first)
    assert took(line) == first
    line.drop(second.job_id)
    line.put_back(second)
    assert second.job_id not in {took(line).job_id for _ in range(len(line))}


def test_people_are_shown_the_earliest_picture_of_their_job_that_is_drawn() -> None:
    line = a_line(devices=3)
    line.admit(a_job(1, count=2))
    line.admit(a_job(2))
    units = sorted((took(line) for _ in range(3)), key=lambda unit: (unit.user_id, unit.index))
    assert [line.is_foremost(unit) for unit in units] == [True, False, True]
    line.finish(units[0])
    assert line.is_foremost(units[1])


def test_each_device_counts_with_its_own_pace() -> None:
    slow, fast, new = Pace(), Pace(), Pace()
    slow.learn(cost=1.0, steps_s=8.0, total_s=8.0)
    fast.learn(cost=1.0, steps_s=2.0, total_s=2.0)
    line = Line()
    line.devices = [Availability(slow), Availability(fast)]
    jobs = [a_job(user) for user in range(5)]
    for job in jobs:
        line.admit(job)
    assert line.take(line.devices[0]) is not None
    assert line.take(line.devices[1]) is not None
    # The fast one draws all the others before the slow one is free.
    told = line.outlooks()
    assert [told[job.record.id].eta_s for job in jobs] == [8, 2, 4, 6, 8]
    line.devices.append(Availability(new))  # whoever has drawn nothing yet counts as the mean
    assert line.outlooks()[jobs[2].record.id].eta_s == 5.0


def shared_line(*, slots: int) -> Line:
    """One device that draws several pictures at once."""
    line = a_line(devices=slots)
    line.devices = [replace(each, device="local/0") for each in line.devices]
    return line


def test_a_device_that_draws_takes_what_fits_to_it_and_the_rest_afterwards() -> None:
    line = shared_line(slots=3)
    tall, wide, other = (a_job(user) for user in (1, 2, 3))
    wide.record = replace(wide.record, request=replace(wide.record.request, width=640))
    for job in (tall, wide, other):
        line.admit(job)
    device = line.devices[0]
    first, second = line.take(device), line.take(device)
    assert [unit.job_id for unit in (first, second) if unit is not None] == [
        tall.record.id,
        other.record.id,
    ]
    assert line.take(device) is None
    assert len(line) == 1
    line.arrived.clear()
    for unit in (first, second):
        assert unit is not None
        line.finish(unit)
        assert line.arrived.is_set(), "those that wait look again"
    third = line.take(device)
    assert third is not None
    assert third.job_id == wide.record.id


def test_others_with_the_same_size_but_another_lora_are_of_another_kind() -> None:
    request = a_request(GenerationRequest(prompt="1girl"))
    use = LoraUse(name="ink", strength=1.0, digest="1" * 64)
    assert kind_of(request) == kind_of(replace(request, seed=9, prompt="sky"))
    assert kind_of(request) != kind_of(replace(request, loras=(use,)))
    assert kind_of(request) != kind_of(replace(request, height=request.height + 64))
    assert kind_of(request) == kind_of(replace(request, loras=(replace(use, strength=0.0),)))


def test_what_a_comparison_draws_with_other_loras_is_of_other_kinds() -> None:
    line, job = shared_line(slots=3), a_job(1, count=2)
    plain = job.record.request
    use = LoraUse(name="ink", strength=1.0, digest="1" * 64)
    inked = replace(plain, loras=(use,), speed=Speed.DRAFT)
    both = replace(plain, loras=(use,), compared=(replace(plain, count=1), replace(inked, count=1)))
    job.record = replace(job.record, request=both)
    other = a_job(2)
    for each in (job, other):
        line.admit(each)
    first, beside = line.take(line.devices[0]), line.take(line.devices[0])
    assert first is not None
    assert beside is not None
    assert (first.job_id, beside.job_id) == (job.record.id, other.record.id)
    assert line.take(line.devices[0]) is None, "its second picture shares no runs with these"
    assert [unit.is_draft for _, unit in line.next_units()] == [True]


def test_pictures_drawn_at_once_are_expected_to_take_longer_each() -> None:
    line = shared_line(slots=2)
    first = a_job(1)
    line.admit(first)
    assert line.outlooks()[first.record.id].eta_s == pytest.approx(SECOND)
    line.admit(a_job(2))
    assert line.outlooks()[first.record.id].eta_s == pytest.approx(SECOND * crowded(2))
