"""Files against rows: what is found, what is removed, and what never is."""

import os
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.common.storage import Storage, take_away
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.housekeeping import OLD_AT_ONCE, Housekeeping
from bot.jobs.keep.steady import STEADY_S
from data.files import retention
from data.files.picture_files import PictureFiles
from data.guilds import audit
from data.guilds.audit import AuditEvent
from data.jobs import jobs, pictures
from data.people import favourites, tag_uses
from data.store.database import Database
from tests.data.records import a_job, a_picture
from tests.support.clock import ManualClock

AGES_S = 7200.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    async with Database.open(tmp_path / "test.db") as opened:
        yield opened


async def keep(database: Database, job_id: str, content_hash: str, made_at: float = 11.0) -> None:
    """A finished job of one picture."""
    job = replace(
        a_job(job_id), state="finished", delivery="delivered", started_at=10.5, ended_at=made_at
    )
    async with database.transaction() as connection:
        await jobs.insert(connection, job=a_job(job_id))
        await connection.execute(
            "UPDATE jobs SET state = 'finished', delivery = 'delivered', ended_at = ? WHERE id = ?",
            (job.ended_at, job_id),
        )
        picture = a_picture(f"p{job_id}", job_id, content_hash=content_hash)
        await pictures.insert(connection, picture=replace(picture, made_at=made_at))


def age(path: Path) -> None:
    then = time.time() - AGES_S
    os.utime(path, (then, then))


async def test_orphans_are_found_both_ways_and_only_old_files_go(
    database: Database, tmp_path: Path
) -> None:
    files, storage = PictureFiles(tmp_path / "pictures"), Storage(tmp_path, database)
    kept, orphan, fresh = (files.write(text) for text in (b"kept", b"orphan", b"fresh"))
    missing = "f" * 64
    await keep(database, "one", kept)
    await keep(database, "two", missing)
    age(files.path(kept))
    age(files.path(orphan))
    copies = tmp_path / "thumbnails" / missing[:2]
    copies.mkdir(parents=True)
    for name in (f"{missing}-320.webp", ".half", "stray.txt"):
        (copies / name).write_bytes(b"x")
    found = await storage.check()
    assert found.without_row == [("pictures", orphan)]
    assert found.without_file == [("pictures", missing)]
    assert len(found.copies) == 3
    assert not found.clean
    await storage.clean()
    assert files.path(kept).exists()
    assert files.path(fresh).exists()
    assert not files.path(orphan).exists()
    assert list(copies.iterdir()) == []
    counts, sizes = await storage.stats()
    assert (counts.pictures, sizes["pictures"].files) == (2, 2)


async def test_a_new_database_deletes_nothing(database: Database, tmp_path: Path) -> None:
    files = PictureFiles(tmp_path / "pictures")
    left = files.write(b"what is left of a lost database")
    age(files.path(left))
    found = await Storage(tmp_path, database).clean()
    assert found.clean
    assert files.path(left).exists()


