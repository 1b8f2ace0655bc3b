"""`make bench`: every benchmark, one after another, under the name of the machine.

`python -m benchmarks NAME ...` runs some of them; `--list` names them.
"""

import argparse
import importlib
import sys
import time

from benchmarks.report import machine, print_report

BENCHMARKS = {
    "tags": "Tag search over 140,000 tags (processor time of one core)",
    "engine": "Engines: stock and own, side by side in one run (random weights)",
    "model": "The UNet in every way: stock, own, OpenVINO, torch (a third as wide, random weights)",
    "loop": "Event loop while drawing (random weights)",
    "gallery": "Gallery: searching, listing and voting as it grows to 200,000 entries",
    "jobs": "Fifty people at once (fixed steps, then random weights)",
}


def main() -> int:
    """Run what was asked for. Gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--list", action="store_true", help="name them")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name}\t{title}" for name, title in BENCHMARKS.items()))
        return 0
    unknown = sorted(set(args.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; --list names them")
    print(machine())
    for name in args.names or BENCHMARKS:
        began = time.monotonic()
        module = importlib.import_module(f"benchmarks.bench_{name}")
        print_report(BENCHMARKS[name], module.run())
        print(f"  ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
