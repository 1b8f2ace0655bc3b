"""Whole pictures as sums of parts that were timed."""

from benchmarks.bench_speeds import (
    DECODER,
    DISTILLED_ROW,
    REUSING,
    ROW,
    SMALL_DECODER,
    Seen,
    counts,
    rows,
)


def test_pictures_consist_of_what_is_drawn() -> None:
    assert counts() == {
        "full": {ROW: 56, DECODER: 1},
        "balanced": {ROW: 24, REUSING: 32, DECODER: 1},
        "draft": {DISTILLED_ROW: 8, DECODER: 1},
        "draft, small decoder": {DISTILLED_ROW: 8, SMALL_DECODER: 1},
    }


def test_ratios_are_of_medians() -> None:
    times = {ROW: 10, REUSING: 1, DECODER: 40, SMALL_DECODER: 8, DISTILLED_ROW: 12}
    seen = {
        name: Seen(seconds=[2 * each, 2 * each, 99], processor_s=[each, 0, each])
        for name, each in times.items()
    }
    made = {row.name: row.cells for row in rows(seen, "512x512")}
    assert made[REUSING]["parts of a row"] == "0.10"
    ratios = {name: cells.get("by the processor's seconds") for name, cells in made.items()}
    assert ratios["`speed: full`"] == "1.00"
    assert ratios["`speed: balanced`"] == f"{600 / 312:.2f}"
    assert ratios["`speed: draft`"] == f"{600 / 136:.2f}"
    assert ratios["`speed: draft, small decoder`"] == f"{600 / 104:.2f}"
    assert made["`speed: full`"]["512x512: seconds"] == "1200"