def test_a_file_written_again_at_that_moment_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = PictureFiles(tmp_path)
    path = files.path(files.write(b"same"))
    age(path)
    rename = Path.rename

    def written_before(self: Path, target: Path) -> Path:
        files.write(b"same")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", written_before)
    assert not take_away(path)
    assert path.read_bytes() == b"same"
    assert [each.name for each in path.parent.iterdir()] == [path.name]

    def written_after(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        files.write(b"same")
        return moved

    age(path)
    monkeypatch.setattr(Path, "rename", written_after)
    take_away(path)
    assert path.read_bytes() == b"same"


async def test_a_killed_cleaning_is_put_right(database: Database, tmp_path: Path) -> None:
    files = PictureFiles(tmp_path / "pictures")
    kept = files.write(b"kept")
    await keep(database, "one", kept)
    path = files.path(kept)
    path.rename(path.with_name(f".cleaning-{path.name}"))
    found = await Storage(tmp_path, database).check()
    assert found.clean
    assert path.read_bytes() == b"kept"


async def test_old_pictures_go_except_for_what_somebody_keeps(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock()
    files = KeptFiles.under(tmp_path, database)
    hashes = {name: files.pictures.write(name.encode()) for name in ("old", "liked", "new")}
    for name, content_hash in hashes.items():
        made_at = clock.time() + STEADY_S - (10 if name == "new" else 1000)
        await keep(database, name, content_hash, made_at)
    async with database.transaction() as connection:
        await favourites.mark(connection, user_id=1, picture_id="pliked", now=1.0)
    housekeeping = Housekeeping(files, clock, kept_s=100.0)
    clock.advance(STEADY_S)  # a clock that was not believed yet removes nothing
    await housekeeping.clean()
    left = {name for name, each in hashes.items() if files.pictures.path(each).exists()}
    assert left == {"liked", "new"}
    async with database.reader() as connection:
        assert await jobs.get(connection, job_id="old") is None
        assert await jobs.get(connection, job_id="liked") is not None


async def test_nothing_is_too_old_where_the_operator_keeps_all(
    database: Database, tmp_path: Path
) -> None:
    files = KeptFiles.under(tmp_path, database)
    await keep(database, "old", files.pictures.write(b"old"), 1.0)
    await Housekeeping(files, ManualClock()).clean()
    async with database.transaction() as connection:
        assert await pictures.get(connection, picture_id="pold") is not None
        assert await retention.forget_old(connection, before=0.5, limit=10) == (0, [])


async def test_old_words_go_where_the_operator_says_so_and_pictures_keep_theirs(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock()
    files = KeptFiles.under(tmp_path, database)
    old, new = clock.time() + STEADY_S - 1000, clock.time() + STEADY_S - 10
    await keep(database, "drawn", files.pictures.write(b"drawn"), old)
    async with database.transaction() as connection:
        for job_id, ended_at in (("failed", old), ("fresh", new)):
            await jobs.insert(connection, job=a_job(job_id, prompt=f"prompt of {job_id}"))
            await jobs.mark_ended(connection, job_id=job_id, state="cancelled", now=ended_at)
            await jobs.mark_delivered(
                connection, job_id=job_id, delivery="delivered", message_id=None, now=ended_at
            )
        await tag_uses.record(connection, user_id=1, tags=["hat"], now=old)
        await tag_uses.record(connection, user_id=1, tags=["cat"], now=new)
        for at in (old, new):
            details = {"prompt": "somebody's words", "steps": 5}
            event = AuditEvent(kind="accepted", guild_id=10, user_id=1, details=details)
            await audit.insert(connection, event=event, now=at)
    housekeeping = Housekeeping(files, clock, prompts_kept_s=100.0)
    clock.advance(STEADY_S)
    await housekeeping.clean()
    async with database.reader() as connection:
        assert sorted(await jobs.all_ids(connection)) == ["drawn", "fresh"]
        assert await tag_uses.most_used(connection, user_id=1) == {"cat": 1}
        entries = await audit.all_about(connection, user_id=1)
    assert [dict(each.details) for each in entries] == [
        {"steps": 5}, {"prompt": "somebody's words", "steps": 5}
    ]  # fmt: skip


async def test_all_old_requests_go_not_only_the_first_hundred(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with database.transaction() as connection:
        for number in range(2 * OLD_AT_ONCE + 5):
            await jobs.insert(connection, job=a_job(f"j{number}"))
            await jobs.mark_ended(connection, job_id=f"j{number}", state="cancelled", now=5.0)
            await jobs.mark_delivered(
                connection, job_id=f"j{number}", delivery="kept", message_id=None, now=5.0
            )
    files = KeptFiles.under(tmp_path, database)
    housekeeping = Housekeeping(files, clock, prompts_kept_s=100.0)
    clock.advance(STEADY_S)
    await housekeeping.clean()
    async with database.reader() as connection:
        assert await jobs.all_ids(connection) == []
