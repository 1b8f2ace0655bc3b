"""What is kept is for the bot's own user, whatever the umask is."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.backup.opening import prepare_folder
from bot.doctor.place import check_place
from data.files.picture_files import PictureFiles
from data.files.thumbnails import Thumbnails
from data.store.database import DATABASE_NAME, Database
from data.store.lock import only_one
from data.store.private import tighten, too_open
from pipeline.errors import StorageError
from pipeline.metadata.png import encode_png

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's")


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def fill(data_dir: Path) -> None:
    """Everything that the bot makes there."""
    from PIL import Image

    prepare_folder(data_dir)
    png = encode_png(Image.new("RGB", (400, 8)), "")
    for name in ("pictures", "uploads", "withheld"):
        content_hash = PictureFiles(data_dir / name).write(png)
    Thumbnails.under(data_dir).make(content_hash, 320)
    with only_one(data_dir):
        async with Database.open(data_dir / DATABASE_NAME) as database:
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO notes (key, value) VALUES ('a', 'b')")
            assert mode(data_dir / f"{DATABASE_NAME}-wal") & 0o007 == 0
            assert mode(data_dir / f"{DATABASE_NAME}-shm") & 0o007 == 0


async def test_what_is_made_is_private(tmp_path: Path, umask: None) -> None:
    data_dir = tmp_path / "deep" / "state"
    await fill(data_dir)
    for path in (data_dir, *data_dir.rglob("*")):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path
    assert too_open(data_dir) == []


async def test_a_setgid_folder_gives_its_group_what_the_folder_gives(
    tmp_path: Path, umask: None
) -> None:
    data_dir = tmp_path / "state"
    data_dir.mkdir()
    data_dir.chmod(0o2750)
    await fill(data_dir)
    for path in data_dir.rglob("*"):
        if path.name.startswith(f"{DATABASE_NAME}-"):
            continue
        assert mode(path) == (0o2750 if path.is_dir() else 0o640), path
    assert too_open(data_dir) == []


async def test_what_was_open_is_tightened_at_the_next_start(tmp_path: Path) -> None:
    data_dir = tmp_path / "state"
    await fill(data_dir)
    foreign = data_dir / "notes-of-the-operator"
    foreign.touch()
    for path in (data_dir, *data_dir.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert [each.result for each in check_place(data_dir)] == ["warn"]
    prepare_folder(data_dir)
    ours = [path for path in data_dir.rglob("*") if path != foreign]
    for path in (data_dir, *ours):
        assert mode(path) & 0o077 == 0, path
    assert mode(foreign) == 0o644
    assert [each.result for each in check_place(data_dir)] == ["ok"]


def test_a_folder_that_is_everybodys_stays_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / DATABASE_NAME).touch(0o644)
    assert tighten(tmp_path) == []
    assert mode(tmp_path) == 0o1777
    assert mode(tmp_path / DATABASE_NAME) == 0o600


def test_what_does_not_let_itself_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / DATABASE_NAME).touch()
    (tmp_path / DATABASE_NAME).chmod(0o644)
    tmp_path.chmod(0o700)

    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "chmod", refuse)
    assert tighten(tmp_path) == [tmp_path / DATABASE_NAME]


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
async def test_a_file_system_without_rights_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(Path, "chmod", refuse)
    await fill(tmp_path / "state")
    assert list((tmp_path / "state" / "pictures").rglob("*.png"))


def test_other_trouble_with_rights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(StorageError, match="storage_read_only"):
        PictureFiles(tmp_path / "pictures").write(b"PNG")


def test_imported_tags_are_private(tmp_path: Path) -> None:
    csv = tmp_path / "list.csv"
    csv.write_text("1girl,0,100,\n", encoding="utf-8")
    environment = os.environ | {"DATA_DIR": str(tmp_path / "state")}
    command = [sys.executable, "-m", "bot", "tags", "import", str(csv)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert mode(tmp_path / "state") == 0o700
    assert mode(tmp_path / "state" / "tags.csv") == 0o600
