"""Steps that several threads take together: who shares a run, and whom an error concerns."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine import joint
from pipeline.engine.joint import JointSteps
from pipeline.errors import EngineError
from tests.support.patience import PATIENCE_S, until_in_thread


@dataclass(eq=False)
class Counted:
    """A row that only counts its steps."""

    run_key: str = "same"
    steps: int = 3
    step_index: int = 0


@dataclass
class Device:
    """Advances rows, and notes its runs. `guilty` decides what a run ends with, before it does
    anything; `after`: once its first row has advanced."""

    guilty: Callable[[Sequence[Counted]], BaseException | None] = lambda _: None
    after: Callable[[Sequence[Counted]], Exception | None] = lambda _: None
    runs: list[list[Counted]] = field(default_factory=list[list[Counted]])
    users: int = 0

    def step(self, rows: Sequence[Counted]) -> None:
        with self:
            error = self.guilty(rows)
            if error is not None:
                raise error
            self.runs.append(list(rows))
            for number, row in enumerate(rows):
                row.step_index += 1
                late = self.after(rows) if number == 0 else None
                if late is not None:
                    raise late

    def __enter__(self) -> None:
        self.users += 1
        assert self.users == 1, "two at the same time"

    def __exit__(self, *_: object) -> None:
        self.users -= 1


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait for rows that can join as long as it takes: what joins depends on no clock."""
    monkeypatch.setattr(joint, "GATHER_SHARE", 1e12)
    monkeypatch.setattr(joint, "GATHER_S", PATIENCE_S)


def ready(device: Device, *, most: int = 8) -> JointSteps[Counted]:
    """After a step that took its time, so that the next ones would wait for others."""
    steps = JointSteps(device.step, most=lambda: most)
    first = Counted()
    with steps.member(first):
        steps.step(first)
    device.runs.clear()
    return steps


def draw(steps: JointSteps[Counted], row: Counted, begin: threading.Barrier) -> list[int]:
    """All steps of `row`, begun when all are there; the rows of each run."""
    with steps.member(row):
        begin.wait(PATIENCE_S)
        return [steps.step(row) for _ in range(row.steps - row.step_index)]


def draw_all(
    steps: JointSteps[Counted], rows: Sequence[Counted]
) -> list[list[int] | BaseException]:
    """Each in its thread: the rows of each of its runs, or its error."""
    begin = threading.Barrier(len(rows))
    with ThreadPoolExecutor(len(rows)) as pool:
        calls = [pool.submit(draw, steps, row, begin) for row in rows]
        return [call.exception(PATIENCE_S) or call.result() for call in calls]


@pytest.mark.usefixtures("patient")
def test_rows_share_runs_until_they_leave() -> None:
    device = Device()
    rows = [Counted(steps=count) for count in (1, 3, 5)]
    told = draw_all(ready(device), rows)
    assert told == [[3], [3, 2, 2], [3, 2, 2, 1, 1]]
    assert [len(run) for run in device.runs] == [3, 2, 2, 1, 1]


@pytest.mark.usefixtures("patient")
def test_nobody_waits_for_a_row_that_can_not_join() -> None:
    steps = ready(Device())
    other, lone = Counted(run_key="another"), Counted()
    with steps.member(other), steps.member(lone):  # the other never comes
        assert [steps.step(lone) for _ in range(3)] == [1, 1, 1]


@pytest.mark.usefixtures("patient")
def test_a_run_goes_on_when_a_row_that_it_waits_for_leaves() -> None:
    steps = ready(Device())
    row, leaver = Counted(), Counted()
    with ThreadPoolExecutor(1) as pool, steps.member(row):
        with steps.member(leaver):
            stepping = pool.submit(steps.step, row)
            with pytest.raises(TimeoutError):
                stepping.result(0.05)
        assert stepping.result(PATIENCE_S) == 1


@pytest.mark.usefixtures("patient")
def test_others_are_next_while_rows_of_one_kind_go_on() -> None:
    rows = [Counted(run_key=key, steps=4) for key in "aabb"]

    def others_wait(run: Sequence[Counted]) -> None:
        """A run ends only when all others stand in line, whatever thread the system favours."""
        others = [row for row in rows if row not in run and row.step_index < row.steps]
        until_in_thread(lambda: all(row in steps.waiting for row in others))

    device = Device()
    steps = ready(device)
    device.guilty = others_wait
    assert draw_all(steps, rows) == [[2] * 4] * 4
    kinds = [{row.run_key for row in run} for run in device.runs]
    assert [len(kind) for kind in kinds] == [1] * 8
    assert all(one != other for one, other in pairwise(kinds)), "in turns"


