"""`python -m benchmarks card`: what an NVIDIA card makes of SDXL, within ten minutes.

Makes a model of random weights, prepares fp16, and measures seconds per picture (stock, own,
diffusers in fp16), pictures per minute with 1, 4 and 8 people waiting, memory, and the share of
what the card reaches in products of matrices. Needs about 30 GB of disk. What was made stays in
`models`, so where the time was too short, run it again.

`--provider cpu --kind third` tries the script itself on a machine without a card.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.budget import Budget
from benchmarks.card_runs import Setup, as_json
from benchmarks.contest import HOME
from benchmarks.preparing import prepare
from benchmarks.report import LEFT_OUT, Machine, Row, print_report
from benchmarks.results import Meter, Result
from pipeline.card import DEFAULT_STEPS
from pipeline.model.folder import ModelFolder
from pipeline.plan.on_card import read_card
from pipeline.plan.prepared import home_of
from pipeline.runtime.cuda import missing_library
from pipeline.runtime.providers import cuda_works
from pipeline.speed.work import work_of
from training.random_model import make_random_model
from training.random_parts import RandomKind

MINUTES: Final = 10.0
SIDE: Final = 1024  # pixels
PEOPLE: Final = (1, 4, 8)
ENGINES: Final = ("own", "stock", "diffusers")
_LEAST_S: Final = 15.0  # for one more measurement
_PEAK: Final = "at best, in products of matrices"


class Measuring:
    """Runs one measurement after another, as long as there is time."""

    def __init__(self, setup: Setup, budget: Budget) -> None:
        self._setup = setup
        self._budget = budget

    def run(self, name: str) -> Mapping[str, Any]:
        """What came out, or `problem`."""
        if not self._budget.allows(_LEAST_S):
            return {"problem": "no time was left"}
        print(f"  {name} ...", flush=True)
        command = [sys.executable, "-m", "benchmarks.card_runs", name, as_json(self._setup)]
        try:
            done = subprocess.run(  # noqa: S603 - ourselves
                command,
                stdout=subprocess.PIPE,
                text=True,
                timeout=min(self._budget.left_s, 10_000),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"problem": "it took longer than there was time"}
        lines = done.stdout.strip().splitlines()
        if done.returncode or not lines:
            return {"problem": f"it ended with {done.returncode}"}
        return json.loads(lines[-1])


def main(arguments: list[str]) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks card", description=__doc__)
    parser.add_argument("--provider", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--kind", type=RandomKind, choices=RandomKind, default=RandomKind.FULL)
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--at-once", type=int, default=0, help="DRAW_AT_ONCE")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="leave the figures there")
    args = parser.parse_args(arguments)
    if args.provider == "cuda" and not cuda_works(0):
        print(_why_not(), file=sys.stderr)
        return 2
    meter, budget = Meter(), Budget(60 * args.minutes)
    rows = measure(args, budget)
    spent = meter.read()
    title = f"SDXL ({args.kind}) on {_device(args.provider)}"
    print_report(f"{title}, {SIDE}x{SIDE}, {args.steps} steps, random weights", rows)
    if args.json is not None:
        Result.of(
            spent,
            rows,
            title=title,
            command="python -m benchmarks card",
            weights="random",
            machine=Machine.here(),
        ).save(args.json / "card.json")
    return 0


def measure(args: argparse.Namespace, budget: Budget) -> list[Row]:
    """All figures that there is time for."""
    began = time.monotonic()
    model = HOME / f"random-{args.kind}"
    if not model.is_dir():
        make_random_model(model, kind=args.kind, progress=print)
    rows = [Row("making the model", f"{time.monotonic() - began:.0f} s")]
    models_dir = HOME / "bench-card"
    on_card = args.provider == "cuda"
    if on_card and not (home_of(models_dir, ModelFolder.open(model)) / "fp16").is_dir():
        print("  preparing fp16 ...", flush=True)
        prepared = prepare(model, models_dir, "fp16")
        rows.append(Row("preparing fp16", f"{prepared.seconds:.0f} s"))
    measuring = Measuring(
        Setup(
            model=str(model),
            models_dir=str(models_dir),
            kind=args.kind,
            provider=args.provider,
            variant="fp16" if on_card else "source",
            steps=args.steps,
            side=SIDE,
            at_once=args.at_once,
        ),
        budget,
    )
    work = work_of(ModelFolder.open(model), width=SIDE, height=SIDE)
    operations = 2 * args.steps * work.unet.total + work.decoder.total
    best = measuring.run("matmul").get("operations_per_s", 0.0)
    rows.append(Row(_PEAK, f"{best / 1e12:.3g} TFLOP/s" if best else LEFT_OUT))
    rows.append(Row("a picture", f"{operations / 1e12:.3g} TFLOP"))
    rows += [_waiting_row(people, measuring.run(f"waiting {people}")) for people in PEOPLE]
    rows += [_picture_row(name, measuring.run(name), operations, best) for name in ENGINES]
    return rows


def _picture_row(name: str, found: Mapping[str, Any], operations: float, best: float) -> Row:
    if "problem" in found:
        return Row(f"a picture, {name}", f"{LEFT_OUT}: {found['problem']}")
    reached = operations / found["seconds"]
    share = f", {reached / best:.0%} of the best" if best else ""
    return Row(
        f"a picture, {name}",
        f"{found['seconds']:.2f} s, {reached / 1e12:.3g} TFLOP/s{share},"
        f" {_gib(found['peak_bytes'])}",
    )


def _waiting_row(people: int, found: Mapping[str, Any]) -> Row:
    name = f"{people} waiting"
    if "problem" in found:
        return Row(name, f"{LEFT_OUT}: {found['problem']}")
    return Row(
        name,
        f"{60 * people / found['seconds']:.2f} pictures per minute, up to {found['slots']:.0f} at"
        f" once; the first after {found['first_s']:.1f} s, on average {found['mean_s']:.1f} s,"
        f" {_gib(found['peak_bytes'])}",
    )


def _gib(size_bytes: float) -> str:
    return f"{size_bytes / 2**30:.1f} GiB" if size_bytes else "memory unknown"


def _device(provider: str) -> str:
    card = read_card(0) if provider == "cuda" else None
    return "the processor" if card is None else f"{card.name}, {card.total_bytes / 2**30:.0f} GiB"


def _why_not() -> str:
    library = missing_library()
    reason = "a session that asked for CUDA ran on the processor"
    if library is not None:
        reason = f"{library} was not found"
    return (
        f"This benchmark needs an NVIDIA card that works with ONNX Runtime, and here {reason}."
        " To try the script without one: --provider cpu --kind third --steps 2"
    )
