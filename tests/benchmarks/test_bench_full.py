"""`make bench-full` resumes where it was interrupted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_full, contest
from benchmarks.contender import Entry, Floats, Step
from benchmarks.contest import NAMES as NAMES_OF_ALL
from benchmarks.docs import SUMMARY, filled
from benchmarks.memory import Memory
from benchmarks.preparing import Preparation
from benchmarks.report import LEFT_OUT
from benchmarks.results import Result
from benchmarks.whole import Whole
from pipeline.model.options import Variant
from pipeline.plan import prepared
from pipeline.runtime.cpu import Cpu

NAMES = ("stock", "own fp32", "own int8")
SIZE = "1024x1024"
MEMORY = Memory(resident=2_000_000_000, private=1_000_000_000)


class FakeMachine:
    """Fakes machine and models: records what ran and what was prepared; `fails` interrupts a
    turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.prepared: list[str] = []
        self.drawn: list[str] = []
        self.fails = ""

    def prepare(self, _model: Path, folder: Path, variant: Variant) -> Preparation:
        self.prepared.append(variant)
        path = folder / variant
        path.mkdir(parents=True)
        return Preparation(
            path=path, seconds=9.0, write_s=5.0, processor_s=8.0, peak=MEMORY, errors={"unet": 0.01}
        )

    def draw_whole(self, _model: Path, _folder: Path, variant: Variant, steps: int) -> Whole:
        self.drawn.append(f"{variant} {steps}")
        return Whole(
            steps=steps,
            seconds=90.0,
            processor_s=170.0,
            peak=MEMORY,
            planned_bytes=2_000_000_000,
            expected_s=600.0,
        )

    def contender(self, entry: Entry) -> "FakeContender":
        return FakeContender(self, entry)

    def session(self, weights: str = "random") -> bench_full.Session:
        return bench_full.Session(self.folder / "model", weights, rounds=1, sizes=[SIZE])

    def measure(self, names: Sequence[str] = NAMES, *, weights: str = "random") -> Result:
        out = self.folder / "full.json"
        self.session(weights).measure(names, out)
        return Result.load(out)


class FakeContender:
    """Twice as fast as stock once it is warm, and a hundredth off."""

    load_s, load_processor_s, peak = 1.0, 1.0, MEMORY

    def __init__(self, machine: FakeMachine, entry: Entry) -> None:
        self._machine = machine
        self._entry = entry
        self._is_warm = False

    def step(self, inputs: Mapping[str, Floats]) -> Step:
        if self._entry.name == self._machine.fails:
            raise KeyboardInterrupt
        assert inputs["size"][0] == 1024
        stock = self._entry.name == "stock"
        answer = np.full(4, 1.0 if stock else 1.01, np.float32)
        seconds = (8.0 if stock else 4.0) if self._is_warm else 50.0
        if self._is_warm:
            self._machine.ran.append(self._entry.name)
        self._is_warm = True
        return Step(seconds=seconds, processor_s=2 * seconds, noise_pred=answer)

    def memory(self) -> Memory:
        return MEMORY

    def close(self) -> None: ...


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    made = FakeMachine(tmp_path)

    def inputs_for(_path: Path, *, width: int, height: int) -> dict[str, Any]:
        return {"size": np.array([width, height])}

    monkeypatch.setattr(bench_full, "FOLDER", tmp_path / "bench-full")
    monkeypatch.setattr(bench_full, "Contender", made.contender)
    monkeypatch.setattr(bench_full, "prepare", made.prepare)
    monkeypatch.setattr(bench_full, "inputs_for", inputs_for)
    monkeypatch.setattr(bench_full, "draw_whole", made.draw_whole)
    return made


