"""An upgrade: announced, copied before, killed anywhere, and undone."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.backup import upgrading
from bot.backup.opening import open_database
from bot.backup.swapping import set_aside
from bot.backup.upgrading import FOLDER, copies
from bot.config.settings import Settings
from data.files.picture_files import PictureFiles
from data.store import migration_notes
from data.store.database import DATABASE_NAME, Database, migrations
from pipeline.errors import StorageError
from tests.bot.backup.conftest import BOB, add_job, bot, environment, query
from tests.chaos import failpoints
from tests.data.test_migrations import make_old, problems_of, rows_of
from tests.support.released import unpack

NEWEST = migrations()[-1][0]
RELEASED = 14

OPEN = """
import asyncio, pathlib, sys
from bot.backup.opening import open_database
from bot.config.settings import Settings
async def start():
    async with open_database(Settings(data_dir=pathlib.Path(sys.argv[1])), locked=True):
        pass
asyncio.run(start())
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """DATA_DIR of 0.2."""
    folder = tmp_path / "state"
    unpack("0.2", folder)
    return folder


async def start(state: Path, *, upgrade_copy: bool = True) -> None:
    """What a start does to the database."""
    settings = Settings(data_dir=state, upgrade_copy=upgrade_copy)
    async with open_database(settings, locked=True):
        pass


def version_of(state: Path) -> int:
    ((version,),) = query(state / DATABASE_NAME, "PRAGMA user_version")
    return version


def names(state: Path) -> list[str]:
    return [each.path.name for each in copies(state)]


async def test_the_database_is_copied_before_it_is_changed(
    old: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    before = rows_of(old / DATABASE_NAME)
    await start(old)
    assert f"upgraded to version {NEWEST}" in caplog.text
    assert version_of(old) == NEWEST
    assert names(old) == ["0014.db"]
    assert rows_of(old / FOLDER / "0014.db") == before
    assert [path.name for path in (old / FOLDER).iterdir()] == ["0014.db"]
    await start(old)
    assert names(old) == ["0014.db"]


async def test_a_new_database_is_not_copied_and_not_called_upgraded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await start(tmp_path)
    assert "upgraded" not in caplog.text
    assert version_of(tmp_path) == NEWEST
    assert not (tmp_path / FOLDER).exists()


async def test_the_copies_of_two_upgrades_are_kept(tmp_path: Path) -> None:
    for version in (11, 12, 13, 14):
        (tmp_path / DATABASE_NAME).unlink(missing_ok=True)
        make_old(tmp_path / DATABASE_NAME, version, seed=1)
        await start(tmp_path)
    assert names(tmp_path) == ["0013.db", "0014.db"]


async def test_without_room_nothing_is_changed_unless_the_operator_insists(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr(upgrading.shutil, "disk_usage", full)
    with pytest.raises(StorageError, match="upgrade_no_room"):
        await start(old)
    assert version_of(old) == RELEASED
    await start(old, upgrade_copy=False)
    assert version_of(old) == NEWEST
    assert names(old) == []


async def test_a_damaged_database_is_not_upgraded(old: Path) -> None:
    path = old / DATABASE_NAME
    content = bytearray(path.read_bytes())
    content[5 * 4096 : 5 * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"upgrade_damaged|database_damaged"):
        await start(old)
    assert version_of(old) == RELEASED
    assert names(old) == []


@pytest.mark.parametrize("command", ["storage", "web"])
def test_other_commands_leave_an_earlier_database_alone(old: Path, command: str) -> None:
    args = ("storage", "check") if command == "storage" else ("web",)
    done = bot(*args, state=old, WEB_ADDRESS="127.0.0.1:0")
    assert done.returncode == 1
    assert "Start the bot" in done.stderr
    assert version_of(old) == RELEASED


UPGRADING = [name for name in failpoints.own("backup") if name.startswith("upgrade_")]
STEPS = NEWEST - RELEASED
PLACES = [
    (name, nth)
    for name in UPGRADING
    for nth in range(1, (STEPS if name == "upgrade_migrated" else 1) + 1)
]


@pytest.mark.parametrize(("failpoint", "nth"), PLACES)
async def test_killed_anywhere_it_goes_on_and_the_copy_is_of_its_beginning(
    old: Path, failpoint: str, nth: int
) -> None:
    before = rows_of(old / DATABASE_NAME)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OPEN, str(old)],
        env=environment(EKAKI_FAILPOINT=f"{failpoint}:{nth}"), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert problems_of(old / DATABASE_NAME) == []
    await start(old)
    assert version_of(old) == NEWEST
    assert names(old) == ["0014.db"]
    assert rows_of(old / FOLDER / "0014.db") == before
    assert not (old / FOLDER / "unfinished").exists()


async def test_going_back_and_upgrading_again_copies_again(old: Path) -> None:
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OPEN, str(old)],
        env=environment(EKAKI_FAILPOINT="upgrade_begun"), check=False,
    )  # fmt: skip
    with closing(sqlite3.connect(old / DATABASE_NAME)) as connection, connection:
        connection.execute("INSERT INTO notes VALUES ('written by', 'the earlier version')")
    await start(old)
    kept = query(old / FOLDER / "0014.db", "SELECT value FROM notes WHERE key = 'written by'")
    assert kept == [("the earlier version",)]


