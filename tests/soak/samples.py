"""What a bot uses: memory, descriptors, threads, tasks, its loop's time, room on the disk."""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.stage import DATABASE
from tests.support.jumping import BOUNDS_MS, SharedClock

_MIB: Final = 1024 * 1024
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`jobs`: accepted since the run began, `life_jobs`: by this process, whose number is `life`.
    `day`: simulated ones since the beginning. `delays`: how often the loop was late by how much, by
    `BOUNDS_MS`."""

    life: int
    jobs: int
    life_jobs: int
    day: float
    jobs_per_s: float
    rss_mib: float
    descriptors: int
    threads: int
    tasks: int
    worst_delay_ms: float
    delays: list[int]
    database_mib: float
    wal_mib: float
    free_mib: float
    log_mib: float
    pictures_mib: float
    picture_files: int
    backups_mib: float
    rows_jobs: int
    rows_log: int
    entries: int
    outbox: int


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * _PAGE / _MIB


def late_share(delays: list[int], over_ms: int) -> float:
    """The share of looks at the loop that were late by more than `over_ms`, one of BOUNDS_MS."""
    total = sum(delays)
    return sum(delays[BOUNDS_MS.index(over_ms) + 1 :]) / total if total else 0.0


def sizes(folder: Path) -> tuple[float, int]:
    """MiB and number of the files below a folder."""
    size = count = 0
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                if entry.is_dir():
                    waiting.append(entry.path)
                    continue
                with suppress(FileNotFoundError):
                    size += entry.stat().st_size
                    count += 1
    return size / _MIB, count


def take(
    *,
    pid: int,
    state: Path,
    log: Path,
    backups: Path,
    clock: SharedClock,
    life: int,
    jobs: int,
    life_jobs: int,
    day: float,
    jobs_per_s: float,
) -> Sample:
    """One sample."""
    worst_ms, delays = clock.take_delays()
    database = state / DATABASE
    wal = database.with_name(f"{DATABASE}-wal")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        free, page, jobs_stored, log_stored, entries, outbox = connection.execute(
            "SELECT (SELECT freelist_count FROM pragma_freelist_count),"
            " (SELECT page_size FROM pragma_page_size), (SELECT count(*) FROM jobs),"
            " (SELECT count(*) FROM audit_log), (SELECT count(*) FROM gallery_entries),"
            " (SELECT count(*) FROM outbox)"
        ).fetchone()
    pictures_mib, picture_files = sizes(state / "pictures")
    return Sample(
        life=life,
        jobs=jobs,
        life_jobs=life_jobs,
        day=day,
        jobs_per_s=jobs_per_s,
        rss_mib=rss_mib(pid),
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        threads=sum(1 for _ in Path(f"/proc/{pid}/task").iterdir()),
        tasks=clock.tasks,
        worst_delay_ms=worst_ms,
        delays=delays,
        database_mib=database.stat().st_size / _MIB,
        wal_mib=wal.stat().st_size / _MIB if wal.exists() else 0.0,
        free_mib=free * page / _MIB,
        log_mib=log.stat().st_size / _MIB if log.exists() else 0.0,
        pictures_mib=pictures_mib,
        picture_files=picture_files,
        backups_mib=sizes(backups)[0] if backups.exists() else 0.0,
        rows_jobs=jobs_stored,
        rows_log=log_stored,
        entries=entries,
        outbox=outbox,
    )
