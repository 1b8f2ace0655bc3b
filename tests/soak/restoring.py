"""At the end: a backup of the whole, restored into another folder, shows members the same."""

import asyncio
import os
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from bot.config.variables import VARIABLES
from bot.playground.simulator.default_world import IDS
from tests.chaos.failpoints import ROOT
from tests.chaos.places import OTHER_ART
from tests.chaos.stage import DATABASE, StuckError
from tests.soak.run import Soak

PAGES: Final = (("gallery top", IDS.general), ("gallery new", IDS.general),
                ("gallery new", OTHER_ART))  # fmt: skip
SAME: Final = {
    "gallery_entries": "id, picture_id, guild_id, maker_id, state, votes, posted_at",
    "gallery_votes": "entry, user_id, voted_at",
    "jobs": "id, user_id, state, request, accepted_at, message_id",
    "pictures": "id, job_id, position, content_hash",
    "favourites": "user_id, picture_id",
    "presets": "user_id, name",
    "quota_uses": "job_id, user_id, pictures, used_at, refunded",
}
"""Tables, and their columns, that a restore must not change."""
_ASKED: Final = 8  # people whose history is read


async def command(data_dir: Path, *arguments: str) -> str:
    """`python -m bot ...`; what it said. StuckError if it failed."""
    ours = {each.name for each in VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=ROOT,
        env={**clean, "DATA_DIR": str(data_dir), "TAGGER": "off"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    text = said.decode(errors="replace").strip()
    if process.returncode != 0:
        raise StuckError(f"`bot {' '.join(arguments)}` to succeed; it said: {text}")
    return text.splitlines()[-1] if text else ""


async def restored(soak: Soak) -> list[str]:
    """Complaints. Meanwhile no people do anything; at the end no bot runs."""
    stage = soak.stage
    before = await _seen(soak)
    await stage.stop()
    original, target = stage.state, soak.folder / "restored"
    said = [await command(original, "backup", str(soak.backups))]
    said.append(await command(original, "backup", "--verify", str(soak.backups)))
    said.append(await command(target, "restore", str(soak.backups)))
    soak.notes.said += [each.replace(f"{soak.folder}/", "") for each in said]
    for each in said:
        soak.say(f"  {each}")
    wrong = compared(original / DATABASE, target / DATABASE)
    wrong += _files(original, target)
    stage.state = stage.seen = target
    await soak.start()
    after = await _seen(soak)
    for what, text in before.items():
        if after[what] != text:
            wrong.append(f"{what} was {text[:300]!r}, and is {after[what][:300]!r}")
    soak.notes.compared_pages = len(before)
    await stage.stop()
    stage.state = stage.seen = original
    return wrong


def compared(original: Path, copy: Path) -> list[str]:
    """Rows that differ."""
    wrong: list[str] = []
    for table, columns in SAME.items():
        order = f"SELECT {columns} FROM {table} ORDER BY {columns}"
        with closing(sqlite3.connect(original)) as one, closing(sqlite3.connect(copy)) as other:
            was, is_now = one.execute(order).fetchall(), other.execute(order).fetchall()
        lost, new = len(set(was) - set(is_now)), len(set(is_now) - set(was))
        if lost or new or len(was) != len(is_now):
            wrong.append(f"{table}: of {len(was)} rows {lost} are lost, {new} are new")
    return wrong


def _files(original: Path, copy: Path) -> list[str]:
    """Pictures that are not there."""
    there = {path.name for path in (copy / "pictures").rglob("*.png")}
    with closing(sqlite3.connect(original / DATABASE)) as connection:
        rows = connection.execute("SELECT DISTINCT content_hash FROM pictures").fetchall()
    missing = sum(f"{each}.png" not in there for (each,) in rows)
    return [f"{missing} pictures are missing"] if missing else []


async def _seen(soak: Soak) -> dict[str, str]:
    """What members read: galleries and histories, without the times that go on."""
    rows = soak.stage.query(
        "SELECT user_id FROM jobs WHERE state = 'finished' GROUP BY user_id"
        " ORDER BY count(*) DESC, user_id LIMIT ?",
        _ASKED,
    )
    found: dict[str, str] = {}
    for row in rows:
        found[f"history of {row['user_id']}"] = await _read(soak, row["user_id"], "history")
    for name, channel_id in PAGES:
        found[f"/{name} in {channel_id}"] = await _read(soak, IDS.alice, name, channel_id)
    return found


async def _read(soak: Soak, user_id: int, name: str, channel_id: int = IDS.art) -> str:
    """The text of an answer."""
    sent = await soak.activity.command(user_id, name, {}, channel=channel_id)
    for _ in range(500):
        shown = soak.activity.shown(sent)
        if shown is not None and (shown.embeds or shown.content or shown.components):
            text = f"{shown.content} {shown.embeds} {shown.components}"
            return re.sub(r"attachments/\d+/\d+|'url': '[^']*'|https?://\S+", "", text)
        await asyncio.sleep(0.01)
    raise StuckError(f"an answer to /{name}")
