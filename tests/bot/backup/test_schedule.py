"""Automatic backups: made in time, never in anybody's way, and their failures known."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.backup import schedule
from bot.backup.folder import BackupFolder
from bot.backup.schedule import Backups, due_in_s, publish
from bot.backup.upgrading import FOLDER
from bot.config.settings import Settings
from bot.doctor.backup import check_backup
from bot.doctor.values import Check
from bot.jobs.keep.steady import STEADY_S
from data.store import backup_note, notes
from data.store.backup_note import BackupNote
from data.store.database import DATABASE_NAME, Database
from data.store.lock import alone
from data.store.tombstones import FOLDER_NAME, TombstoneFiles
from tests.bot.backup.conftest import BOB, NOW, back_up, bot, damages, file_of, names, restore
from tests.support.clock import ManualClock
from tests.support.patience import until

DAY_S = 86_400.0


@asynccontextmanager
async def running(
    state: Path, *, clock: ManualClock | None = None, begin: bool = True, **settings: Any
) -> AsyncGenerator[Backups]:
    """The tasks over `state`, as the bot has them."""
    async with Database.open(state / DATABASE_NAME) as database:
        backups = Backups(
            Settings(data_dir=state, **settings), database=database, clock=clock or ManualClock(NOW)
        )
        if begin:
            await backups.start()
        try:
            yield backups
        finally:
            await backups.stop()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "START_S", 0.0)
    monkeypatch.setattr(schedule, "_TOGETHER_S", 0.0)


async def test_the_first_one_is_made_soon_and_noted(state: Path, root: Path) -> None:
    async with running(state, backup_dir=str(root)) as backups:
        await until(lambda: backups.note.name)
        assert backups.note == BackupNote(made_at=NOW, name="20270115T080000Z")
        assert backups.age_s == 0.0
    assert names(root) == ["20270115T080000Z"]
    assert damages(root) == []
    assert backup_note.read(state / DATABASE_NAME).name == "20270115T080000Z"


@pytest.mark.parametrize("settings", [{}, {"backup_every_hours": 0}])
async def test_none_is_made_without_a_folder_or_where_that_is_switched_off(
    state: Path, root: Path, settings: dict[str, Any]
) -> None:
    if settings:
        settings = settings | {"backup_dir": str(root)}
    async with running(state, **settings) as backups:
        await asyncio.sleep(0.05)
        assert backups.age_s is None
    assert not root.exists()


@pytest.mark.parametrize(
    ("note", "due"),
    [
        (BackupNote(), 0.0),
        (BackupNote(made_at=NOW), 100.0),
        (BackupNote(made_at=NOW - 40), 60.0),
        (BackupNote(made_at=NOW - 1000), 0.0),
        (BackupNote(made_at=NOW + 10**8), 100.0),  # the clock was set back
        (BackupNote(made_at=NOW - 40, failed_at=NOW - 20), 0.0),
        (BackupNote(made_at=NOW - 40, failed_at=NOW - 40), 60.0),  # made, with lost pictures
        (BackupNote(failed_at=NOW - 20), 0.0),
    ],
)
def test_when_it_is_due(note: BackupNote, due: float) -> None:
    assert due_in_s(note, now=NOW, every_s=100.0) == due


async def test_a_restart_does_not_make_one_more(state: Path, root: Path) -> None:
    for _ in range(3):
        async with running(state, backup_dir=str(root)) as backups:
            await until(lambda: backups.note.name)
            await asyncio.sleep(0.05)
    assert names(root) == ["20270115T080000Z"]


async def test_a_failure_is_noted_and_passes(state: Path, root: Path) -> None:
    root.write_text("a file", encoding="utf-8")
    async with running(state, begin=False, backup_dir=str(root)) as backups:
        assert not await backups.make(root)
        assert backups.note.failed_at == NOW
        assert str(root) in backups.note.problem
        assert backup_note.read(state / DATABASE_NAME) == backups.note
        root.unlink()
        assert await backups.make(root)
        assert (backups.note.failed_at, backups.note.problem) == (None, "")


async def test_lost_pictures_are_noted_though_it_was_made(state: Path, root: Path) -> None:
    file_of(state, "bobs").unlink()
    async with running(state, begin=False, backup_dir=str(root)) as backups:
        assert await backups.make(root)
        assert backups.note.problem == "lost or damaged pictures: 1"
        assert backups.note.name


async def test_the_place_of_a_disk_that_is_not_mounted_is_not_filled(
    state: Path, root: Path
) -> None:
    async with running(state, begin=False, backup_dir=str(root)) as backups:
        assert await backups.make(root)
        root.rename(root.with_name("elsewhere"))
        root.mkdir()
        assert not await backups.make(root)
        assert "disk is mounted" in backups.note.problem
    assert list(root.iterdir()) == []


async def test_older_ones_go_as_the_settings_say(state: Path, root: Path) -> None:
    clock = ManualClock(NOW)
    async with running(
        state, clock=clock, begin=False, backup_dir=str(root), backup_keep=2
    ) as backups:
        for _ in range(4):
            assert await backups.make(root)
            clock.advance(DAY_S)
    assert names(root) == ["20270117T080000Z", "20270118T080000Z"]


async def test_nothing_waits_for_it_and_it_ends_when_the_bot_does(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = asyncio.Event()
    loop = asyncio.get_running_loop()
    step = schedule.Report.step

    def slow(self: Any, what: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(copying.set)
        while what == "Pictures" and not self._stopped():
            time.sleep(0.01)
        step(self, what, done, total)

    monkeypatch.setattr(schedule.Report, "step", slow)
    async with running(state, backup_dir=str(root)) as backups:
        await copying.wait()
        async with backups._database.transaction() as connection:  # pyright: ignore[reportPrivateUsage]
            await notes.put(connection, key="meanwhile", value="written")
    assert names(root) == []
    monkeypatch.undo()
    back_up(state, root)
    assert damages(root) == []


async def put(database: Database, user_id: int) -> None:
    async with database.transaction() as connection:
        await database.tombstones.put_in(connection, "person", user_id, now=NOW)


def known(folder: Path) -> int:
    return sum(len(each.stones) for each in TombstoneFiles(folder / FOLDER_NAME).read())


async def test_deletions_reach_the_folder_of_backups_at_once(state: Path, root: Path) -> None:
    async with running(state, backup_dir=str(root)) as backups:
        await until(lambda: backups.note.name)
        await put(backups._database, BOB)  # pyright: ignore[reportPrivateUsage]
        await until(lambda: known(root) == 1)
    for path in (state / FOLDER_NAME).glob("*"):
        path.unlink()  # the disk is lost before the next backup
    deleted = await asyncio.to_thread(restore, state, root)
    assert deleted.revived.deleted == {"person": 1}


async def test_they_are_copied_again_while_a_backup_is_at_work(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "PUBLISH_AGAIN_S", 0.01)
    async with running(state, backup_dir=str(root)) as backups:
        await until(lambda: backups.note.name)
        with alone(root / "backup.lock", "backup_busy"):
            await put(backups._database, BOB)  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0.05)
            assert known(root) == 0
        await until(lambda: known(root) == 1)


def test_without_backups_there_is_nothing_to_publish(state: Path, root: Path) -> None:
    publish(state, root)
    root.mkdir()
    publish(state, root)
    assert list(root.iterdir()) == []


async def test_what_is_older_than_the_days_goes(state: Path) -> None:
    clock = ManualClock(NOW)
    old, new = state / FOLDER / "0014.db", state / FOLDER / "0015.db"
    old.parent.mkdir()
    for path, age_s in ((old, 31 * DAY_S), (new, DAY_S)):
        path.write_bytes(b"")
        os.utime(path, (NOW - age_s, NOW - age_s))
    (state / FOLDER / "rehearsal.db-wal").touch()
    async with running(state, clock=clock, begin=False) as backups:
        database = backups._database  # pyright: ignore[reportPrivateUsage]
        async with database.transaction() as connection:
            await database.tombstones.put_in(connection, "person", 1, now=NOW - 31 * DAY_S)
            await database.tombstones.put_in(connection, "person", 2, now=NOW - DAY_S)
        assert not await backups.tidy(), "the clock is not believed yet"
        assert known(state) == 2
        clock.advance(STEADY_S)
        assert await backups.tidy()
        assert known(state) == 1
        assert [path.name for path in (state / FOLDER).iterdir()] == [new.name]


def results(state: Path, root: Path | None, now: float = NOW) -> list[Check]:
    settings = Settings(data_dir=state, backup_dir="" if root is None else str(root))
    return list(check_backup(settings, now=now))


def lose(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))


def spoil(root: Path) -> None:
    made = root / "20300101T000000Z"
    made.mkdir()
    (made / "manifest.json").write_text("{", encoding="utf-8")


def leave(root: Path) -> None:
    """Change nothing."""


@pytest.mark.parametrize(
    ("change", "days", "expected"),
    [
        (leave, 0.5, "ok: the last one in"),
        (leave, 0.5, "12 hours old"),
        (leave, 4, "warn: the last one in"),
        (leave, -5, "0 hours old"),
        (lose, 0, "fail: There is no backup"),
        (spoil, 0, "warn: 20300101T000000Z can't be read"),
    ],
)
def test_doctor_says_how_they_are(
    state: Path, root: Path, change: Callable[[Path], None], days: float, expected: str
) -> None:
    back_up(state, root)
    asyncio.run(_note(state, BackupNote(made_at=NOW, name="x")))
    change(root)
    checks = [f"{each.result}: {each.found}" for each in results(state, root, NOW + days * DAY_S)]
    assert [each for each in checks if expected in each], checks


async def _note(state: Path, note: BackupNote) -> None:
    async with Database.open(state / DATABASE_NAME) as database:
        await database.write(backup_note.put, note=note)


def test_doctor_says_what_failed_and_what_is_left(state: Path, root: Path) -> None:
    assert [each.result for each in results(state, None)] == ["ok"]
    assert [each.result for each in results(state, root)] == ["ok"]  # the first is to come
    asyncio.run(_note(state, BackupNote(failed_at=NOW, problem="the disk is full")))
    assert ("fail", "the last attempt: the disk is full") in [
        (each.result, each.found) for each in results(state, root)
    ]
    back_up(state, root)
    restore(state, root)
    shown = {each.name: each for each in results(state, root)}
    assert shown["Restore"].result == "warn"
    assert "before-restore-" in shown["Restore"].found
    assert any("same disk" in each.found for each in results(state, root))
    (state / "restore.json").write_text("{}", encoding="utf-8")
    assert "was interrupted" in [each.found for each in results(state, root)]


def test_the_folder_of_the_settings_is_the_default(state: Path, root: Path) -> None:
    done = bot("backup", state=state)
    assert done.returncode == 1
    assert "BACKUP_DIR is empty" in done.stderr
    for _ in range(3):
        done = bot("backup", state=state, BACKUP_DIR=str(root), BACKUP_KEEP="2")
        assert done.returncode == 0, done.stderr
    assert len(names(root)) == 2
    assert bot("backup", "--verify", state=state, BACKUP_DIR=str(root)).returncode == 0
    assert bot("restore", state=state, BACKUP_DIR=str(root)).returncode == 0
    assert len(BackupFolder.open(root).contents().complete) == 2
