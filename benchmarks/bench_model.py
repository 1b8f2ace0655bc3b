"""Every way of running the UNet, side by side: stock, our variants, OpenVINO, diffusers in torch.

A third-width SDXL of random weights (`--kind full`: the real size, one contender in memory at a
time). A step is one of guidance: two rows.
"""

import argparse
import shutil
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.contender import Contender, Entry, Memory, inputs_for
from benchmarks.preparing import Preparation, prepare
from benchmarks.report import Row, machine, print_report
from pipeline.errors import ModelError
from pipeline.model.prepared import Variant, check_fit
from pipeline.model.providers import CPU
from training.random_model import make_random_model
from training.random_parts import RandomKind

SIZES: Final = ((1024, 1024), (832, 1216))
ROUNDS: Final = 2
STOCK: Final = "stock"
_TORCH: Final = ("torch fp32", "torch bf16")
_VARIANTS: Final[tuple[Variant, ...]] = ("fp32", "int8", "bf16")
_NAMES: Final[dict[Variant, str]] = {
    "fp32": "own fp32",
    "int8": "own int8",
    "bf16": "own bf16 (OpenVINO)",
    "fp16": "own fp16",
}
_HOME: Final = Path("models")


@dataclass
class Found:
    """What was seen of one contender: seconds by size, all and the processor's alone."""

    load_s: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    processor_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    error: float = 0.0
    memory: Memory | None = None


def run(
    kind: RandomKind = RandomKind.THIRD,
    *,
    rounds: int = ROUNDS,
    sizes: Sequence[tuple[int, int]] = SIZES,
    torch: Sequence[str] = _TORCH,
    keep: bool = False,
) -> list[Row]:
    """All figures. The model is made if it is not there; what is prepared goes afterwards."""
    model = _HOME / f"random-{kind}"
    if not model.is_dir():
        make_random_model(model, kind=kind, layout="2024", progress=print)
    prepared_dir = _HOME / f"bench-{kind}"
    try:
        preparations: dict[Variant, Preparation] = {
            variant: prepare(model, prepared_dir, variant)
            for variant in _VARIANTS
            if _fits(variant)
        }
        entries = list(_entries(model, kind, preparations, torch))
        together = kind is not RandomKind.FULL
        found = _measure(entries, model, rounds=rounds, sizes=sizes, together=together)
        return [*_preparation_rows(preparations), *_rows(found, sizes)]
    finally:
        if not keep:
            shutil.rmtree(prepared_dir, ignore_errors=True)


def _fits(variant: Variant) -> bool:
    try:
        check_fit(variant, CPU)
    except ModelError as error:
        print(f"  left out: {variant}: {error.data['reason']}", flush=True)
        return False
    return True


def _entries(
    model: Path, kind: RandomKind, made: dict[Variant, Preparation], torch: Sequence[str]
) -> Iterator[Entry]:
    yield Entry(name=STOCK, path=model, kind=kind)
    for variant, preparation in made.items():
        alone = variant in {"int8", "bf16"}
        yield Entry(name=_NAMES[variant], path=preparation.path, kind=kind, rows_alone=alone)
    if "fp32" in made:
        path = made["fp32"].path
        yield Entry(
            name="own fp32, mapped, rows alone", path=path, kind=kind, rows_alone=True, mapped=True
        )
    for name in torch:
        yield Entry(name=name, path=model, kind=kind)


def _measure(
    entries: list[Entry],
    model: Path,
    *,
    rounds: int,
    sizes: Sequence[tuple[int, int]],
    together: bool,
) -> dict[str, Found]:
    """Everybody's turns. `together`: all are loaded and take turns; else one is in memory at a
    time, in rounds all the same."""
    inputs = {_name(size): inputs_for(model, width=size[0], height=size[1]) for size in sizes}
    found = {entry.name: Found() for entry in entries}
    wanted: dict[str, npt.NDArray[np.float32]] = {}
    open_now = {entry.name: Contender(entry) for entry in entries} if together else {}
    for round_ in range(rounds + 1 if together else rounds):  # the first one warms up
        for entry in entries:
            contender = open_now.get(entry.name) or Contender(entry)
            seen = found[entry.name]
            seen.load_s = contender.load_s
            if not together:
                small = inputs_for(model, width=256, height=256)
                contender.step(small)
            for size, given in inputs.items():
                step = contender.step(given)
                if round_ or not together:
                    seen.seconds.setdefault(size, []).append(step.seconds)
                    seen.processor_s.setdefault(size, []).append(step.processor_s)
                    print(f"  {entry.name}, {size}: {step.seconds:.2f} s", flush=True)
                right = wanted.setdefault(size, step.noise_pred)
                seen.error = max(seen.error, _error(step.noise_pred, right))
            seen.memory = contender.memory()
            if not together:
                contender.close()
    for contender in open_now.values():
        contender.close()
    return found


def _error(got: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    """Root mean square of the difference, of that of what is wanted."""
    return float(np.sqrt(np.square(got - wanted).mean() / np.square(wanted).mean()))


def _preparation_rows(made: dict[Variant, Preparation]) -> Iterator[Row]:
    for variant, found in made.items():
        errors = ", ".join(f"{part} {error:.1e}" for part, error in found.errors.items())
        yield Row(
            f"model prepare --variant {variant}",
            f"{found.write_s:.0f} s writing, {found.seconds:.0f} s with the check,"
            f" peak {found.peak_bytes / 1e9:.2f} GB; errors: {errors}",
        )


def _rows(found: dict[str, Found], sizes: Sequence[tuple[int, int]]) -> Iterator[Row]:
    stock = found[STOCK]
    for size in map(_name, sizes):
        for name, seen in found.items():
            seconds = statistics.median(seen.seconds[size])
            computed = min(seen.processor_s[size])
            yield Row(
                f"{size}, {name}",
                f"{seconds:.2f} s a step ({computed:.2f} s of processor),"
                f" {_ratio(stock.seconds[size], seen.seconds[size]):.2f} times stock"
                f" (by processor {min(stock.processor_s[size]) / computed:.2f})",
            )
    for name, seen in found.items():
        assert seen.memory is not None
        memory = seen.memory
        yield Row(
            f"memory, {name}",
            f"resident {memory.resident / 1e9:.2f} GB, private {memory.private / 1e9:.2f} GB,"
            f" peak {memory.peak / 1e9:.2f} GB; loading {seen.load_s:.0f} s;"
            f" error {seen.error:.1e}",
        )


def _ratio(stock: list[float], other: list[float]) -> float:
    """The median of the rounds' ratios: what made one round slow made both slow."""
    return statistics.median(a / b for a, b in zip(stock, other, strict=True))


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_model", description=__doc__)
    parser.add_argument("--kind", type=RandomKind, default=RandomKind.THIRD)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--torch", action="store_true", help="at full size, too: 10 GB more")
    parser.add_argument("--keep", action="store_true", help="what was prepared")
    args = parser.parse_args()
    full = args.kind is RandomKind.FULL
    print(machine())
    rows = run(
        args.kind,
        rounds=args.rounds,
        sizes=SIZES[:1] if full else SIZES,
        torch=_TORCH if args.torch or not full else (),
        keep=args.keep,
    )
    print_report(f"UNet, random weights ({args.kind})", rows)


if __name__ == "__main__":
    main()