def test_who_could_only_be_emulated_is_left_out_with_a_word(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """torch in bfloat16 took 107 s for a small step on a processor with AVX2 alone."""
    cpu = Cpu(model="a processor", machine="x86_64", flags=frozenset({"avx2", "fma"}))
    for module in (contest, prepared):
        monkeypatch.setattr(module, "this_cpu", lambda: cpu)
    found = machine.measure(NAMES_OF_ALL)
    assert machine.ran == [
        "stock",
        "own fp32",
        "own fp32, weights in memory",
        "own int8",
        "torch fp32",
    ]
    assert "bf16" not in machine.prepared
    missing = {row.name: row.cells[LEFT_OUT] for row in found.rows if LEFT_OUT in row.cells}
    assert missing.keys() == {"own bf16 (OpenVINO)", "own int8-bf16 (OpenVINO)", "torch bf16"}
    assert "no bfloat16" in missing["torch bf16"]
    assert "left out: torch bf16" in capsys.readouterr().out
    made = filled("<!-- bench:full -->\n<!-- /bench -->", {"full": found})
    assert f"| torch bf16 | {missing['torch bf16']} |" in made
    (said,) = [choice for choice in SUMMARY if choice.row == "own bf16 (OpenVINO)"]
    assert said.text(found) == f"left out: {missing[said.row]}"


def test_where_it_can_be_computed_nobody_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = Cpu(model="a processor", machine="x86_64", flags=frozenset({"avx2", "avx512_bf16"}))
    for module in (contest, prepared):
        monkeypatch.setattr(module, "this_cpu", lambda: cpu)
    monkeypatch.setattr(prepared, "openvino_version", lambda: "2026.1")
    assert contest.left_out(NAMES_OF_ALL) == {}


def test_a_run_that_was_cut_off_goes_on(machine: FakeMachine) -> None:
    machine.fails = "own int8"
    with pytest.raises(KeyboardInterrupt):
        machine.measure()
    assert machine.ran == ["stock", "own fp32"]
    machine.fails = ""
    machine.measure()
    assert machine.ran == list(NAMES)
    assert machine.prepared == ["fp32", "int8"]


def test_what_was_measured_before_the_cut_is_in_the_results(machine: FakeMachine) -> None:
    machine.fails = "own int8"
    with pytest.raises(KeyboardInterrupt):
        machine.measure()
    steps = [row for row in Result.load(machine.folder / "full.json").rows if "error" in row.cells]
    assert [row.name for row in steps] == ["stock", "own fp32"]


def test_who_came_later_is_compared_with_stock_of_the_earlier_run(machine: FakeMachine) -> None:
    machine.measure(("stock",))
    rows = {
        row.name: row.cells for row in machine.measure(("own int8",)).rows if "error" in row.cells
    }
    assert rows["own int8"]["times stock's speed"] == "2.00"
    assert rows["own int8"]["error"] == "1e-02"
    assert rows["stock"]["error"] == "0"


def test_stock_is_measured_whoever_is_asked_for(machine: FakeMachine) -> None:
    machine.measure(("own int8",))
    assert machine.ran == ["stock", "own int8"]


def test_other_weights_are_measured_anew(machine: FakeMachine) -> None:
    machine.measure(("stock",))
    machine.measure(("stock",), weights="real")
    assert machine.ran == ["stock", "stock"]


def test_whole_pictures_are_compared_with_stock(machine: FakeMachine) -> None:
    """A drawn one took 82 s beside two steps of 4 s; 28 steps of stock take 8 s each."""
    out = machine.folder / "full.json"
    machine.measure()
    assert not [row for row in Result.load(out).rows if row.name.startswith("a picture")]
    machine.session().draw(["fp32", "int8"], 2, out)
    rows = {row.name: row.cells for row in Result.load(out).rows if "a picture" in row.name}
    assert list(rows) == ["a picture by stock", "a picture by own fp32", "a picture by own int8"]
    stock, fp32 = rows["a picture by stock"], rows["a picture by own fp32"]
    assert stock["1024x1024 in 28 steps, computed: seconds"] == "306"
    assert fp32["1024x1024 in 28 steps, computed: seconds"] == "194"
    assert (stock["times stock's speed"], fp32["times stock's speed"]) == ("1.00", "1.58")
    assert stock["of the processor"] == "602"  # 170 - 2 x 8 + 28 x 16


def test_a_whole_picture_is_drawn_once_for_each_number_of_steps(machine: FakeMachine) -> None:
    out = machine.folder / "full.json"
    machine.measure(("stock",))
    machine.session().draw(["int8"], 2, out)
    machine.session().draw(["int8", "fp32"], 2, out)
    machine.session().draw(["int8"], 28, out)
    assert machine.drawn == ["int8 2", "fp32 2", "int8 28"]
    assert machine.prepared == ["int8", "fp32"]
    rows = [row for row in Result.load(out).rows if row.name.startswith("`imagine`")]
    assert [row.name for row in rows] == [
        "`imagine` with `int8`, 2 steps",
        "`imagine` with `int8`, 28 steps",
        "`imagine` with `fp32`, 2 steps",
    ]
    assert "about 10 minutes" in rows[0].text()
