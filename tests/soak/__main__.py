"""`python -m tests.soak --jobs 100000`: a long life of the bot, checked every day, and a report."""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Final

from tests.chaos.failpoints import ROOT
from tests.soak import report
from tests.soak.plan import Plan
from tests.soak.restoring import restored
from tests.soak.run import Notes, open_soak

FOLDER: Final = ROOT / "build" / "soak"


def say(line: str) -> None:
    """To whoever started this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def run(plan: Plan, folder: Path, *, minutes: float = 0.0) -> Notes:
    """All days, or those that begin within `minutes`; then the restore. An interrupt ends it after
    the current day, at a checkpoint. StuckError where something never happened."""
    began, stopped = time.monotonic(), asyncio.Event()
    async with open_soak(plan, folder, say) as soak:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
        soak.notes.played(report.commit())
        if soak.notes.day == 0:
            await soak.begin()
        else:
            await soak.start()
        while soak.notes.day < plan.days:
            if minutes and time.monotonic() - began > minutes * 60:
                say(f"ends after {minutes:.0f} minutes, on day {soak.notes.day} of {plan.days}")
                break
            if stopped.is_set():
                say("stopped; the next run goes on from here")
                raise SystemExit(130)
            await soak.day(soak.notes.day)
        soak.notes.complaints += await restored(soak)
        return soak.notes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=42, help="simulated ones")
    parser.add_argument("--bursts", type=int, default=6, help="times a day that people draw")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no day after these")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="goes on from what is there")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the report goes")
    asked = parser.parse_args()
    logging.getLogger("aiohttp.server").disabled = True  # it reports connections cut on order
    plan = Plan(jobs=asked.jobs, seed=asked.seed, days=asked.days, bursts=asked.bursts)
    folder = asked.folder / f"{plan.jobs}-{plan.days}-{plan.seed}"
    notes = asyncio.run(run(plan, folder, minutes=asked.minutes))
    report.write(plan, notes, asked.docs)
    wrong = [*notes.complaints, *report.growth_complaints(notes.samples)]
    for each in wrong[:50]:
        say(each)
    say(f"{'NOT WELL' if wrong else 'all well'}: {len(notes.jobs)} jobs; {asked.docs / 'soak.md'}")
    if not wrong:
        shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
