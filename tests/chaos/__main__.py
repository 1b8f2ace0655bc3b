"""`python -m tests.chaos --rounds 200`: rounds, counts, and status 1 where anything is wrong."""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.activity import Activity
from tests.chaos.audit import Report
from tests.chaos.processes import NoDiskError
from tests.chaos.rounds import Plan, Tally, host_plans, plans, play
from tests.chaos.settling import evidence
from tests.chaos.stage import Stage, StuckError, open_stage
from tests.chaos.trouble import TROUBLES

FULL_DISK = "full_disk"
_PATIENCE = 10  # rounds in which a failpoint was not passed, before we give it up


def say(*lines: str) -> None:
    """To whoever started this."""
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


async def run(
    folder: Path, *, wanted: Sequence[Plan], seed: int, disk: bool = False, hosts: int = 0
) -> bool:
    """Play, print counts. Gives whether all was well."""
    tally, report, wrong = Tally(), Report(), list[str]()
    async with open_stage(folder, disk=disk, hosts=hosts) as stage:
        activity = Activity(stage, random.Random(seed))
        to_play = deque(wanted)
        while to_play:
            plan = to_play.popleft()
            try:
                report = await play(stage, activity, plan, tally)
                wrong = report.complaints
            except StuckError as error:
                wrong = [f"waited in vain for {error}"]
                stage.evidence = stage.evidence or evidence(stage, wrong, waited_s=0)
            if wrong:
                say(f"round {tally.rounds}, {plan}:", *wrong[:20], *stage.evidence)
                break
            if hosts:
                say(f"round {tally.rounds}, {plan.loss or plan.failpoint or 'killed'}: well")
            if tally.rounds % 20 == 0:
                say(f"{tally.rounds} of {len(wanted)} rounds, {report.accepted} jobs")
            if not to_play:
                to_play += not_passed(wanted, tally)
        say(*counts(stage, tally, report))
    missed = sorted({plan.failpoint for plan in not_passed(wanted, Tally(kills=tally.kills))})
    if missed and not wrong:
        say("never reached: " + ", ".join(missed))
    return not wrong and not missed


def not_passed(wanted: Sequence[Plan], tally: Tally) -> list[Plan]:
    """Once more, at the first passage, what was planned for a later one that never came."""
    planned = Counter(plan.failpoint for plan in wanted if plan.failpoint)
    return [
        Plan(failpoint=name)
        for name, count in planned.items()
        if tally.missed[name] <= _PATIENCE
        for _ in range(count - tally.kills[name])
    ]


def counts(stage: Stage, tally: Tally, report: Report) -> list[str]:
    """What happened, one line each."""
    lines = [f"{tally.rounds} rounds; kills by failpoint:"]
    for name, count in sorted(tally.kills.items()):
        missed = f" (not passed in {tally.missed[name]} more)" if tally.missed[name] else ""
        lines.append(f"  {name or 'at a random moment':<24}{count}{missed}")
    lines += [f"  refuses: {name:<15}{count}" for name, count in sorted(tally.refusals.items())]
    lines += [f"  lost: {name:<18}{count}" for name, count in sorted(tally.losses.items())]
    lines.append(f"  requests that were refused there: {tally.refused_requests}")
    lines += [f"  no kill, {name:<15}{count}" for name, count in sorted(tally.troubles.items())]
    lines.append(
        f"{report.accepted} jobs accepted, {report.unacknowledged} of them never acknowledged:"
        f" {report.delivered} delivered once ({report.pictures} pictures),"
        f" {report.cancelled} cancelled ({report.withdrawn} by us), {report.failed} failed,"
        f" {report.erased} deleted later; {report.twice_private} private ones sent twice because"
        " their token was over"
    )
    lines += [f"  failed: {name:<16}{count}" for name, count in sorted(report.reasons.items())]
    if stage.starts_s and tally.stops_s:
        lines.append(
            f"start to listening {max(stage.starts_s):.2f} s at most; start to all told"
            f" {max(tally.recoveries_s, default=0):.2f} s at most;"
            f" SIGTERM to end {max(tally.stops_s):.2f} s at most"
        )
    return lines


async def everything(folder: Path, *, rounds: int, seed: int, trouble: str, hosts: int = 0) -> bool:
    """The rounds that were asked for; then some on a full disk, where one can be had."""
    if hosts:
        wanted = host_plans(rounds, random.Random(seed))
        return await run(folder, wanted=wanted, seed=seed, hosts=hosts)
    if trouble:
        wanted = [Plan(trouble=trouble)] * rounds
        return await run(folder, wanted=wanted, seed=seed, disk=trouble == FULL_DISK)
    well = await run(folder, wanted=plans(rounds, random.Random(seed)), seed=seed)
    on_disk = [Plan(trouble=FULL_DISK)] * (rounds // 50)
    if well and on_disk:
        say("On a disk that fills up:")
        try:
            well = await run(folder / "disk", wanted=on_disk, seed=seed, disk=True)
        except NoDiskError:
            say("left out: this machine does not let us mount a small disk")
    return well


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run's plan")
    parser.add_argument("--trouble", default="", choices=[*TROUBLES, FULL_DISK], help="only this")
    parser.add_argument(
        "--hosts", type=int, nargs="?", const=2, default=0, help="so many other machines draw"
    )
    parser.add_argument("--keep", type=Path, help="keep state and log of a failed run here")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    say(f"{asked.rounds} rounds, seed {seed}")
    logging.getLogger("aiohttp.server").disabled = True  # it reports connections cut on order
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ekaki-chaos-") as folder:
        playing = everything(
            Path(folder), rounds=asked.rounds, seed=seed, trouble=asked.trouble, hosts=asked.hosts
        )
        well = asyncio.run(playing)
        if not well and asked.keep is not None:
            shutil.copytree(folder, asked.keep, dirs_exist_ok=True)
            say(f"state and log: {asked.keep}")
    say(f"{'all well' if well else 'NOT WELL'}, {time.monotonic() - began:.0f} s")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
