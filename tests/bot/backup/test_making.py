"""A backup: what is in it, and what is not."""

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup import making
from bot.backup.folder import BackupFolder
from bot.backup.making import make_backup
from bot.backup.report import Report
from data.files.picture_files import PictureFiles
from data.jobs import pictures
from data.store.database import DATABASE_NAME, Database
from pipeline.errors import Cancelled
from tests.bot.backup.conftest import (
    BOB,
    NOW,
    add_job,
    back_up,
    bot,
    damages,
    file_of,
    names,
    query,
    tree,
)


def test_it_has_everything_that_the_database_names(state: Path, root: Path) -> None:
    (state / "tags.csv").write_text("1girl,0,1,\n", encoding="utf-8")
    (state / "hosts_token").write_text("hostsToken", encoding="utf-8")
    made = back_up(state, root)
    assert (made.files, made.copied, made.missing) == (4, 4, ())
    kept = tree(root)
    for kind in ("pictures", "uploads", "withheld"):
        assert {name for name in kept if name.startswith(kind)} == {
            f"{kind}/{name}" for name in tree(state / kind)
        }
    assert kept[f"{made.name}/tags.csv"] == b"1girl,0,1,\n"
    assert not any(b"hostsToken" in content for content in kept.values())
    assert damages(root) == []
    if os.name == "posix":
        assert {path.stat().st_mode & 0o077 for path in root.rglob("*")} == {0}


def test_it_has_no_token_that_could_act(state: Path, root: Path) -> None:
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute("UPDATE jobs SET interaction_token = 'aVerySecretToken'")
        connection.execute("INSERT INTO web_sessions VALUES ('sessionKey', 1, 'x', '[]', 2e9)")
    made = back_up(state, root)
    content = (root / made.name / "ekaki.db").read_bytes()
    assert b"aVerySecretToken" not in content
    assert b"sessionKey" not in content
    assert query(state / DATABASE_NAME, "SELECT count(*) FROM web_sessions") == [(1,)]


def test_the_next_one_copies_only_what_is_new(state: Path, root: Path) -> None:
    first = back_up(state, root)
    before = {path: path.stat().st_ino for path in (root / "pictures").rglob("*.png")}

    async def more() -> None:
        async with Database.open(state / DATABASE_NAME) as database:
            await add_job(database, PictureFiles(state / "pictures"), "later", BOB)

    asyncio.run(more())
    second = back_up(state, root, now=NOW + 1)
    assert (second.files, second.copied, second.number) == (5, 1, 2)
    assert {path: path.stat().st_ino for path in before} == before
    assert names(root) == [first.name, second.name]
    assert damages(root) == []


def test_it_stands_beside_writers(state: Path, root: Path) -> None:
    """What is committed while pages are copied is in all of its tables, or in none."""
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute("CREATE TABLE one (n INTEGER, filling TEXT)")
        connection.execute("CREATE TABLE two (n INTEGER, filling TEXT)")
        rows = [(number, "x" * 3000) for number in range(5000)]
        connection.executemany("INSERT INTO one VALUES (?, ?)", rows)
        connection.executemany("INSERT INTO two VALUES (?, ?)", rows)
    copying, stop = threading.Event(), threading.Event()
    written: list[int] = []

    def write() -> None:
        with closing(sqlite3.connect(state / DATABASE_NAME, isolation_level=None)) as connection:
            copying.wait()
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                for table in ("one", "two"):
                    connection.execute(f"UPDATE {table} SET n = n + 1")
                connection.execute("COMMIT")
                written.append(1)

    class Watching(Report):
        def step(self, what: str, done: int, total: int) -> None:
            copying.set()
            while what == "Pages" and len(written) < min(3, done // 1000):
                pass  # commits come between the steps

    writer = threading.Thread(target=write)
    writer.start()
    made = make_backup(state, root, now=NOW, version="test", report=Watching())
    stop.set()
    writer.join()
    assert len(written) >= 3
    copy = root / made.name / "ekaki.db"
    ((one,),) = query(copy, "SELECT sum(n) FROM one")
    assert query(copy, "SELECT sum(n) FROM two") == [(one,)]
    assert damages(root) == []


def test_what_is_deleted_meanwhile_is_missing_with_that_reason(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = making.snapshot.files_named

    def deleted_then(database: Path) -> Any:
        found = named(database)
        path = file_of(state, "bobs")
        with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
            connection.execute("DELETE FROM pictures WHERE job_id = 'bobs'")
        path.unlink()
        return found

    monkeypatch.setattr(making.snapshot, "files_named", deleted_then)
    made = back_up(state, root)
    monkeypatch.undo()
    assert [each.why for each in made.missing] == ["deleted"]
    assert made.lost == 0
    assert damages(root) == []


def test_it_can_be_stopped(state: Path, root: Path) -> None:
    with pytest.raises(Cancelled):
        make_backup(state, root, now=NOW, version="test", report=Report(stopped=lambda: True))
    assert BackupFolder.open(root).contents().complete == []


def test_without_anything_to_back_up_it_says_so(tmp_path: Path) -> None:
    done = bot("backup", str(tmp_path / "backups"), state=tmp_path / "nothing")
    assert done.returncode == 1
    assert "no database" in done.stderr
    assert not (tmp_path / "backups").exists()


def test_one_line_says_what_was_made(state: Path, root: Path) -> None:
    assert bot("backup", str(root), state=state).returncode == 0
    done = bot("backup", str(root), "--keep", "1", state=state)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert "pictures: 4, new: 0" in done.stdout
    assert done.stdout.endswith("Older backups removed: 1.\n")
    wrong = bot("backup", str(root), "--keep", "0", state=state)
    assert wrong.returncode == 2


async def test_pictures_are_named_by_all_tables(state: Path) -> None:
    """So that a new table with files of its own is not forgotten here."""
    async with Database.open(state / DATABASE_NAME) as database, database.reader() as connection:
        assert len(await pictures.hashes_from(connection, prefix="")) == 2
        columns = await connection.column(
            "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND c.name LIKE '%hash%'"
        )
    assert sorted(columns) == [
        "pictures.content_hash", "pictures.model_hash", "uploads.content_hash",
        "withheld.content_hash",
    ]  # fmt: skip


def test_a_large_database_is_synced_as_it_is_copied(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred megabytes at once would make the bot's own commits wait."""
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute("CREATE TABLE large (filling BLOB)")
        connection.executemany("INSERT INTO large VALUES (?)", [(bytes(10**6),)] * 20)
    sizes: list[int] = []
    sync = making.sync_file

    def noted(path: Path) -> None:
        sizes.append(path.stat().st_size)
        sync(path)

    monkeypatch.setattr(making, "sync_file", noted)
    back_up(state, root)
    steps = [after - before for before, after in zip([0, *sizes], sizes, strict=False)]
    assert len(steps) > 4
    assert max(steps) <= 8 * 2**20
