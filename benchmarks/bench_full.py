"""`python -m benchmarks.bench_full`: every way of running the UNet at SDXL's real size, and whole
pictures of each variant.

The published checkpoint if it was fetched, else one of random weights, which is made. One contender
is in memory at a time; what was measured is kept after each, in `models/bench-full`, so that a run
that was cut off goes on. Needs 60 GB of disk, 24 GiB of memory, an hour on two cores.

A step counts after one of the same size: the first makes room, and OpenVINO's compiles.
"""

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.contender import TORCH, Contender, Floats, inputs_for
from benchmarks.contest import (
    HOME,
    NAMES,
    SIZES,
    STOCK,
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
    variant_of,
)
from benchmarks.memory import Memory
from benchmarks.preparing import Preparation, prepare
from benchmarks.report import Machine, Row, print_report
from benchmarks.results import NOTHING_SPENT, RESULTS, Meter, Result, Spent
from benchmarks.whole import Whole, against_stock, draw_whole, whole_rows
from pipeline.model.options import DEFAULT_REPOSITORY, DEFAULT_REVISION, Variant, repository_path
from training.random_model import make_random_model
from training.random_parts import RandomKind

KIND: Final = RandomKind.FULL
FOLDER: Final = HOME / "bench-full"
NAME: Final = "full"
FEW_STEPS: Final = 2  # of a whole picture: memory is as with many


@dataclass(kw_only=True)
class Kept:
    """What was measured so far, on `machine` and of `weights`: under others it is worth nothing."""

    machine: str
    weights: str
    found: dict[str, Found] = field(default_factory=dict[str, Found])
    prepared: dict[Variant, Preparation] = field(default_factory=dict[Variant, Preparation])
    whole: dict[Variant, list[Whole]] = field(default_factory=dict[Variant, list[Whole]])
    spent: Spent = NOTHING_SPENT

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path, *, machine: str, weights: str) -> "Kept":
        """What `save` wrote, empty if there is nothing that counts here."""
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept = cls(machine=machine, weights=weights)
        if (said.get("machine"), said.get("weights")) != (machine, weights):
            return kept
        kept.found = {name: _found(each) for name, each in said["found"].items()}
        kept.prepared = {name: _preparation(each) for name, each in said["prepared"].items()}
        kept.whole = {name: [_whole(each) for each in some] for name, some in said["whole"].items()}
        kept.spent = Spent(**said["spent"])
        return kept


def _found(said: dict[str, Any]) -> Found:
    memory, peak = Memory(**said.pop("memory")), Memory(**said.pop("peak"))
    return Found(memory=memory, peak=peak, **said)


def _preparation(said: dict[str, Any]) -> Preparation:
    path, peak = Path(said.pop("path")), Memory(**said.pop("peak"))
    return Preparation(path=path, peak=peak, **said)


def _whole(said: dict[str, Any]) -> Whole:
    peak = Memory(**said.pop("peak"))
    return Whole(peak=peak, **said)


