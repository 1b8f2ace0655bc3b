"""A folder with something of everything in it, made without a bot."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.backup.checking import check
from bot.backup.folder import BackupFolder
from bot.backup.making import Made, make_backup
from bot.backup.pruning import Kept
from bot.backup.report import Report
from bot.backup.restoring import Restored, restore_backup
from bot.config.variables import VARIABLES
from data.files.picture_files import PictureFiles
from data.gallery import entries, states, votes
from data.jobs import jobs, pictures, uploads, withheld
from data.jobs.uploads import UploadRecord
from data.jobs.withheld import WithheldRecord
from data.people import favourites
from data.store.database import DATABASE_NAME, Database
from data.store.lock import only_one
from data.store.private import make_folder
from pipeline.rating import Rating
from tests.data.records import a_job, a_picture
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_800_000_000.0

ALICE, BOB = 11, 12
GUILD = 10


async def add_job(database: Database, files: PictureFiles, job_id: str, user_id: int) -> str:
    """A finished and delivered job with one picture; returns the picture's hash."""
    content_hash = files.write(f"picture of {job_id}".encode())
    job = replace(a_job(job_id, user_id=user_id, prompt=f"prompt of {job_id}"), message_id=70)
    async with database.transaction() as connection:
        await jobs.insert(connection, job=job)
        picture = a_picture(f"p{job_id}", job_id, content_hash=content_hash)
        await pictures.insert(connection, picture=picture)
        await jobs.mark_ended(connection, job_id=job_id, state="finished", now=20.0)
        await jobs.mark_delivered(
            connection, job_id=job_id, delivery="delivered", message_id=71, now=21.0
        )
    return content_hash


async def fill(folder: Path) -> None:
    """Alice and Bob have pictures; Alice's is in the gallery, starred by Bob; one is withheld, one
    was uploaded, one job waits."""
    files = PictureFiles(folder / "pictures")
    async with Database.open(folder / DATABASE_NAME) as database:
        for job_id, user_id in (("alices", ALICE), ("bobs", BOB)):
            await add_job(database, files, job_id, user_id)
        held = PictureFiles(folder / "withheld").write(b"withheld")
        sent = PictureFiles(folder / "uploads").write(b"sent")
        async with database.transaction() as connection:
            await entries.insert(
                connection,
                entry_id="e1", picture_id="palices", guild_id=GUILD, channel_id=100,
                maker_id=ALICE, maker_name="Alice", rating=Rating.SAFE,
            )  # fmt: skip
            await states.share(
                connection, number=1, approval=False, shared_by=ALICE, needed=None, now=30.0
            )
            await votes.star(connection, number=1, user_id=BOB, message_id=0, now=31.0)
            await favourites.mark(connection, user_id=BOB, picture_id="palices", now=32.0)
            record = WithheldRecord(
                id="w1", job_id="bobs", position=1, reason="rating", ceiling=Rating.SAFE, seen=None,
                picture=a_picture("w1", "bobs", position=1, content_hash=held),
                state="waiting", withheld_at=33.0,
            )  # fmt: skip
            await withheld.insert(connection, record=record)
            upload = UploadRecord(
                content_hash=sent, user_id=BOB, width=8, height=8, size_bytes=4, uploaded_at=34.0
            )
            await uploads.put(connection, upload=upload)
            await jobs.insert(connection, job=a_job("waits", user_id=ALICE, init_picture=sent))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """DATA_DIR."""
    folder = tmp_path / "state"
    make_folder(folder)
    asyncio.run(fill(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where backups go; not made yet."""
    return tmp_path / "backups"


def back_up(state: Path, root: Path, *, now: float = NOW, kept: Kept | None = None) -> Made:
    return make_backup(state, root, now=now, version="test", kept=kept)


def restore(state: Path, root: Path, *, name: str | None = None, now: float = NOW) -> Restored:
    """As the command does it."""
    folder = BackupFolder.open(root)
    make_folder(state)
    with only_one(state):
        return asyncio.run(restore_backup(state, folder, folder.newest(name), now=now))


def environment(**settings: str) -> dict[str, str]:
    """With only `settings` of ours."""
    names = {each.name for each in VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return clean | {"PYTHONPATH": str(ROOT)} | settings


def bot(*args: str, state: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """`python -m bot ARGS` over `state`."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *args],
        env=environment(DATA_DIR=str(state), **settings),
        cwd=ROOT / "tests", capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip


def kill_at(failpoint: str, *args: str, state: Path) -> None:
    """Run a command that is killed at a failpoint."""
    done = bot(*args, state=state, EKAKI_FAILPOINT=failpoint)
    assert done.returncode == -signal.SIGKILL, f"{failpoint} was not passed: {done.stderr}"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def damages(root: Path) -> list[str]:
    folder = BackupFolder.open(root)
    return [
        f"{each.path.name}: {each.problem}"
        for each in check(folder, folder.contents().complete, Report())
    ]


def names(root: Path) -> list[str]:
    return [each.name for each in BackupFolder.open(root).contents().complete]


def query(database: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def file_of(state: Path, job_id: str) -> Path:
    ((content_hash,),) = query(
        state / DATABASE_NAME, f"SELECT content_hash FROM pictures WHERE job_id = '{job_id}'"
    )
    return PictureFiles(state / "pictures").path(content_hash)
