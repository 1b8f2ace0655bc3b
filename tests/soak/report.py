"""Writes docs/soak.md and its plots from what a run noted."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from statistics import mean
from typing import Final

from benchmarks.report import Machine
from tests.chaos.failpoints import ROOT
from tests.soak.plan import Plan
from tests.soak.plots import Line, plot
from tests.soak.run import FIRST_VERSION, KEPT_DAYS, Notes
from tests.soak.samples import Sample, late_share

WARM_UP_JOBS: Final = 1500
"""Of a process: discord.py keeps the last 1000 messages, SQLite its pages, Python its arenas."""
BOUND_MIB: Final = 1.0
"""What memory may grow per 1000 jobs after that."""
_FEWEST: Final = 5  # samples for a slope


@dataclass(frozen=True, slots=True)
class Growth:
    """How something grew in one process after its warm-up; `slope` per 1000 jobs."""

    life: int
    jobs: int
    first: float
    last: float
    slope: float


def slope_of(points: Sequence[tuple[float, float]]) -> float:
    """Of the line with the least squares."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def growths(found: Sequence[Sample], value: Callable[[Sample], float]) -> list[Growth]:
    """Of each process that lived long enough."""
    grown: list[Growth] = []
    for life, group in groupby(found, key=lambda each: each.life):
        warm = [each for each in group if each.life_jobs >= WARM_UP_JOBS]
        if len(warm) < _FEWEST:
            continue
        points = [(each.life_jobs / 1000, value(each)) for each in warm]
        grown.append(
            Growth(life, warm[-1].life_jobs, points[0][1], points[-1][1], slope_of(points))
        )
    return grown


def between_backups(found: Sequence[Sample]) -> list[Sample]:
    """The same without what memory changed by while a backup was made."""
    kept: list[Sample] = []
    left_out, last = 0.0, found[0]
    for each in found:
        if each.life != last.life:
            left_out = 0.0
        elif each.backups_mib != last.backups_mib:
            left_out += each.rss_mib - last.rss_mib
        last = each
        kept.append(replace(each, rss_mib=each.rss_mib - left_out))
    return kept


def backup_steps(found: Sequence[Sample]) -> list[float]:
    """By how many MiB memory changed with each backup."""
    return [
        each.rss_mib - last.rss_mib
        for last, each in pairwise(found)
        if each.life == last.life and each.backups_mib != last.backups_mib
    ]


def growth_complaints(found: Sequence[Sample]) -> list[str]:
    """What is not flat, though nothing explains it."""
    wrong = [
        f"process {each.life}: memory grew by {each.slope:.2f} MiB per 1000 jobs after the first"
        f" {WARM_UP_JOBS}"
        for each in growths(between_backups(found), lambda sample: sample.rss_mib)
        if each.slope > BOUND_MIB
    ]
    counts: dict[str, Callable[[Sample], float]] = {
        "descriptors": lambda each: each.descriptors,
        "threads": lambda each: each.threads,
        "tasks": lambda each: each.tasks,
    }
    for name, value in counts.items():
        wrong += [
            f"process {each.life}: {each.slope:.2f} more {name} per 1000 jobs"
            for each in growths(found, value)
            if each.slope > 1.0
        ]
    return wrong


def write(plan: Plan, notes: Notes, docs: Path) -> None:
    """The report and its plots in `docs/soak`."""
    folder = docs / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in plots(notes.samples).items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    (docs / "soak.md").write_text(text_of(plan, notes), encoding="utf-8")


def plots(found: Sequence[Sample]) -> dict[str, str]:
    """By name."""
    starts = [next(group).jobs for _, group in groupby(found, key=lambda each: each.life)][1:]

    def line(name: str, value: Callable[[Sample], float], over: str = "process") -> Line:
        points: list[tuple[float, float | None]] = []
        last = found[0].life
        for each in found:
            if each.life != last and over == "process":
                points.append((float(each.jobs), None))
            last = each.life
            points.append((each.day if over == "day" else float(each.jobs), value(each)))
        return Line(name, points)

    return {
        "memory": plot(
            "Resident memory; dotted: a new process",
            [line("RSS", lambda each: each.rss_mib)],
            x="jobs", y="MiB", marks=starts,
        ),
        "handles": plot(
            "Descriptors, threads and tasks",
            [
                line("descriptors", lambda each: each.descriptors),
                line("threads", lambda each: each.threads),
                line("tasks", lambda each: each.tasks),
            ],
            x="jobs", y="count", marks=starts,
        ),
        "disk": plot(
            f"Room on the disk; pictures are kept for {KEPT_DAYS} days",
            [
                line("database", lambda each: each.database_mib, "day"),
                line("write-ahead log", lambda each: each.wal_mib, "day"),
                line("pictures", lambda each: each.pictures_mib, "day"),
                line("log", lambda each: each.log_mib, "day"),
            ],
            x="days", y="MiB",
        ),
        "rows": plot(
            "Rows",
            [
                line("jobs", lambda each: each.rows_jobs, "day"),
                line("audit log", lambda each: each.rows_log, "day"),
                line("gallery", lambda each: each.entries, "day"),
            ],
            x="days", y="rows",
        ),
        "delay": plot(
            "Longest delay of the event loop, per burst",
            [line("delay", lambda each: each.worst_delay_ms, "jobs")],
            x="jobs", y="ms",
        ),
        "speed": plot(
            "Jobs per second, with everything that happens meanwhile",
            [line("jobs/s", lambda each: each.jobs_per_s, "jobs")],
            x="jobs", y="jobs/s",
        ),
    }  # fmt: skip


