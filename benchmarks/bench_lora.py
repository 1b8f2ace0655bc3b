"""What LoRAs cost: the UNet without the branch, with an empty one, and with LoRAs on every layer.

A third-width SDXL of random weights; `python -m benchmarks.bench_lora` does the same at the real
size. With and without take turns, so that ratios hold on a busy machine, too.
"""

import argparse
import shutil
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.budget import Budget
from benchmarks.contender import Contender, Entry, Inputs, Step, inputs_for
from benchmarks.contest import HOME, gb, pixels, unfit
from benchmarks.preparing import prepare
from benchmarks.report import Machine, Row, print_report
from benchmarks.results import RESULTS, Meter, Result
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.branch_size import numbers_per_rank
from pipeline.onnx.linear import linear_layers
from pipeline.onnx.skeleton import load_skeleton
from pipeline.onnx.weight_files import GRAPH_NAME
from training.random_model import make_random_model
from training.random_parts import RandomKind

RANKS: Final = (0, 16, 32, 128)
VARIANTS: Final[tuple[Variant, ...]] = ("fp32", "int8", "bf16")
SIZE: Final = "1024x1024"
SMALLER: Final = "512x512"
"""Where there is no time for a round of the other."""
ROUNDS: Final = 3
_TIMES_AS_LONG: Final = 6  # a step of SIZE, whose attention grows with the square
_FLOAT_BYTES: Final = 4


def run(budget: Budget) -> list[Row]:
    """All figures. The model is made if it is not there; what is prepared goes afterwards."""
    return measure(RandomKind.THIRD, budget)


def measure(kind: RandomKind, budget: Budget) -> list[Row]:
    """The same for a model of `kind`."""
    model = HOME / f"random-{kind}"
    if not model.is_dir() or not _names_layers(model):
        make_random_model(model, kind=kind, layout="2024", progress=print)
    folder = HOME / f"bench-lora-{kind}"
    rows: list[Row] = []
    variants: list[Variant] = [variant for variant in VARIANTS if not unfit(variant)]
    try:
        for index, variant in enumerate(variants):
            share = budget.at_most(budget.left_s / (len(variants) - index))
            rows += _measure(model, kind, folder, variant, share)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _names_layers(model: Path) -> bool:
    """Whether a random model knows which layer is which; those made by earlier versions do not."""
    return any(linear_layers(load_skeleton(model / "text_encoder" / GRAPH_NAME)))


@dataclass(slots=True)
class _Seen:
    """Seconds, and seconds of the processor, of each step; memory afterwards."""

    seconds: list[float] = field(default_factory=list[float])
    processor_s: list[float] = field(default_factory=list[float])
    private: int = 0

    def note(self, step: Step, contender: Contender) -> None:
        self.seconds.append(step.seconds)
        self.processor_s.append(step.processor_s)
        self.private = contender.memory().private


def _measure(
    model: Path, kind: RandomKind, folder: Path, variant: Variant, budget: Budget
) -> list[Row]:
    without = prepare(model, folder / "without", variant, branch=False).path
    path = prepare(model, folder, variant).path
    plain, ours = (
        Contender(Entry(name=name, path=each, kind=kind, rows_alone=True, mapped=variant == "fp32"))
        for name, each in ((f"{variant} without", without), (f"{variant} with", path))
    )
    seen: dict[int | None, _Seen] = {rank: _Seen() for rank in (None, *RANKS)}
    turns = [(plain, None), *((ours, rank) for rank in RANKS)]
    try:
        began = time.monotonic()
        for contender in (plain, ours):
            contender.step(_inputs(path, SMALLER))
        warm_up_s = (time.monotonic() - began) / 2
        size = SIZE if budget.allows(_TIMES_AS_LONG * warm_up_s * len(turns)) else SMALLER
        inputs = _inputs(path, size)
        for _ in range(ROUNDS):
            began = time.monotonic()
            for contender, rank in turns:
                if variant == "bf16":  # which compiles the graph again for another rank
                    contender.step(inputs, rank=rank or 0)
                step = contender.step(inputs, rank=rank or 0)
                print(f"  {variant}, {_name(rank)}: {step.seconds:.2f} s", flush=True)
                seen[rank].note(step, contender)
            if not budget.allows(time.monotonic() - began):
                break
    finally:
        plain.close()
        ours.close()
    return list(
        _rows(variant, size, seen, numbers_per_rank(ModelFolder.open(path).onnx_file("unet")))
    )


def _rows(
    variant: Variant, size: str, seen: dict[int | None, _Seen], numbers: int
) -> Iterator[Row]:
    without = seen[None]
    for rank, found in seen.items():
        yield Row(
            f"`{variant}`, {_name(rank)}",
            cells={
                f"{size}: seconds a step": f"{statistics.median(found.seconds):.2f}",
                "of the processor": f"{statistics.median(found.processor_s):.2f}",
                "times a step without the branch": _ratio(found.seconds, without.seconds),
                "by the processor's seconds": _ratio(found.processor_s, without.processor_s),
                "size of the LoRAs": gb(_FLOAT_BYTES * numbers * (rank or 0)),
                "private memory": gb(found.private),
            },
        )


def _ratio(ours: list[float], without: list[float]) -> str:
    """The median of the rounds' ratios: what made one round slow made both slow."""
    return f"{statistics.median(a / b for a, b in zip(ours, without, strict=True)):.3f}"


def _name(rank: int | None) -> str:
    if rank is None:
        return "without the branch"
    return f"rank {rank}" if rank else "no LoRA"


def _inputs(path: Path, size: str) -> Inputs:
    width, height = pixels(size)
    return inputs_for(path, width=width, height=height)


def main() -> None:
    """The command line: SDXL's own size, into the docs' results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_lora", description=__doc__)
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FOLDER")
    folder: Path = parser.parse_args().json
    meter = Meter()
    rows = measure(RandomKind.FULL, Budget())
    spent = meter.read()
    print_report("LoRAs at the real size", rows)
    Result.of(
        spent,
        rows,
        title="LoRAs at the real size",
        command="python -m benchmarks.bench_lora",
        weights="random",
        machine=Machine.here(),
    ).save(folder / "lora_full.json")


if __name__ == "__main__":
    main()
