"""A restored backup: as it was, without what was deleted since, and with nothing left to send."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.backup import restoring
from bot.backup.swapping import set_aside
from bot.jobs.keep.stored import error_from_json
from data.store.database import DATABASE_NAME, Database, migrations
from data.store.lock import only_one
from pipeline.errors import StorageError
from tests.bot.backup.conftest import (
    ALICE,
    BOB,
    NOW,
    back_up,
    bot,
    file_of,
    query,
    restore,
    tree,
)
from tests.bot.backup.test_checking import (
    lose_upload,
    spoil_database,
    spoil_list,
    spoil_manifest,
    spoil_picture,
)
from tests.data.test_migrations import make_old

LEFT = ("pictures", "favourites", "gallery_entries", "gallery_votes", "uploads", "withheld")


def rows(state: Path) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: query(state / DATABASE_NAME, f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in LEFT
    }


def pictures_of(state: Path) -> dict[str, bytes]:
    return {
        name: content
        for name, content in tree(state).items()
        if name.startswith(("pictures", "uploads", "withheld"))
    }


def execute(state: Path, sql: str) -> None:
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute(sql)


def test_in_another_folder_it_is_as_it_was(state: Path, root: Path, tmp_path: Path) -> None:
    (state / "tags.csv").write_text("1girl,0,1,\n", encoding="utf-8")
    back_up(state, root)
    other = tmp_path / "other" / "state"
    done = bot("restore", str(root), state=other)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Restored 20270115T080000Z; pictures: 4.")
    assert "before" not in done.stdout
    assert set_aside(other) == []
    assert rows(other) == rows(state)
    assert pictures_of(other) == pictures_of(state)
    assert (other / "tags.csv").read_bytes() == b"1girl,0,1,\n"
    checked = bot("storage", "check", state=other)
    assert checked.returncode == 0, checked.stderr


def test_what_was_there_is_kept_beside_and_other_files_stay(state: Path, root: Path) -> None:
    back_up(state, root)
    (state / "hosts_token").write_text("kept", encoding="utf-8")
    shutil.rmtree(state / "withheld")
    execute(state, "DELETE FROM favourites")
    before = tree(state)
    restore(state, root)
    (aside,) = set_aside(state)
    assert (state / "hosts_token").read_text(encoding="utf-8") == "kept"
    moved = {k: v for k, v in before.items() if k not in {"hosts_token", "backup.lock"}}
    kept = tree(aside)
    assert {name: kept[name] for name in moved if "-shm" not in name} == {
        name: moved[name] for name in moved if "-shm" not in name
    }
    assert len(query(state / DATABASE_NAME, "SELECT * FROM favourites")) == 1
    assert not (state / "restoring").exists()


def test_a_certain_one_can_be_chosen(state: Path, root: Path) -> None:
    first = back_up(state, root)
    execute(state, "DELETE FROM favourites")
    back_up(state, root, now=NOW + 1)
    restore(state, root)
    assert query(state / DATABASE_NAME, "SELECT * FROM favourites") == []
    restore(state, root, name=first.name)
    assert len(query(state / DATABASE_NAME, "SELECT * FROM favourites")) == 1
    assert len(set_aside(state)) == 2
    done = bot("restore", str(root), "--generation", "20000101T000000Z", state=state)
    assert done.returncode == 1
    assert "no complete backup 20000101T000000Z" in done.stderr


def test_a_running_bot_is_refused(state: Path, root: Path) -> None:
    back_up(state, root)
    before = tree(state)
    with only_one(state):
        done = bot("restore", str(root), state=state)
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert {k: v for k, v in tree(state).items() if k != "running.lock"} == before


@pytest.mark.parametrize(
    "spoil", [spoil_database, spoil_list, spoil_picture, lose_upload, spoil_manifest]
)
def test_a_damaged_backup_is_refused_and_nothing_is_touched(
    state: Path, root: Path, spoil: Callable[[Path], None]
) -> None:
    made = back_up(state, root)
    spoil(root / made.name)
    before = tree(state)
    done = bot("restore", str(root), state=state)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()[-1]) > 40
    after = tree(state)
    assert {name: after[name] for name in before} == before
    assert set_aside(state) == []


def test_a_newer_backup_is_refused_with_the_version_that_it_needs(state: Path, root: Path) -> None:
    newest = migrations()[-1][0]
    made = back_up(state, root)
    path = root / made.name / "manifest.json"
    text = path.read_text(encoding="utf-8").replace('"ekaki": "test"', '"ekaki": "9.1.0"')
    path.write_text(text.replace(f'"schema": {newest}', f'"schema": {newest + 5}'), "utf-8")
    done = bot("restore", str(root), state=state)
    assert done.returncode == 1
    assert "Install Ekaki 9.1.0 or later" in done.stderr
    assert set_aside(state) == []


def test_room_is_checked(state: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    back_up(state, root)

    def full(folder: Path, needed_bytes: int) -> None:
        raise StorageError("backup_no_room", path=str(folder), needed_bytes=1, free_bytes=0)

    monkeypatch.setattr(restoring, "demand_room", full)
    with pytest.raises(StorageError, match="backup_no_room"):
        restore(state, root)
    assert set_aside(state) == []


def test_open_jobs_end_refunded_and_nothing_is_sent_twice(state: Path, root: Path) -> None:
    execute(
        state,
        "INSERT INTO quota_uses (job_id, user_id, pictures, used_at)"
        f" VALUES ('waits', {ALICE}, 1, 50.0)",
    )
    execute(
        state, "UPDATE jobs SET delivery = 'pending', interaction_token = 'x' WHERE id = 'alices'"
    )
    for kind in ("announcement", "report_answer", "job_end", "message_removal"):
        execute(state, f"INSERT INTO outbox_put (kind, key, lane) VALUES ('{kind}', 'k', 'l')")
    execute(
        state,
        "INSERT INTO audit_log (at, kind, guild_id, posted) VALUES (1.0, 'requested', 10, 0)",
    )
    back_up(state, root)
    restored = restore(state, root)
    settled = restored.revived.settled
    assert (settled.ended, settled.kept) == (1, 1)
    database = state / DATABASE_NAME
    ((job_state, error),) = query(database, "SELECT state, error FROM jobs WHERE id = 'waits'")
    assert (job_state, error_from_json(error).key) == ("failed", "job_restored")
    assert query(database, "SELECT refunded FROM quota_uses") == [(1,)]
    assert query(database, "SELECT id FROM jobs WHERE delivery = 'pending'") == []
    assert query(database, "SELECT delivery FROM jobs WHERE id = 'alices'") == [("kept",)]
    assert len(query(database, "SELECT 1 FROM pictures WHERE job_id = 'alices'")) == 1
    kinds = [kind for (kind,) in query(database, "SELECT kind FROM outbox ORDER BY kind")]
    assert kinds == ["gallery_check", "gallery_entry", "message_removal"][-len(kinds) :]
    assert query(database, "SELECT 1 FROM audit_log WHERE posted = 0") == []


async def _delete(state: Path, kind: str, identifier: int | str) -> None:
    async with Database.open(state / DATABASE_NAME) as database, database.transaction() as writer:
        await database.tombstones.put_in(writer, kind, identifier, now=NOW)  # type: ignore[arg-type]


def delete(state: Path, kind: str, identifier: int | str) -> None:
    """A deletion as the running bot notes it."""
    asyncio.run(_delete(state, kind, identifier))


def test_a_person_who_left_does_not_come_back(state: Path, root: Path) -> None:
    back_up(state, root)
    path = file_of(state, "bobs")
    delete(state, "person", BOB)
    restored = restore(state, root)
    assert restored.revived.deleted == {"person": 1}
    assert not path.exists()
    assert restored.files == 1  # the upload was Bob's, and what waits for review was his job's
    database = state / DATABASE_NAME
    for table in ("jobs", "favourites", "gallery_stars", "gallery_votes", "uploads"):
        assert query(database, f"SELECT 1 FROM {table} WHERE user_id = {BOB}") == [], table
    assert len(query(database, f"SELECT 1 FROM jobs WHERE user_id = {ALICE}")) == 2
    assert query(database, "SELECT votes FROM gallery_entries") == [(0,)]
    assert b"prompt of bobs" not in database.read_bytes()
    assert bot("storage", "check", state=state).returncode == 0


def test_everything_that_can_be_deleted_is_deleted_again(state: Path, root: Path) -> None:
    execute(state, f"INSERT INTO gallery_makers VALUES ({ALICE}, 1)")
    back_up(state, root)
    for kind, identifier in (("job", "bobs"), ("entry", "e1"), ("web", ALICE)):
        delete(state, kind, identifier)
    restored = restore(state, root)
    assert restored.revived.deleted == {"job": 1, "entry": 1, "web": 1}
    database = state / DATABASE_NAME
    assert query(database, "SELECT id FROM jobs WHERE id = 'bobs'") == []
    assert query(database, "SELECT state FROM gallery_entries") == [("removed",)]
    assert query(database, "SELECT on_web FROM gallery_makers") == [(0,)]


def test_a_withheld_picture_that_was_discarded_stays_so(state: Path, root: Path) -> None:
    back_up(state, root)
    delete(state, "withheld", "w1")
    restore(state, root)
    assert query(state / DATABASE_NAME, "SELECT state FROM withheld") == [("discarded",)]
    assert list((state / "withheld").rglob("*.png")) == []


def test_whoever_left_and_came_back_before_the_backup_stays(state: Path, root: Path) -> None:
    delete(state, "person", BOB)  # and then drew again
    back_up(state, root)
    assert restore(state, root).revived.deleted == {}
    assert len(query(state / DATABASE_NAME, f"SELECT 1 FROM jobs WHERE user_id = {BOB}")) == 1


def test_a_clock_that_went_back_brings_nobody_back(state: Path, root: Path) -> None:
    """Numbers decide, not times: the deletion seems to be older than the backup."""
    back_up(state, root, now=NOW + 10**6)
    delete(state, "person", BOB)
    assert restore(state, root).revived.deleted == {"person": 1}


def test_the_folder_of_backups_remembers_though_the_disk_is_lost(state: Path, root: Path) -> None:
    first = back_up(state, root)
    delete(state, "person", BOB)
    back_up(state, root, now=NOW + 1)
    shutil.rmtree(state)
    restored = restore(state, root, name=first.name)
    assert restored.revived.deleted == {"person": 1}
    delete(state, "person", ALICE)
    assert restore(state, root, name=first.name).revived.deleted == {"person": 2}


def test_a_new_bot_in_an_old_folder_of_backups_loses_nobody(
    state: Path, root: Path, tmp_path: Path
) -> None:
    """What was deleted from an earlier database is older than everything in a later one."""
    delete(state, "person", BOB)
    back_up(state, root)
    shutil.rmtree(state / "tombstones")
    execute(state, "DELETE FROM notes WHERE key = 'tombstones'")  # as a database that begins anew
    back_up(state, root, now=NOW + 1)
    assert restore(state, root).revived.deleted == {}
    other = tmp_path / "other"
    assert restore(other, root).revived.deleted == {}


def test_deletions_that_are_not_known_any_more_are_not_passed_over(state: Path, root: Path) -> None:
    back_up(state, root)
    delete(state, "person", BOB)

    async def expire() -> None:
        async with Database.open(state / DATABASE_NAME) as database, database.transaction():
            await database.tombstones.expire(before=NOW)

    asyncio.run(expire())
    done = bot("restore", str(root), state=state)
    assert done.returncode == 1
    assert "--despite-deletions" in done.stderr
    assert set_aside(state) == []
    later = back_up(state, root, now=NOW + 1)
    assert restore(state, root, name=later.name).revived.deleted == {}
    done = bot(
        "restore", str(root), "--generation", "20270115T080000Z", "--despite-deletions", state=state
    )
    assert done.returncode == 0, done.stderr


def test_damaged_tombstones_are_not_passed_over(state: Path, root: Path) -> None:
    back_up(state, root)
    delete(state, "person", BOB)
    (path,) = (state / "tombstones").glob("*.txt")
    path.write_text("nonsense\n", encoding="utf-8")
    done = bot("restore", str(root), state=state)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert set_aside(state) == []
    assert bot("restore", str(root), "--despite-deletions", state=state).returncode == 0


def test_a_backup_of_an_earlier_version_is_migrated(
    state: Path, root: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    make_old(old / DATABASE_NAME, 14, seed=3)
    made = back_up(old, root)
    assert '"schema": 14' in (root / made.name / "manifest.json").read_text(encoding="utf-8")
    restore(state, root)
    assert query(state / DATABASE_NAME, "PRAGMA user_version") == [(migrations()[-1][0],)]
    assert query(old / DATABASE_NAME, "PRAGMA user_version") == [(14,)]
