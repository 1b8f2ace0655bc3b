"""Killed at any moment, a folder of backups stays usable."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.backup.pruning import Kept
from data.files.picture_files import PictureFiles
from data.store.database import DATABASE_NAME, Database
from tests.bot.backup.conftest import (
    BOB,
    NOW,
    add_job,
    back_up,
    damages,
    file_of,
    kill_at,
    names,
    tree,
)
from tests.chaos import failpoints

MAKING = [name for name in failpoints.own("backup") if name.startswith(("backup_", "prune_"))]


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
