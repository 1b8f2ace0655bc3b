"""`make bench`: every benchmark, one after another, under the name of the machine.

`python -m benchmarks NAME ...` runs some of them; `--list` names them. With `--json FOLDER` each
leaves its figures there, as the docs are made from (`python -m benchmarks.docs`).
`python -m benchmarks card` is for machines with an NVIDIA card; `card --help` says more.
"""

import argparse
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.budget import Budget
from benchmarks.report import Machine, print_report
from benchmarks.results import Meter, Result

MINUTES: Final = 15.0
"""For all of them."""

_RANDOM: Final = "random"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What is measured. `weights`: whose they are, of the model in it. One that goes in rounds is
    given at most `seconds` (None: it is always as long). It is left out where less than `least_s`
    is left, which everything before its second round takes on two quiet cores."""

    title: str
    weights: str
    seconds: float | None = None
    least_s: float = 10.0


BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "tags": Benchmark(
        title="Tag search over 140,000 tags (processor time of one core)", weights=_NONE
    ),
    "start": Benchmark(
        title="Cold start to the first picture",
        weights="the demo model's, trained",
        seconds=60,
    ),
    "engine": Benchmark(title="Engines: stock and own, side by side", weights=_RANDOM, seconds=60),
    "loop": Benchmark(title="Event loop while drawing", weights=_RANDOM),
    "gallery": Benchmark(
        title="Gallery: searching, listing and voting as it grows to 200,000 entries",
        weights=_NONE,
    ),
    "jobs": Benchmark(
        title="Fifty people at once, with fixed steps and with a model",
        weights=_RANDOM,
    ),
    "waiting": Benchmark(
        title="While jobs wait: fixed steps, a model, simulated arrivals",
        weights=_RANDOM,
        seconds=90,
        least_s=60,
    ),
    "rows": Benchmark(
        title="Several people's pictures at once: steps measured here, waiting simulated",
        weights=_RANDOM,
        seconds=45,
        least_s=30,
    ),
    "ways": Benchmark(
        title="Redrawing, extending, parts, comparing and faces beside a plain picture",
        weights="the demo model's, trained",
        seconds=90,
        least_s=40,
    ),
    "model": Benchmark(
        title="The UNet in every way: stock, own, OpenVINO, torch (a third as wide)",
        weights=_RANDOM,
        seconds=480,
        least_s=240,
    ),
    "lora": Benchmark(
        title="LoRAs chosen per picture (a third as wide)",
        weights=_RANDOM,
        seconds=180,
        least_s=120,
    ),
}


def main() -> int:
    """Run what was asked for. Returns the exit status."""
    if sys.argv[1:2] == ["card"]:
        from benchmarks import card

        return card.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--list", action="store_true", help="name them")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="leave the figures there")
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        help="for all together; a slow machine measures fewer rounds (default: %(default)g)",
    )
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name}\t{each.title}" for name, each in BENCHMARKS.items()))
        return 0
    unknown = sorted(set(args.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; --list names them")
    machine, budget = Machine.here(), Budget(60 * args.minutes)
    print(f"{machine}\nAt most {args.minutes:g} minutes.")
    names = args.names or list(BENCHMARKS)
    for number, name in enumerate(names, 1):
        print(f"\n[{number}/{len(names)}] {name}, {budget.left_s:.0f} s are left", flush=True)
        result = _measure(name, machine, budget)
        if result is not None and args.json is not None:
            result.save(args.json / f"{name}.json")
    return 0


def _measure(name: str, machine: Machine, budget: Budget) -> Result | None:
    """Run one and print it; None where no time is left for it."""
    benchmark = BENCHMARKS[name]
    if not budget.allows(benchmark.least_s):
        print("  left out: no time for it", flush=True)
        return None
    module = importlib.import_module(f"benchmarks.bench_{name}")
    meter = Meter()
    if benchmark.seconds is None:
        rows = module.run()
    else:
        rows = module.run(budget.at_most(benchmark.seconds))
    spent = meter.read()
    result = Result.of(
        spent,
        rows,
        title=benchmark.title,
        command=f"python -m benchmarks {name}",
        weights=benchmark.weights,
        machine=machine,
    )
    print_report(f"{result.title} (weights: {result.weights})", rows)
    print(f"  ({result.seconds} s; others had {result.others:.0%} of the processors)")
    return result


if __name__ == "__main__":
    sys.exit(main())
