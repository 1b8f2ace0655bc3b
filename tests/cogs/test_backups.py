"""The running bot is backed up, and restored: members find what they had, and nothing twice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.backup.checking import check
from bot.backup.folder import BackupFolder
from bot.backup.making import Made, make_backup
from bot.backup.report import Report
from bot.backup.restoring import Restored, restore_backup
from bot.common.actor import Actor
from bot.playground.simulator.default_world import IDS
from data.store.lock import only_one
from data.store.private import make_folder
from tests.cogs.gallery.helpers import (
    STAR,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    shown,
    until_entries,
    until_shown,
)
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def back_up(place: Discord, root: Path) -> Made:
    """Beside the running bot, as the command does it in another process."""
    return await asyncio.to_thread(
        make_backup, place.folder, root, now=place.clock.time(), version="test"
    )


async def restore(place: Discord, root: Path, folder: Path | None = None) -> Restored:
    """The newest backup, while no bot runs."""
    folder = folder or place.folder
    make_folder(folder)
    backups = BackupFolder.open(root)
    with only_one(folder):
        return await restore_backup(folder, backups, backups.newest(), now=place.clock.time())


@asynccontextmanager
async def drawing(visitors: list[Visitor], running: Running) -> AsyncGenerator[list[str]]:
    """Members who draw all the time, each one after another; yields the ids of their jobs."""
    made: list[str] = []
    stop = asyncio.Event()

    async def draw(visitor: Visitor, number: int) -> None:
        while not stop.is_set():
            prompt = f"1girl, number {len(made)} of {number}"
            made.append((await visitor.draw(running, prompt, steps=1, count=2)).id)

    tasks = [asyncio.create_task(draw(visitor, n)) for n, visitor in enumerate(visitors)]
    try:
        yield made
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def history(visitor: Visitor) -> str:
    return (await visitor.answer("history")).text


async def column(running: Running, query: str) -> list[Any]:
    async with running.services.database.reader() as connection:
        return await connection.column(query)


async def test_while_members_draw_it_is_whole_and_shows_the_same_elsewhere(
    place: Discord, root: Path, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running, "1girl, umbrella")
        await whole(await alice.press(message, "Share"))
        (posted,) = await until_shown(bob, count=1)
        await bob.member.react(posted, STAR)
        await until_entries(running, ("posted", 1))
        backups: list[Made] = []
        async with drawing([alice, bob, moderator], running) as made:
            for count in (3, 6, 9):
                await until(lambda wanted=count: len(made) >= wanted)
                backups.append(await back_up(place, root))
        assert [each.lost for each in backups] == [0, 0, 0]
        before = await entries(running)
        jobs = await column(running, "SELECT id FROM jobs")
    folder = BackupFolder.open(root)
    assert check(folder, folder.contents().complete, Report()) == []
    assert [each.manifest.number for each in folder.contents().complete] == [1, 2, 3]

    restored = await restore(place, root, root.parent / "other")
    assert restored.files == backups[-1].files
    elsewhere = replace(place, folder=root.parent / "other")
    async with open_bot(elsewhere) as running:
        assert await entries(running) == before
        assert set(await column(running, "SELECT id FROM jobs")) <= set(jobs)
        assert "number" in await history(alice)
        assert "1girl, umbrella" in (await bob.answer("gallery top")).text
        assert "⭐ 1" in (await bob.answer("gallery top")).text
        for stored in await column(running, "SELECT id FROM pictures"):
            found = await running.services.results.picture(stored)
            assert await running.services.jobs.read_picture(found.picture)


async def test_nothing_is_posted_twice(
    place: Discord, root: Path, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    """One request waits and one picture is on its way to the gallery when the backup is made. Both
    are done afterwards, a third is even begun: a restored bot knows of none of it."""
    async with gallery_bot(place) as running:
        _, starred = await picture(alice, running, "1girl, umbrella")
        _, later = await picture(bob, running, "1boy, sword")
        await bob.member.react(starred, STAR)
        await until_entries(running, ("candidate", 1))
        running.engine.hold()
        await alice.imagine("1girl, waits", steps=3)
        await back_up(place, root)
        running.engine.release()
        await running.all_delivered(3)
        for voter in (alice, moderator):
            await voter.member.react(later, STAR)
        await moderator.member.react(starred, STAR)
        await until_shown(bob, count=2)
        await nothing_more(running)
    finished = [m for m in alice.member.visible_messages(IDS.general) if m.attachments]
    assert len(finished) == 3

    restored = await restore(place, root)
    assert restored.revived.settled.ended == 1
    async with gallery_bot(place) as running:
        await until_entries(running, ("posted", 2), ("posted", 2))  # read again from Discord
        await nothing_more(running)
        assert len(shown(bob)) == 2
        posts = place.loopback.log.find("POST", f"/channels/{IDS.gallery}/messages")
        assert len(posts) == 2
        again = [m for m in alice.member.visible_messages(IDS.general) if m.attachments]
        assert [m.id for m in again] == [m.id for m in finished]
        assert await column(running, "SELECT state FROM jobs WHERE delivery = 'pending'") == []
        known = await column(running, "SELECT message_id FROM gallery_posts")
        assert sorted(known) == sorted(m.id for m in shown(bob))
        await alice.draw(running, "1girl, goes on", steps=1)


async def test_whoever_deleted_everything_does_not_come_back(
    place: Discord, root: Path, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running, "1girl, umbrella")
        await whole(await alice.press(message, "Share"))
        (posted,) = await until_shown(bob, count=1)
        await bob.member.react(posted, STAR)
        await until_entries(running, ("posted", 1))
        await picture(bob, running, "1boy, sword")
        await back_up(place, root)
        question = await alice.answer("privacy delete")
        await alice.member.press(question, "Remove everything")
        await alice.member.wait_for(lambda: "is removed" in alice.member.message(question.id).text)
        await nothing_more(running)
    content = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert b"umbrella" in content, "the backup itself is older"

    await restore(place, root)
    database = (place.folder / "ekaki.db").read_bytes()
    assert b"umbrella" not in database
    assert str(IDS.alice).encode() not in database
    async with open_bot(place) as running:
        assert "umbrella" not in await history(alice)
        assert "umbrella" not in (await bob.answer("gallery new")).text
        assert "sword" in await history(bob)
        assert await column(running, f"SELECT 1 FROM jobs WHERE user_id = {IDS.alice}") == []
    assert len(list((place.folder / "pictures").rglob("*.png"))) == 1


async def test_a_deleted_picture_does_not_come_back(
    place: Discord, root: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        job, _ = await picture(alice, running, "1girl, umbrella")
        _, kept = await picture(alice, running, "1girl, hat")
        await whole(await alice.press(kept, "Share"))
        await until_shown(alice, count=1)
        await back_up(place, root)
        await moderator.answer("moderate delete", id=job.id, reason="no")
        (entry,) = await entries(running)
        maker = Actor(user_id=entry.maker_id, guild_id=IDS.guild)
        await running.services.gallery.remove(entry.id, actor=maker)
        await nothing_more(running)
    await restore(place, root)
    async with open_bot(place) as running:
        assert "umbrella" not in await history(alice)
        assert "hat" in await history(alice)
        assert [each.state for each in await entries(running)] == ["removed"]
        await nothing_more(running)
        assert shown(alice) == []
