"""What makes figures comparable and docs true: rows, files, budgets, memory."""

import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.budget import Budget
from benchmarks.docs import DOCS, ROOT, SUMMARY, filled, load_results
from benchmarks.memory import MemoryWatch
from benchmarks.report import Machine, Row
from benchmarks.results import Meter, Result

MACHINE = Machine(
    processor="Abacus",
    cores=2,
    memory_gib=24,
    system="Linux",
    python="3.11.7",
    packages={"numpy": "2.4"},
)


def result(*rows: Row) -> Result:
    return Result(
        title="Beads",
        command="python -m benchmarks beads",
        weights="random",
        machine=MACHINE,
        seconds=10,
        processor_s=4,
        others=0.6,
        rows=list(rows),
    )


@pytest.mark.parametrize("name", DOCS)
def test_the_docs_say_what_was_measured(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text == filled(text, load_results()), "run `python -m benchmarks.docs`"


def test_prose_stays_and_an_edited_figure_is_put_right() -> None:
    edited = "Before.\n<!-- bench:beads -->\n| a | 1 |\n<!-- /bench -->\nAfter.\n"
    made = filled(edited, {"beads": result(Row("a", "2"))})
    assert made.startswith("Before.\n<!-- bench:beads -->\n")
    assert made.endswith("\n<!-- /bench -->\nAfter.\n")
    assert "| a | 2 |" in made
    assert "| a | 1 |" not in made
    assert filled(made, {"beads": result(Row("a", "2"))}) == made


def test_a_section_names_machine_versions_weights_and_what_else_ran() -> None:
    made = filled("<!-- bench:beads -->\n<!-- /bench -->", {"beads": result(Row("a", "2"))})
    for said in ("Abacus", "2 cores", "numpy 2.4", "weights: random", "60%", "benchmarks beads"):
        assert said in made


def test_rows_with_the_same_columns_make_a_table() -> None:
    rows = [Row("a", cells={"s": "1"}), Row("b", cells={"s": "2"}), Row("c", "3")]
    made = filled("<!-- bench:beads -->\n<!-- /bench -->", {"beads": result(*rows)})
    assert "|  | s |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n\n|  |  |\n" in made


def test_a_section_whose_benchmark_has_no_result_stays() -> None:
    text = "<!-- bench:beads -->\n| a | 1 |\n<!-- /bench -->"
    assert filled(text, {}) == text
    assert filled(text.replace("beads", "summary"), {}) == text.replace("beads", "summary")


def test_the_summary_takes_its_figures_from_the_rows_it_names() -> None:
    rows: dict[str, list[Row]] = {}
    for each in SUMMARY:
        cells = {column: f"{column} of {each.row}!" for column in each.columns or ["all"]}
        rows.setdefault(each.benchmark, []).append(Row(each.row, cells=cells))
    results = {name: result(*each) for name, each in rows.items()}
    made = filled("<!-- bench:summary -->\n<!-- /bench -->", results)
    assert "Abacus" in made
    for each in SUMMARY:
        for column in each.columns or ["all"]:
            assert f"| {each.said} | " in made
            assert f"{column} of {each.row}!" in made


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_every_benchmark_finds_has_its_place_in_the_docs(name: str) -> None:
    texts = [(ROOT / doc).read_text(encoding="utf-8") for doc in DOCS]
    assert any(f"<!-- bench:{name} -->" in text for text in texts), "give it a section"


def test_a_result_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = result(Row("a", "1"), Row("b", cells={"s": "2"}))
    saved.save(tmp_path / "beads.json")
    assert Result.load(tmp_path / "beads.json") == saved
    assert load_results(tmp_path) == {"beads": saved}


def test_a_budget_allows_what_still_ends_in_time() -> None:
    budget = Budget(100.0)
    assert budget.allows(50.0)
    assert not budget.allows(101.0)
    assert not budget.at_most(10.0).allows(50.0)
    assert Budget().allows(1e9)
    assert not Budget(0.0).left_s


def _hold(size_bytes: int, path: str, pipe: Connection) -> None:
    mine = np.ones(size_bytes, np.uint8)
    mapped = np.memmap(path, np.uint8, "r")
    pipe.send(int(mine[0]) + int(mapped.sum(dtype=np.int64)))
    pipe.recv()


@pytest.mark.skipif(not Path("/proc").exists(), reason="private memory is told so on Linux alone")
def test_a_file_left_in_place_is_not_private_memory(tmp_path: Path) -> None:
    size_bytes = 64 * 2**20
    path = tmp_path / "weights"
    path.write_bytes(os.urandom(size_bytes))
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_hold, args=(size_bytes, str(path), theirs))
    process.start()
    assert process.pid is not None
    with MemoryWatch(process.pid) as watch:
        ours.recv()
        ours.poll(0.5)  # some samples
    ours.send(None)
    process.join()
    assert watch.peak.private > size_bytes
    assert watch.peak.resident > watch.peak.private + 0.9 * size_bytes


def test_a_meter_counts_its_own_and_not_as_others() -> None:
    meter = Meter()
    while meter.read().processor_s < 0.2:
        sum(range(10000))
    spent = meter.read()
    assert spent.processor_s >= 0.2
    room = (os.cpu_count() or 1) * spent.seconds - spent.processor_s
    assert 0.0 <= spent.others_s <= room + 0.1, "a tick of the clock more or less"