@pytest.mark.usefixtures("patient")
def test_no_more_rows_than_there_is_room_for_and_all_come_to_their_turn() -> None:
    device = Device()
    rows = [Counted(steps=6) for _ in range(3)]
    told = draw_all(ready(device, most=2), rows)
    assert [len(each) for each in told if isinstance(each, list)] == [6, 6, 6]
    assert max(len(run) for run in device.runs) == 2


@pytest.mark.usefixtures("patient")
def test_an_error_concerns_the_row_to_blame_alone(caplog: pytest.LogCaptureFixture) -> None:
    guilty = Counted(steps=5)
    rows = [Counted(steps=4), guilty, Counted(steps=4)]

    def fails(run: Sequence[Counted]) -> Exception | None:
        broken = guilty in run and guilty.step_index == 2
        return EngineError("inference_failed", problem="a bad row") if broken else None

    told = draw_all(ready(Device(guilty=fails)), rows)
    assert isinstance(told[1], EngineError)
    assert told[1].data == {"problem": "a bad row"}
    assert (told[0], told[2]) == ([3, 3, 3, 2], [3, 3, 3, 2])
    assert [row.step_index for row in rows] == [4, 2, 4]
    assert caplog.text.count("A step of 3 pictures failed") == 1


@pytest.mark.usefixtures("patient")
def test_a_row_that_had_advanced_before_the_error_is_not_stepped_twice() -> None:
    rows = [Counted(steps=2) for _ in range(3)]

    def late(run: Sequence[Counted]) -> Exception | None:
        return ValueError("between two rows") if len(run) == 3 else None

    told = draw_all(ready(Device(after=late)), rows)
    assert not any(isinstance(each, BaseException) for each in told)
    assert [row.step_index for row in rows] == [2, 2, 2]


@pytest.mark.usefixtures("patient")
def test_a_lost_device_is_lost_for_all_and_nothing_is_tried_again() -> None:
    tried: list[int] = []

    def lost(run: Sequence[Counted]) -> Exception:
        tried.append(len(run))
        return EngineError("device_lost", problem="gone")

    device = Device()
    steps = ready(device)
    device.guilty = lost
    told = draw_all(steps, [Counted() for _ in range(3)])
    assert [str(each) for each in told] == ["device_lost(problem='gone')"] * 3
    assert len({id(each) for each in told}) == 3
    assert tried == [3]


@pytest.mark.usefixtures("patient")
def test_nobody_hangs_when_the_thread_that_runs_the_step_is_ended() -> None:
    ended: list[int] = []

    def once(_: Sequence[Counted]) -> BaseException | None:
        ended.append(1)
        return SystemExit(3) if len(ended) == 1 else None

    device = Device()
    steps = ready(device)
    device.guilty = once
    told = draw_all(steps, [Counted() for _ in range(3)])
    kinds = sorted(type(each).__name__ for each in told)
    assert kinds == ["EngineError", "EngineError", "SystemExit"]
    row = Counted()
    with steps.member(row):
        assert steps.step(row) == 1, "others can still draw"


def test_nothing_runs_beside_what_must_be_alone() -> None:
    device = Device()
    steps = ready(device)
    rows = [Counted(steps=20) for _ in range(3)]
    decoded: list[int] = []

    def decode() -> None:
        for _ in range(10):
            with steps.alone(), device:
                decoded.append(len(device.runs))

    begin = threading.Barrier(3)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(draw, steps, row, begin) for row in rows]
        pool.submit(decode).result(PATIENCE_S)
        for call in calls:
            call.result(PATIENCE_S)
    assert len(decoded) == 10
    assert [row.step_index for row in rows] == [20, 20, 20]


@settings(max_examples=25)
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 5), st.none() | st.integers(0, 4)),
        min_size=1,
        max_size=6,
    ),
    most=st.integers(1, 4),
)
def test_whatever_comes_every_row_ends_by_its_own_steps_or_its_own_error(
    kinds: list[tuple[str, int, int | None]], most: int
) -> None:
    rows = [Counted(run_key=key, steps=count) for key, count, _ in kinds]
    fails = {id(row): at for row, (_, _, at) in zip(rows, kinds, strict=True)}

    def guilty(run: Sequence[Counted]) -> Exception | None:
        found = [row for row in run if fails.get(id(row)) == row.step_index]
        return EngineError("inference_failed", row=id(found[0])) if found else None

    device = Device()
    steps = ready(device, most=most)
    device.guilty = guilty
    told = draw_all(steps, rows)
    for row, (_, count, at), each in zip(rows, kinds, told, strict=True):
        if at is not None and at < count:
            assert isinstance(each, EngineError)
            assert each.data["row"] == id(row)
            assert row.step_index == at
        else:
            assert isinstance(each, list)
            assert len(each) == row.step_index == count
    for run in device.runs:
        assert len(run) <= most
        assert len({row.run_key for row in run}) == 1
