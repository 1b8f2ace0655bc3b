"""Every way of running the UNet, side by side: stock, our variants, OpenVINO, diffusers in torch.

A third-width SDXL of random weights; all are loaded and take turns, each in a process of its own. A
step is one of guidance: two rows. `bench_full` does the same at the real size.
"""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.budget import Budget
from benchmarks.contender import Contender, Entry, Floats, Inputs, inputs_for
from benchmarks.contest import (
    HOME,
    NAMES,
    SIZES,
    VARIANTS,
    Found,
    entry_for,
    left_out,
    left_out_rows,
    memory_rows,
    pixels,
    preparation_rows,
    step_rows,
    unfit,
)
from benchmarks.preparing import Preparation, prepare
from benchmarks.report import Row
from pipeline.model.options import Variant
from training.random_model import make_random_model
from training.random_parts import RandomKind

KIND: Final = RandomKind.THIRD
ROUNDS: Final = 3
_WARM_UP: Final = "512x512"


def run(budget: Budget) -> list[Row]:
    """All figures. The model is made if it is not there; what is prepared goes afterwards."""
    model = HOME / f"random-{KIND}"
    if not model.is_dir():
        make_random_model(model, kind=KIND, layout="2024", progress=print)
    prepared_dir = HOME / f"bench-{KIND}"
    try:
        made: dict[Variant, Preparation] = {
            variant: prepare(model, prepared_dir, variant)
            for variant in VARIANTS
            if not unfit(variant)
        }
        missing = left_out(NAMES)
        entries = [entry_for(name, model, KIND, made) for name in NAMES if name not in missing]
        found = _measure([entry for entry in entries if entry], model, budget)
        return [
            *step_rows(found, SIZES),
            *memory_rows(found),
            *preparation_rows(made),
            *left_out_rows(missing),
        ]
    finally:
        shutil.rmtree(prepared_dir, ignore_errors=True)


def _measure(entries: Sequence[Entry], model: Path, budget: Budget) -> dict[str, Found]:
    """Everybody's turns, in rounds: a small one that warms up, one of the first size whatever the
    time, then as many as the time allows; the second size has one of these."""
    inputs: dict[str, Inputs] = {}
    for size in (_WARM_UP, *SIZES):
        width, height = pixels(size)
        inputs[size] = inputs_for(model, width=width, height=height)
    found = {entry.name: Found() for entry in entries}
    contenders = [Contender(entry) for entry in entries]
    turns = _Turns(contenders, found, inputs)
    try:
        turns.round(_WARM_UP, counts=False)
        first, second = SIZES
        round_s = turns.round(first)
        for size in (second, *[first] * (ROUNDS - 1)):
            if not budget.allows(round_s):  # the sizes are nearly equal
                print(f"  no time for another round ({size})", flush=True)
                break
            round_s = turns.round(size)
    finally:
        for contender in contenders:
            contender.close()
    return found


class _Turns:
    """Rounds of steps, everybody once in each."""

    def __init__(
        self,
        contenders: Sequence[Contender],
        found: dict[str, Found],
        inputs: dict[str, Inputs],
    ) -> None:
        self._contenders = contenders
        self._found = found
        self._inputs = inputs

    def round(self, size: str, *, counts: bool = True) -> float:
        """Seconds that it took. What `counts` not warms up."""
        began = time.monotonic()
        wanted: Floats | None = None
        for contender in self._contenders:
            step = contender.step(self._inputs[size])
            wanted = step.noise_pred if wanted is None else wanted
            name = contender.entry.name
            print(f"  {name}, {size}: {step.seconds:.2f} s", flush=True)
            if counts:
                self._found[name].note_step(size, step, wanted)
            self._found[name].note_process(contender)
        return time.monotonic() - began