async def _draw(state: Path) -> str:
    async with Database.open(state / DATABASE_NAME) as database:
        return await add_job(database, PictureFiles(state / "pictures"), "since", BOB)


async def test_the_way_back(old: Path) -> None:
    before = rows_of(old / DATABASE_NAME)
    files = {path.name for path in (old / "pictures").rglob("*.png")}
    await start(old)
    made = await _draw(old)
    done = await asyncio.to_thread(bot, "restore", "--before-upgrade", state=old)
    assert done.returncode == 0, done.stderr
    assert "Install the version of Ekaki that was there before" in done.stderr
    assert version_of(old) == RELEASED
    after = rows_of(old / DATABASE_NAME)
    for table in before.keys() - {"jobs", "outbox", "notes", "audit_log", "quota_uses", "drawing"}:
        assert after[table] == before[table], table
    assert problems_of(old / DATABASE_NAME) == []
    states = query(old / DATABASE_NAME, "SELECT state, delivery FROM jobs ORDER BY accepted_at")
    assert states[-1] == ("failed", "kept")  # it was drawn and delivered since
    assert {path.name for path in (old / "pictures").rglob("*.png")} == files
    (aside,) = set_aside(old)
    assert PictureFiles(aside / "pictures").path(made).exists()
    assert query(aside / DATABASE_NAME, "SELECT 1 FROM jobs WHERE id = 'since'") == [(1,)]
    await start(old)
    assert version_of(old) == NEWEST


async def test_the_way_back_brings_nobody_back(old: Path) -> None:
    await start(old)
    alice = 100_000_000_000_000_004
    async with Database.open(old / DATABASE_NAME) as database, database.transaction() as writer:
        await database.tombstones.put_in(writer, "person", alice, now=1.0)
    done = await asyncio.to_thread(bot, "restore", "--before-upgrade", "14", state=old)
    assert done.returncode == 0, done.stderr
    assert "Deleted again, as asked since: 1." in done.stdout
    assert query(old / DATABASE_NAME, f"SELECT 1 FROM jobs WHERE user_id = {alice}") == []


@pytest.mark.parametrize("failpoint", ["going_back_copied", "going_back_file_moved"])
async def test_the_way_back_is_killed_and_goes_on(old: Path, failpoint: str) -> None:
    await start(old)
    made = [await _draw(old)]
    done = await asyncio.to_thread(
        bot, "restore", "--before-upgrade", state=old, EKAKI_FAILPOINT=failpoint
    )
    assert done.returncode == -9
    done = await asyncio.to_thread(bot, "restore", "--before-upgrade", state=old)
    assert done.returncode == 0, done.stderr
    assert version_of(old) == RELEASED
    assert any(PictureFiles(each / "pictures").path(made[0]).exists() for each in set_aside(old))


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("restore",), "BACKUP_DIR is empty"),
        (("restore", "backups", "--before-upgrade"), "not both"),
        (("restore", "--before-upgrade"), "no such copy"),
        (("restore", "--before-upgrade", "13"), "no such copy"),
    ],
)
def test_a_wrong_way_back_says_so(old: Path, args: tuple[str, ...], says: str) -> None:
    done = bot(*args, state=old)
    assert done.returncode == 1
    assert says in done.stderr


async def test_a_copy_from_before_the_first_release_is_left_to_the_operator(tmp_path: Path) -> None:
    unpack("0.1", tmp_path)
    await start(tmp_path)
    done = await asyncio.to_thread(bot, "restore", "--before-upgrade", state=tmp_path)
    assert done.returncode == 1
    assert "0012.db" in done.stderr
    assert version_of(tmp_path) == NEWEST


def test_doctor_says_what_an_upgrade_does(old: Path) -> None:
    content = (old / DATABASE_NAME).read_bytes()
    done = bot("doctor", "--upgrade", state=old)
    assert done.returncode == 0, done.stdout
    assert f"version 14 becomes {NEWEST} at the next start" in done.stdout
    for number, note in migration_notes.after(RELEASED):
        assert f"Migration {number}: {note}" in done.stdout
    assert "it works, and takes about" in done.stdout
    assert "restore --before-upgrade" in done.stdout
    assert (old / DATABASE_NAME).read_bytes() == content
    assert list((old / FOLDER).iterdir()) == []


async def test_doctor_says_that_there_is_nothing_to_do(old: Path) -> None:
    await start(old)
    done = await asyncio.to_thread(bot, "doctor", "--upgrade", state=old)
    assert done.returncode == 0
    assert "nothing to do" in done.stdout


def test_doctor_finds_what_would_fail(old: Path) -> None:
    with closing(sqlite3.connect(old / DATABASE_NAME)) as connection, connection:
        connection.execute("CREATE TABLE news_settings (mine INTEGER)")  # 17 makes one
    done = bot("doctor", "--upgrade", state=old)
    assert done.returncode == 1
    assert "FAIL  Tried: on a copy, it fails" in done.stdout
    assert version_of(old) == RELEASED


def test_every_migration_says_what_it_is_for() -> None:
    notes = migration_notes.after(0)
    assert [number for number, _ in notes] == [number for number, _ in migrations()]
    assert [number for number, note in notes if len(note) < 20] == []
