"""Killed at any moment, a folder of backups stays usable, and so does a state that is restored."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup.pruning import Kept
from bot.backup.swapping import finish, set_aside
from bot.compose import open_services
from bot.config.settings import Settings
from data.files.picture_files import PictureFiles
from data.store.database import DATABASE_NAME, Database
from data.store.tombstones import TombstoneFiles
from pipeline.errors import StorageError
from tests.bot.backup.conftest import (
    ALICE,
    BOB,
    NOW,
    add_job,
    back_up,
    bot,
    damages,
    environment,
    file_of,
    kill_at,
    names,
    query,
    restore,
    tree,
)
from tests.chaos import failpoints
from tests.support.fake_engine import FakeEngine

OF_LORAS = ("backup_lora", "prune_lora", "restore_lora")  # in test_loras
OWN = [name for name in failpoints.own("backup") if not name.startswith(OF_LORAS)]
MAKING = [name for name in OWN if name.startswith(("backup_", "prune_"))]


@pytest.mark.parametrize("failpoint", MAKING)
def test_killed_anywhere_the_earlier_one_stays_and_the_next_one_comes(
    state: Path, root: Path, failpoint: str
) -> None:
    back_up(state, root)
    gone = file_of(state, "bobs")
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM pictures WHERE job_id = 'bobs'")
    gone.unlink()

    async def more() -> None:
        async with Database.open(state / DATABASE_NAME) as database:
            await add_job(database, PictureFiles(state / "pictures"), "later", BOB)

    asyncio.run(more())
    before = tree(state)
    kill_at(failpoint, "backup", str(root), "--keep", "1", state=state)
    after = tree(state)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() <= {"ekaki.db-wal", "ekaki.db-shm"}
    assert len(names(root)) >= 1
    assert damages(root) == []
    made = back_up(state, root, now=NOW + 9, kept=Kept(count=1))
    assert names(root) == [made.name]
    assert damages(root) == []
    kept = {Path(name).name for name in tree(root) if name.startswith("pictures/")}
    assert kept == {path.name for path in (state / "pictures").rglob("*.png")}


OTHERS = ("upgrade_", "going_back_", "tombstones_")  # in test_upgrading; below
RESTORING = [name for name in OWN if name.startswith("restore_")]
MOVED = {"restore_moved_aside": 4, "restore_moved_in": 5}
"""How often these are passed: once for each name in the old state and in the new one."""
PLACES = [(name, nth) for name in RESTORING for nth in range(1, MOVED.get(name, 1) + 1)]


def content(state: Path) -> tuple[list[Any], dict[str, bytes]]:
    """Old and new differ in both."""
    found = query(state / DATABASE_NAME, "SELECT id, user_id FROM jobs ORDER BY id")
    return found, {k: v for k, v in tree(state).items() if k.startswith("pictures/")}


@pytest.fixture
def changed(state: Path, root: Path) -> Path:
    """A state that has changed since its backup: Bob left, and somebody drew."""
    back_up(state, root)

    async def change() -> None:
        async with Database.open(state / DATABASE_NAME) as database:
            files = PictureFiles(state / "pictures")
            await add_job(database, files, "later", ALICE)
            async with database.transaction() as connection:
                await connection.execute("DELETE FROM jobs WHERE user_id = ?", (BOB,))
                await database.tombstones.put_in(connection, "person", BOB, now=NOW)

    asyncio.run(change())
    return state


@pytest.mark.parametrize(("failpoint", "nth"), PLACES)
def test_a_killed_restore_leaves_the_old_or_the_new(
    changed: Path, root: Path, tmp_path: Path, failpoint: str, nth: int
) -> None:
    old = content(changed)
    restore(tmp_path / "like", root)
    TombstoneFiles(tmp_path / "like" / "tombstones").merge(
        TombstoneFiles(changed / "tombstones").read()
    )
    restore(tmp_path / "like", root)
    new = content(tmp_path / "like")
    kill_at(f"{failpoint}:{nth}", "restore", str(root), state=changed)
    if (changed / "restore.json").exists():
        with pytest.raises(StorageError, match="restore_unfinished"):
            back_up(changed, root, now=NOW + 5)
        assert "A restore was finished" in finish(changed)
        assert content(changed) == new
        (aside,) = set_aside(changed)
        assert content(aside) == old
    else:
        finish(changed)
        assert content(changed) == (new if failpoint == "restore_complete" else old)
    assert finish(changed) == ""
    assert list(changed.glob("restor*")) == []


def test_until_it_is_finished_no_command_uses_what_is_half_replaced(
    changed: Path, root: Path
) -> None:
    kill_at("restore_moved_aside:3", "restore", str(root), state=changed)
    for command in (("storage", "check"), ("backup", str(root))):
        done = bot(*command, state=changed)
        assert done.returncode == 1
        assert "interrupted" in done.stderr
    done = bot("restore", str(root), state=changed)
    assert done.returncode == 0, done.stderr
    assert "A restore was finished" in done.stderr
    assert bot("storage", "check", state=changed).returncode == 0


def test_finishing_is_itself_killed_and_finished(changed: Path, root: Path) -> None:
    kill_at("restore_journal_written", "restore", str(root), state=changed)
    for failpoint, count in MOVED.items():
        for _ in range(count):
            kill_at(failpoint, "restore", str(root), state=changed)
    assert "A restore was finished" in finish(changed)
    assert query(changed / DATABASE_NAME, "SELECT id FROM jobs ORDER BY id") == [
        ("alices",), ("waits",)
    ]  # fmt: skip


async def test_the_next_start_finishes_it(changed: Path, root: Path) -> None:
    await asyncio.to_thread(kill_at, "restore_moved_aside:2", "restore", str(root), state=changed)
    with pytest.raises(StorageError, match="restore_unfinished"):
        async with Database.open(changed / DATABASE_NAME):
            pass
    async with (
        open_services(Settings(data_dir=changed, tagger="off"), load=FakeEngine) as services,
        services.database.reader() as connection,
    ):
        assert sorted(await connection.column("SELECT id FROM jobs")) == ["alices", "waits"]


def test_killed_while_deletions_are_copied_they_are_copied_by_the_next_backup(
    changed: Path, root: Path
) -> None:
    script = (
        "import pathlib, sys; from bot.backup.schedule import publish;"
        "publish(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(changed), str(root)],
        env=environment(EKAKI_FAILPOINT="tombstones_published"), check=False,
    )  # fmt: skip
    assert done.returncode == -9
    back_up(changed, root, now=NOW + 1)
    assert (
        TombstoneFiles(root / "tombstones").read() == TombstoneFiles(changed / "tombstones").read()
    )


def test_every_failpoint_is_tried() -> None:
    others = {name for name in OWN if name.startswith(OTHERS)}
    assert set(OWN) == {*MAKING, *RESTORING, *others}
