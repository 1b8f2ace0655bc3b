"""A data folder that is moved or replaced under a running bot: noticed, and nothing is lost."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.compose import hold_place
from bot.doctor.place import check_place
from data.store.database import DATABASE_NAME, Database
from data.store.lock import only_one
from data.store.place import Place
from pipeline.errors import StorageError
from pipeline.request import GenerationRequest
from tests.bot.conftest import open_harness, origin
from tests.support.patience import PATIENCE_S

REQUEST = GenerationRequest(prompt="1girl")


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def moved_and_made_anew(folder: Path) -> None:
    moved(folder)
    (folder / "pictures").mkdir(parents=True)
    sqlite3.connect(folder / "test.db").close()


def database_replaced(folder: Path) -> None:
    shutil.copyfile(folder / "test.db", folder / "copy")
    (folder / "copy").replace(folder / "test.db")


def pictures_replaced(folder: Path) -> None:
    (folder / "pictures").rename(folder / "old")
    (folder / "pictures").mkdir()


@pytest.mark.parametrize(
    "change", [moved, moved_and_made_anew, database_replaced, pictures_replaced]
)
async def test_nothing_is_taken_or_stored_and_the_job_stays_open(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    async with open_harness(folder) as harness:
        hold_place(harness.files, None)
        harness.engine.hold()
        job_id = (await harness.jobs.submit(REQUEST, origin())).job.id
        await asyncio.to_thread(harness.engine.started.acquire)
        change(folder)
        with pytest.raises(StorageError, match="data_dir_replaced"):
            await harness.jobs.submit(REQUEST, origin(2))
        with pytest.raises(StorageError, match="data_dir_replaced"):
            async with asyncio.timeout(PATIENCE_S):
                await harness.database.place.watch()
        harness.engine.release()
        with pytest.raises(StorageError, match="data_dir_replaced"):
            async with asyncio.timeout(PATIENCE_S):
                await harness.jobs.failure
        assert list((folder / "pictures").rglob("*.png")) == []
        job = await harness.jobs.job(job_id)  # read where it was accepted
        assert job is not None
        assert job.ended_at is None


def test_an_untouched_place_is_fine(tmp_path: Path) -> None:
    place = Place()
    place.hold(tmp_path)
    (tmp_path / "new").touch()
    place.check()


async def test_doctor_tells_a_database_that_is_not_the_running_bots(tmp_path: Path) -> None:
    async with Database.open(tmp_path / DATABASE_NAME) as database:
        with only_one(tmp_path) as lock:
            lock.tell_database(database.path)
            assert not [each for each in check_place(tmp_path) if each.result == "fail"]
            shutil.copyfile(database.path, tmp_path / "copy")
            (tmp_path / "copy").replace(database.path)
            (found,) = [each for each in check_place(tmp_path) if each.result == "fail"]
            assert "another database" in found.found
            assert found.fix


async def test_doctor_tells_a_folder_that_was_moved_under_the_bot(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    async with Database.open(folder / DATABASE_NAME) as database:
        with only_one(folder) as lock:
            lock.tell_database(database.path)
            moved(folder)
            found = list(check_place(tmp_path / "elsewhere"))
            assert [each.result for each in found][:1] == ["fail"]


def test_what_can_not_be_looked_at_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Place()
    held.hold(tmp_path)

    def refuse(_: Path) -> tuple[int, int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("data.store.place.identity", refuse)
    held.check()
    monkeypatch.undo()
    monkeypatch.setattr("data.store.place.identity", lambda _: (0, 0))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(StorageError, match="data_dir_replaced"):
        held.check()
