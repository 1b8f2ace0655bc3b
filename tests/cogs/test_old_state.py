"""A data folder of an earlier version: its pictures are there, and its open jobs go on.

`state_0012.zip` is the folder of the bot at commit 23505ae (schema 12), run with the fake engine on
the simulated Discord: Alice has two finished jobs with three pictures, and the bot was killed with
one job running and one waiting.
"""

import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

from bot.playground.simulator.default_world import IDS
from tests.cogs.drawing.test_delivery import pictures
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot

STATE = Path(__file__).with_name("state_0012.zip")


def unpack(folder: Path) -> None:
    """The old folder, as if its bot had been killed a minute ago."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(STATE) as archive:
        archive.extractall(folder)
    with closing(sqlite3.connect(folder / "ekaki.db")) as database, database:
        (newest,) = database.execute("SELECT max(accepted_at) FROM jobs").fetchone()
        shift = time.time() - 60 - newest
        for column in ("accepted_at", "started_at", "ended_at", "token_expires_at"):
            database.execute(f"UPDATE jobs SET {column} = {column} + ?", (shift,))


async def test_its_open_jobs_are_drawn_and_its_pictures_are_there(
    place: Discord, alice: Visitor
) -> None:
    unpack(place.folder)
    async with open_bot(place) as running:
        await running.all_delivered(4)
        jobs = {job.id: job for job in await running.jobs()}
        assert [jobs[each].state for each in ("5j3anwew9tpe", "g6tz375r3fx5")] == ["finished"] * 2
        assert jobs["g6tz375r3fx5"].request.guidance_scale == 5.5
        assert jobs["5j3anwew9tpe"].request.seed == 9
        posted = [len(message.attachments) for message in pictures(place.seen(IDS.general))]
        assert sorted(posted) == [1, 2]
        shown = await alice.answer("history")
        assert "umbrella" in shown.text
        assert "sword" in shown.text
        assert len(shown.attachments) == 1  # one image of all its pictures