def commit() -> str:
    """What is checked out."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"


def text_of(plan: Plan, notes: Notes) -> str:
    """The report."""
    found, last = notes.samples, notes.samples[-1]
    machine = Machine.here()
    delays = [sum(column) for column in zip(*(each.delays for each in found), strict=True)]
    lines = [
        "# Soak",
        "",
        f"`make soak` of {notes.version}: the real bot lives for {last.day:.0f} simulated days on"
        f" the simulated Discord. {len(notes.jobs):,} jobs of {plan.people} people"
        f" (of {plan.jobs:,} that were planned), seed {plan.seed}, {notes.elapsed_s / 60:.0f}"
        f" minutes on {machine}. Other programs used the machine as well, so speed and"
        " delays are worse than the bot's own. This file is generated; don't edit it.",
        "",
        _verdict(notes),
        "",
        *(f"- {each}" for each in notes.remarks),
        *([""] if notes.remarks else []),
        "## What is accelerated",
        "",
        *_ACCELERATED,
        "",
        "## What soaks found",
        "",
        "Fixed, each with a test:",
        "",
        *FINDINGS,
        "",
        "## Nothing lost, nothing twice, quotas right",
        "",
        "After each simulated day every job that was accepted on it is compared with the messages"
        " that the simulated Discord saw during the whole run: one message where its person sees"
        " it, with exactly the stored pictures; or cancelled, failed or deleted for a reason. Each"
        " message in the background (log, gallery, answers, reports) is counted, everybody's use"
        " is held against each hour and day, and what was refused against what was left.",
        "",
        *_table("Jobs", notes.totals.jobs),
        *_table("How requests of the crowd ended", notes.answers),
        f"{notes.totals.pictures:,} pictures; the bytes of {notes.totals.checked_files:,} posted"
        " files are those that were stored.",
        "",
        *_table("What happened meanwhile", notes.events),
        "## Growth",
        "",
        "![Memory](soak/memory.svg)",
        "",
        f"Slopes are fitted to each process after its first {WARM_UP_JOBS:,} jobs; memory may grow"
        f" by {BOUND_MIB:.1f} MiB per 1000 jobs between two backups.",
        "",
        *_growth_table(found),
        "",
        "![Handles](soak/handles.svg)",
        "",
        "![Disk](soak/disk.svg)",
        "",
        "![Rows](soak/rows.svg)",
        "",
        *_disk(found),
        "",
        "## Event loop",
        "",
        f"Looked at every 50 ms, {sum(delays):,} times: {late_share(delays, 50):.3%} of the looks"
        f" were late by more than 50 ms, {late_share(delays, 200):.4%} by more than 200 ms; at most"
        f" {max(each.worst_delay_ms for each in found):,.0f} ms.",
        "",
        "![Delay](soak/delay.svg)",
        "",
        "![Speed](soak/speed.svg)",
        "",
        "## Backup and restore",
        "",
        f"Backups were made every day by the bot itself, {last.backups_mib:.0f} MiB at the end."
        " Then the bot was stopped, and:",
        "",
        *(f"- {each}" for each in notes.said),
        "",
        f"A bot on the restored folder showed the same {notes.compared_pages} pages (`/gallery` and"
        " the `/history` of those who drew most), and all rows of jobs, pictures, entries, votes,"
        " favourites, presets and quotas are the same.",
        "",
    ]
    return "\n".join(lines)


_ACCELERATED: Final = [
    "- **The clock** jumps between two bursts of requests, a few hours at a time, once everything"
    " is done and sent: to the bot and to the simulated Discord, nothing happened in these hours."
    " The wall clock, the monotonic clock and all timers of more than 15 minutes jump together:"
    f" retention (pictures {KEPT_DAYS} days, prompts, server logs and backups {2 * KEPT_DAYS}),"
    " limits of hours and days, blocks, hourly cleaning, daily backups, weekly reports. Within a"
    " burst it runs as usual: deadlines of Discord, tokens, timeouts, retries, pauses.",
    "- **Discord's rate limits** are off, as an hour's requests come within seconds; refusals for"
    " them are injected instead.",
    "- **The engine** only paints; the tagger is a small real model.",
    "- Rows of the outbox take SQLite's own clock: that one is given up after 30 days is not"
    " simulated.",
    "- The database begins as version"
    f" {FIRST_VERSION} left it; the first start upgrades it. Today's migrations can run only once.",
]


FINDINGS: Final = [
    "- To remove old backups, the bot read the lists of all backups into memory: with each daily"
    " backup its memory grew by 2 to 5 MiB. 14 backups of 100,000 pictures would have taken about"
    " 500 MiB. Now one list is read after another.",
    "- Who sent a command in the seconds in which the bot stops was told that the command had"
    " changed; now that the bot is shutting down.",
    "- An interaction whose token expired while Discord was away was logged as an unforeseen"
    " error, with a traceback; now as a warning.",
    "- The simulated Discord itself kept all events of a session, all nonces and all windows of its"
    " rate limits.",
]


def _verdict(notes: Notes) -> str:
    wrong = [*notes.complaints, *growth_complaints(notes.samples)]
    if not wrong:
        return "**Nothing was lost, nothing was posted twice, all quotas were right, and nothing"\
            " grew without a reason.**"  # fmt: skip
    shown = "\n".join(f"- {each}" for each in wrong[:30])
    return f"**Complaints: {len(wrong)}**\n\n{shown}"


def _table(title: str, counts: dict[str, int]) -> list[str]:
    rows = [f"| {name} | {count:,} |" for name, count in sorted(counts.items())]
    return [f"| {title} | |", "|---|---:|", *rows, ""]


def _growth_table(found: Sequence[Sample]) -> list[str]:
    rows: list[str] = []
    memory = growths(between_backups(found), lambda each: each.rss_mib)
    steps = backup_steps(found)
    handles = growths(found, lambda each: each.descriptors)
    threads = growths(found, lambda each: each.threads)
    tasks = growths(found, lambda each: each.tasks)
    for one, two, three, four in zip(memory, handles, threads, tasks, strict=True):
        rows.append(
            f"| {one.life} | {one.jobs:,} | {one.first:.0f} | {one.last:.0f} | {one.slope:+.2f} |"
            f" {two.slope:+.2f} | {three.slope:+.2f} | {four.slope:+.2f} |"
        )
    return [
        "| process | jobs | MiB, warm | MiB, end | MiB | descriptors | threads | tasks |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        "The last four columns are slopes per 1000 jobs; memory is without the steps at backups."
        f" Processes that ended before they had been looked at {_FEWEST} times after their warm-up"
        " are left out.",
        "",
        f"Memory changed at {len(steps)} backups by {mean(steps or [0.0]):+.1f} MiB on average and"
        f" {max(steps, default=0.0):+.1f} at most: a backup has lists of all pictures in memory"
        f" ({found[-1].picture_files:,} here at the end, and those of older backups), of which"
        " Python returns a part to the system. These steps became smaller with the first finding"
        " above; that they level off is not shown by a run of this length.",
    ]


def _disk(found: Sequence[Sample]) -> list[str]:
    last = found[-1]
    settled = [each for each in found if each.day > 2 * KEPT_DAYS + 1]
    lines = [
        f"At the end the database has {last.database_mib:.1f} MiB ({last.free_mib:.1f} of them"
        f" free), its write-ahead log {last.wal_mib:.1f}, {last.picture_files:,} pictures"
        f" {last.pictures_mib:.1f}, the log {last.log_mib:.1f} MiB:"
        f" {last.log_mib * 1024 * 1024 / max(last.jobs, 1):.0f} bytes per job, most of them from"
        " kills and troubles; it is rotated by whoever runs the bot."
    ]
    if not settled:
        lines.append(
            f"Pictures and jobs are kept for {KEPT_DAYS} days, the servers' logs for"
            f" {2 * KEPT_DAYS}, so those were still growing at the end."
        )
    if len(settled) >= _FEWEST:
        slope = slope_of([(each.day, each.database_mib) for each in settled])
        lines.append(
            f"Once the retention periods are over (after day {2 * KEPT_DAYS + 1}), the"
            f" database grows by {slope:+.2f} MiB per day, with what has no retention period:"
            " entries of the gallery, favourites and their jobs."
        )
    return lines