class Session:
    """A run, beginning from what is kept."""

    def __init__(
        self,
        model: Path,
        weights: str,
        rounds: int,
        sizes: Sequence[str],
        command: str = "make bench-full",
    ) -> None:
        self._model = model
        self._rounds = rounds
        self._sizes = sizes
        self._command = command
        self._file = FOLDER / "found.json"
        self._machine = Machine.here()
        self._left_out: dict[str, str] = {}
        self._kept = Kept.load(self._file, machine=str(self._machine), weights=weights)

    def forget(self, names: Sequence[str]) -> None:
        """Measure these anew."""
        for name in names:
            self._kept.found.pop(name, None)

    def measure(self, names: Sequence[str], out: Path) -> list[Row]:
        """Give everybody in `names`, and stock, the turns that they have not had; write all to
        `out`."""
        self._left_out = left_out(names)
        names = [STOCK, *(name for name in names if name not in {STOCK, *self._left_out})]
        for number in range(self._rounds):
            for name in names:
                seen = self._kept.found.get(name, Found())
                left = [size for size in self._sizes if len(seen.seconds.get(size, ())) <= number]
                if left and self._is_ready(name):
                    self._turn(name, seen, left)
                    self._save(out)
        return self._rows()

    def draw(self, variants: Sequence[Variant], steps: int, out: Path) -> list[Row]:
        """Draw a whole picture with each of `variants`, unless one of so many steps was drawn."""
        for variant in variants:
            pictures = self._kept.whole.setdefault(variant, [])
            if all(one.steps != steps for one in pictures) and self._is_prepared(variant):
                print(f"  imagine with {variant}, {steps} steps", flush=True)
                meter = Meter()
                pictures.append(draw_whole(self._model, FOLDER, variant, steps))
                self._kept.spent += meter.read()
                self._save(out)
        return self._rows()

    def _is_ready(self, name: str) -> bool:
        """Prepare what it runs, unless that lies there. Whether it can run here."""
        variant = variant_of(name)
        return variant is None or self._is_prepared(variant)

    def _is_prepared(self, variant: Variant) -> bool:
        known = self._kept.prepared.get(variant)
        if known is not None and known.path.is_dir():
            return True
        if unfit(variant):
            return False
        meter = Meter()
        self._kept.prepared[variant] = prepare(self._model, FOLDER, variant)
        self._kept.spent += meter.read()
        self._kept.save(self._file)
        return True

    def _turn(self, name: str, seen: Found, sizes: Sequence[str]) -> None:
        entry = entry_for(name, self._model, KIND, self._kept.prepared)
        assert entry is not None, "it was prepared"
        meter = Meter()
        print(f"  {name}: loading", flush=True)
        contender = Contender(entry)
        try:
            for size in sizes:
                inputs = self._inputs(size)
                contender.step(inputs)
                step = contender.step(inputs)
                print(
                    f"  {name}, {size}: {step.seconds:.1f} s, {step.processor_s:.1f} of the"
                    f" processor",
                    flush=True,
                )
                seen.note_step(size, step, self._wanted(name, size, step.noise_pred))
            seen.note_process(contender)
        finally:
            contender.close()
        self._kept.found[name] = seen
        self._kept.spent += meter.read()

    def _inputs(self, size: str) -> dict[str, Floats]:
        width, height = pixels(size)
        return inputs_for(self._model, width=width, height=height)

    def _wanted(self, name: str, size: str, mine: Floats) -> Floats:
        """Stock's answer, kept for those who come after it; `mine` is that of `name`."""
        path = FOLDER / f"wanted-{size}.npy"
        if name == STOCK:
            FOLDER.mkdir(parents=True, exist_ok=True)
            np.save(path, mine)
        return np.load(path)

    def _rows(self) -> list[Row]:
        found = {name: self._kept.found[name] for name in NAMES if name in self._kept.found}
        return [
            *step_rows(found, self._sizes),
            *memory_rows(found),
            *preparation_rows(self._kept.prepared),
            *whole_rows(self._kept.whole),
            *against_stock(found, self._kept.whole),
            *left_out_rows(self._left_out),
        ]

    def _save(self, out: Path) -> None:
        self._kept.save(self._file)
        spent = self._kept.spent
        Result.of(
            spent,
            self._rows(),
            title="The real size, one in memory at a time",
            command=self._command,
            weights=self._kept.weights,
            machine=self._machine,
        ).save(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_full", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--size", action="append", choices=SIZES, help="default: all")
    parser.add_argument("--only", action="append", choices=NAMES, help="anew, the rest as kept")
    parser.add_argument(
        "--picture", action="append", choices=VARIANTS, help="a whole one; default: all"
    )
    parser.add_argument(
        "--steps", type=int, default=FEW_STEPS, help=f"of whole pictures; default: {FEW_STEPS}"
    )
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FOLDER")
    parser.add_argument("--name", default=NAME, help="of the file there; default: %(default)s")
    parser.add_argument("--keep", action="store_true", help="what was prepared and measured")
    args = parser.parse_args()
    model, weights, names = _model()
    command = "make bench-full" if args.name == NAME else f"{parser.prog} {shlex.join(_typed())}"
    session = Session(model, weights, args.rounds, args.size or SIZES, command)
    session.forget(args.only or ())
    print(Machine.here())
    out = args.json / f"{args.name}.json"
    if args.only or not args.picture:
        session.measure(args.only or names, out)
    rows = session.draw(args.picture or (() if args.only else VARIANTS), args.steps, out)
    print_report(f"The real size ({weights})", rows)
    if not (args.keep or args.only or args.picture):
        shutil.rmtree(FOLDER, ignore_errors=True)


def _typed() -> list[str]:
    """The command's arguments, without where the figures go."""
    typed = sys.argv[1:]
    for option in ("--json", "--name"):
        if option in typed:
            at = typed.index(option)
            del typed[at : at + 2]
    return typed


def _model() -> tuple[Path, str, Sequence[str]]:
    """The folder, whose weights these are, and who can run them."""
    real = repository_path(HOME, DEFAULT_REPOSITORY, DEFAULT_REVISION)
    if real.is_dir():
        # torch's weights are made by name, as the random file's are: the real ones it has not
        return real, DEFAULT_REPOSITORY, [name for name in NAMES if name not in TORCH]
    model = HOME / f"random-{KIND}"
    if not model.is_dir():
        make_random_model(model, kind=KIND, layout="2024", progress=print)
    return model, "random", NAMES


if __name__ == "__main__":
    main()
