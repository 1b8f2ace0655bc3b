"""`python -m tests.chaos --rounds 200`: rounds, counts, and status 1 where anything is wrong."""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.audit import Report
from tests.chaos.deeds import Deeds
from tests.chaos.rounds import Plan, Tally, plans, play
from tests.chaos.stage import Stage, StuckError, open_stage
from tests.chaos.trouble import TROUBLES


async def run(folder: Path, *, rounds: int, seed: int, trouble: str = "") -> bool:
    """Play, print counts. Gives whether all was well."""
    dice = random.Random(seed)  # noqa: S311 - reproducible on purpose
    tally, report, wrong = Tally(), Report(), list[str]()
    wanted = [Plan(trouble=trouble)] * rounds if trouble else plans(rounds, dice)
    async with open_stage(folder, disk=trouble == "full_disk") as stage:
        deeds = Deeds(stage, dice)
        for number, plan in enumerate(wanted, 1):
            try:
                report = await play(stage, deeds, plan, tally)
                wrong = report.complaints
            except StuckError as error:
                wrong = [f"waited in vain for {error}"]
            if wrong:
                print(f"round {number}, {plan}:", *wrong[:20], sep="\n  ")
                break
            if number % 20 == 0:
                print(f"{number} rounds, {report.accepted} jobs", flush=True)
        _print_counts(stage, tally, report)
    missed = [name for name, count in tally.missed.items() if count and not tally.kills[name]]
    if missed and not wrong:
        print("never reached:", ", ".join(missed))
    return not wrong and not missed


def _print_counts(stage: Stage, tally: Tally, report: Report) -> None:
    print(f"\n{tally.rounds} rounds; kills by failpoint:")
    for name, count in sorted(tally.kills.items()):
        missed = f" (not passed in {tally.missed[name]} more)" if tally.missed[name] else ""
        print(f"  {name or 'at a random moment':<24}{count}{missed}")
    for name, count in sorted(tally.troubles.items()):
        print(f"  without a kill: {name:<8} {count}")
    print(
        f"{report.accepted} jobs accepted, {report.unacknowledged} of them never acknowledged:"
        f" {report.delivered} delivered once ({report.pictures} pictures),"
        f" {report.cancelled} cancelled ({report.withdrawn} by us), {report.failed} failed"
    )
    if tally.recoveries_s:
        print(
            f"start to listening {max(stage.starts_s):.2f} s at most; start to all told"
            f" {max(tally.recoveries_s):.2f} s at most; SIGTERM to end {max(tally.stops_s):.2f} s"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run's plan")
    parser.add_argument("--trouble", default="", choices=[*TROUBLES, "full_disk"], help="only this")
    parser.add_argument("--keep", type=Path, help="keep state and log of a failed run here")
    wanted = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if wanted.seed is None else wanted.seed
    print(f"{wanted.rounds} rounds, seed {seed}")
    logging.getLogger("aiohttp.server").disabled = True  # it reports connections cut on order
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ekaki-chaos-") as folder:
        well = asyncio.run(
            run(Path(folder), rounds=wanted.rounds, seed=seed, trouble=wanted.trouble)
        )
        if not well and wanted.keep is not None:
            shutil.copytree(folder, wanted.keep, dirs_exist_ok=True)
            print(f"state and log: {wanted.keep}")
    print(f"{'all well' if well else 'NOT WELL'}, {time.monotonic() - began:.0f} s")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
