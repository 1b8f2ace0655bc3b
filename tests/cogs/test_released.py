"""State folders of released versions: the bot of today goes on where that one was stopped."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup.opening import open_database
from bot.compose import open_services
from bot.config.settings import Settings
from bot.playground.simulator.default_world import IDS
from data.files.picture_files import content_hash_of
from data.gallery import entries, votes
from data.store.database import migrations
from tests.cogs.drawing.test_delivery import pictures
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot
from tests.data.test_migrations import (
    DROPPED_COLUMNS,
    DROPPED_TABLES,
    REWRITTEN,
    changed,
    problems_of,
    rows_of,
)
from tests.support.fake_engine import FakeEngine
from tests.support.released import VERSIONS, unpack

NEWEST = migrations()[-1][0]


def query(folder: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "ekaki.db")) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(("version", "schema"), VERSIONS.items())
async def test_every_row_is_kept(tmp_path: Path, version: str, schema: int) -> None:
    state = tmp_path / "state"
    unpack(version, state)
    before = rows_of(state / "ekaki.db")
    assert query(state, "PRAGMA user_version") == [(schema,)]
    assert [table for table, rows in before.items() if not rows] == []
    settings = Settings(data_dir=state, tagger="off")
    async with open_database(settings, locked=True):
        pass
    assert query(state, "PRAGMA user_version") == [(NEWEST,)]
    assert problems_of(state / "ekaki.db") == []
    after = rows_of(state / "ekaki.db")
    assert before.keys() - after.keys() == changed(schema, DROPPED_TABLES) & before.keys()
    left_out = changed(schema, REWRITTEN) | changed(schema, DROPPED_COLUMNS)
    for table in (before.keys() & after.keys()) - {"notes"}:
        names = [name for name in before[table][0] if (table, name) not in left_out]
        expected = sorted(repr([row[name] for name in names]) for row in before[table])
        assert sorted(repr([row[name] for name in names]) for row in after[table]) == expected
    copy = state / "before-upgrade" / f"{schema:04d}.db"
    assert rows_of(copy) == before
    assert not (state / "before-upgrade" / "unfinished").exists()


@pytest.mark.parametrize("version", VERSIONS)
async def test_pictures_votes_and_limits_are_as_they_were(tmp_path: Path, version: str) -> None:
    unpack(version, tmp_path)
    async with open_services(
        Settings(data_dir=tmp_path, tagger="off"), load=FakeEngine
    ) as services:
        async with services.database.reader() as connection:
            found = await entries.of_maker(connection, user_id=IDS.alice)
            (voters,) = [
                await votes.under(connection, number=e.number, message_id=0) for e in found
            ]
            starred = await votes.of_user(connection, user_id=IDS.bob)
        (entry,) = found
        assert (entry.state, entry.votes, entry.guild_id) == ("posted", 2, IDS.guild)
        assert voters == set()  # by reactions, not by the button
        assert [entry_id for entry_id, _ in starred] == [entry.id]
        bobs = await services.results.history(user_id=IDS.bob, favourites=True, page=0, page_size=9)
        assert [each.job.request.original.prompt for each in bobs.entries] == ["1boy, hat"]
        (preset,) = await services.people.presets(IDS.alice)
        assert (preset.name, preset.request.num_inference_steps) == ("Night", 8)
        alices = await services.jobs.limits_of(user_id=IDS.alice, guild_id=IDS.guild)
        assert alices.day.used == 1 + 1 + 4
        assert (await services.jobs.limits_of(user_id=IDS.bob)).day.used == 2
        for picture_id, content_hash in query(tmp_path, "SELECT id, content_hash FROM pictures"):
            stored = await services.results.picture(picture_id)
            png = await services.jobs.read_picture(stored.picture)
            assert content_hash_of(png) == content_hash
        waiting = await services.reviews.next(IDS.guild)
        assert waiting is not None
        assert await services.reviews.read(waiting.record)


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_waited_is_drawn_and_members_find_everything(
    place: Discord, alice: Visitor, bob: Visitor, version: str
) -> None:
    unpack(version, place.folder)
    (waiting,) = query(place.folder, "SELECT id FROM jobs WHERE state IN ('queued', 'running')")
    async with open_bot(place) as running:
        await running.all_delivered(5)
        jobs = {job.id: job for job in await running.jobs()}
        assert jobs[waiting[0]].state == "finished"
        (posted,) = pictures(place.seen(IDS.general))
        assert len(posted.attachments) == 4
        assert "1girl, red hair, smile" in (await alice.answer("history")).text
        assert "1boy, night" in (await bob.answer("history")).text
        assert "Best" in (await bob.answer("collection list")).text
        assert "Night" in (await alice.answer("preset list")).text
