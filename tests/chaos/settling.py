"""Waits until an undisturbed bot has sent everything; otherwise says why it has not."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any

from bot.playground.simulator.default_world import IDS
from tests.chaos.activity import Activity
from tests.chaos.gallery_sight import gallery_complaints
from tests.chaos.notifications import notification_complaints, outbox_line
from tests.chaos.places import LOGS
from tests.chaos.sight import accepted_jobs
from tests.chaos.stage import Stage

STILL_S = 20.0
"""For so long nothing changes any more: what is missing then never comes."""
LONGEST_S = 300.0
_LINES = 60  # of the bot's log
_REQUESTS = 25

Complain = Callable[[], list[str]]


async def settled(stage: Stage, activity: Activity) -> None:
    """Until nothing is missing. Gives up where nothing waits in the outbox and nothing has changed
    for a while; then `stage.evidence` has what is known, and the audit complains."""

    def missing() -> list[str]:
        return gallery_complaints(stage) + notification_complaints(stage, activity)

    await _until_none(stage, missing)


async def _until_none(stage: Stage, missing: Complain) -> None:
    began = changed = time.monotonic()
    before: object = None
    while found := _readable(missing):
        now, state = time.monotonic(), _state(stage)
        if state != before:
            before, changed = state, now
        # What waits for its next attempt is no fault of anybody's; a state that stands still is.
        idle = now - changed > STILL_S and not _planned(stage)
        if idle or now - began > LONGEST_S or not stage.alive:
            stage.evidence = evidence(stage, found, waited_s=now - began)
            return
        await asyncio.sleep(0.1)


def _readable(missing: Complain) -> list[str]:
    try:
        return missing()
    except sqlite3.DatabaseError as error:  # the disk is full
        return [str(error)]


def _state(stage: Stage) -> object:
    """Changes while anything goes on that counts here."""
    tables = ("outbox", "gallery_posts", "gallery_votes", "gallery_entries")
    try:
        rows = [[tuple(row) for row in stage.query(f"SELECT * FROM {name}")] for name in tables]
    except sqlite3.DatabaseError:
        return None
    return rows, len(stage.world.messages)


def is_begun(stage: Stage) -> bool:
    """Whether the outbox has something that was not tried yet."""
    return bool(stage.query("SELECT 1 FROM outbox WHERE attempts = 0 AND state = 'waiting'"))


def _planned(stage: Stage) -> bool:
    try:
        return bool(stage.query("SELECT 1 FROM outbox WHERE state = 'waiting' LIMIT 1"))
    except sqlite3.DatabaseError:
        return True


def evidence(stage: Stage, missing: Iterable[str], *, waited_s: float) -> list[str]:
    """What tells a fault of the bot from one of this harness."""
    missing = list(missing)
    told = [f"not so within {waited_s:.0f} s: {each}" for each in missing]
    told.append(f"now {time.time():.1f}, Discord's clock is {stage.world.offset_s:.0f} s ahead;"
                f" the bot {'runs' if stage.alive else 'has ended'}")  # fmt: skip
    told += [f"fault: {each}" for each in stage.loopback.faults.pending]
    told += [f"outbox: {outbox_line(row)}" for row in stage.query("SELECT * FROM outbox")]
    for entry_id in sorted(set(re.findall(r"entry ([a-z0-9]{26})", "\n".join(missing)))):
        told += _rows(stage, "gallery_posts", "entry_id", entry_id)
        told += _rows(stage, "gallery_entries", "id", entry_id)
    accepted_jobs(stage)  # reads what was requested
    for channel_id in (IDS.gallery, *LOGS.values()):
        sent = [each for each in stage.requests if f"/channels/{channel_id}" in each]
        told += [f"request: {each}" for each in sent[-_REQUESTS:]]
    log = stage.log.read_text(errors="replace").splitlines()
    return told + [f"bot: {line}" for line in log[-_LINES:]]


def _rows(stage: Stage, table: str, column: str, value: Any) -> list[str]:
    found = stage.query(f"SELECT * FROM {table} WHERE {column} = ?", value)
    return [f"{table}: {dict(row)}" for row in found] or [f"{table}: none for {value}"]
