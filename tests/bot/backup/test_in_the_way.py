"""Everything that can be in the way of a backup: disks, links, damage, others at work."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.backup import making, plain_files
from bot.backup.folder import BackupFolder
from bot.backup.making import make_backup
from bot.backup.report import Report
from data.store.database import DATABASE_NAME
from data.store.lock import alone
from pipeline.errors import StorageError
from tests.bot.backup.conftest import (
    NOW,
    back_up,
    bot,
    damages,
    file_of,
    names,
    tree,
)


def lose(path: Path) -> None:
    path.unlink()


def damage(path: Path) -> None:
    path.write_bytes(b"something else")


def link_away(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def make_folder_of(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(lose, "lost"), (damage, "damaged"), (make_folder_of, "unreadable")],
)
def test_a_spoilt_picture_is_told_and_not_copied(
    state: Path, root: Path, spoil: Callable[[Path], None], why: str
) -> None:
    path = file_of(state, "bobs")
    spoil(path)
    done = bot("backup", str(root), state=state)
    assert done.returncode == 1
    assert f"{why}: pictures/{path.name}" in done.stderr
    assert "Lost or damaged pictures: 1." in done.stdout
    assert not (root / "pictures" / path.parent.name / path.name).exists()
    assert damages(root) == []


def test_a_link_in_place_of_a_picture_is_not_followed(state: Path, root: Path) -> None:
    link_away(file_of(state, "bobs"))
    with pytest.raises(StorageError, match="backup_link"):
        back_up(state, root)


@pytest.mark.parametrize("spoil", [lose, damage])
def test_a_good_copy_of_a_spoilt_picture_stays_and_belongs_to_the_next(
    state: Path, root: Path, spoil: Callable[[Path], None]
) -> None:
    path = file_of(state, "bobs")
    good = path.read_bytes()
    back_up(state, root)
    spoil(path)
    made = back_up(state, root, now=NOW + 1)
    assert (made.files, made.missing) == (4, ())
    assert (root / "pictures" / path.parent.name / path.name).read_bytes() == good


def test_a_disk_error_at_one_picture_stops_nothing(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = file_of(state, "bobs")
    opened = os.open

    def failing(path: Any, *args: Any, **kwargs: Any) -> int:
        if Path(path) == wanted:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(plain_files.os, "open", failing)
    made = back_up(state, root)
    assert [(each.why, each.content_hash) for each in made.missing] == [("unreadable", wanted.stem)]


def test_a_damaged_database_makes_no_backup_and_costs_none(state: Path, root: Path) -> None:
    good = back_up(state, root)
    path = state / DATABASE_NAME
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    done = bot("backup", str(root), "--keep", "1", state=state)
    assert done.returncode == 1
    assert "damaged" in done.stderr.splitlines()[-1]
    assert names(root) == [good.name]
    assert damages(root) == []


def test_wherever_the_disk_gets_full_nothing_half_counts(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, left = os.fsync, 0

    def full(number: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", full)
    stopped_at: list[int] = []
    for synced in range(100):
        left = 2**30
        BackupFolder.make(root)
        left = synced
        try:
            back_up(state, root)
            break
        except StorageError as error:
            stopped_at.append(synced)
            assert error.key == "disk_full"  # noqa: PT017
        assert damages(root) == []
        shutil.rmtree(root)
    assert len(stopped_at) > 10
    assert list(root.rglob(".writing-*")) == []
    assert damages(root) == []


def test_sqlite_finding_the_disk_full_names_the_copy(
    state: Path, root: Path, tmp_path: Path
) -> None:
    script = (
        "import resource, signal, sys, pathlib;"
        "from data.store.snapshot import copy_database;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40960, 40960));"
        "copy_database(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(state / DATABASE_NAME), str(tmp_path / "copy.db")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    last = done.stderr.splitlines()[-1]
    assert "StorageError: disk_" in last
    assert "copy.db" in last or "disk_failing" in last


def test_room_is_checked_first(state: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total, free = 2**40, making.MARGIN_BYTES + 1000

    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(total=total, free=free)

    monkeypatch.setattr(making.shutil, "disk_usage", usage)
    with pytest.raises(StorageError, match="backup_no_room") as caught:
        back_up(state, root)
    assert int(str(caught.value.data["needed_bytes"])) > making.MARGIN_BYTES + 100_000
    total = 0  # what some mounted object storage says
    back_up(state, root)


def test_two_at_once_are_one(state: Path, root: Path, tmp_path: Path) -> None:
    class Nested(Report):
        def step(self, what: str, done: int, total: int) -> None:
            with pytest.raises(StorageError, match="backup_busy"):
                back_up(state, root)
            with pytest.raises(StorageError, match="backup_busy"):  # of the same folder, elsewhere
                back_up(state, tmp_path / "others")

    made = make_backup(state, root, now=NOW, version="test", report=Nested())
    assert names(root) == [made.name]


def test_one_that_another_makes_is_not_removed(state: Path, root: Path) -> None:
    back_up(state, root)
    begun = BackupFolder.open(root).begin(NOW)
    with alone(root / "backup.lock", "backup_busy"), pytest.raises(StorageError, match="busy"):
        back_up(state, root)
    assert begun.exists()
    back_up(state, root)
    assert names(root) == ["20270115T080000Z", "20270115T080000Z-2"]


def test_a_folder_with_something_else_in_it_is_refused(state: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("mine", encoding="utf-8")
    done = bot("backup", str(tmp_path / "home"), state=state)
    assert done.returncode == 1
    assert "empty folder" in done.stderr
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]


def test_a_folder_inside_what_is_backed_up_is_refused(state: Path, tmp_path: Path) -> None:
    (tmp_path / "door").symlink_to(state)
    for place in (state / "backups", tmp_path / "door" / "backups"):
        with pytest.raises(StorageError, match="backup_inside"):
            back_up(state, place)


@pytest.mark.parametrize("what", ["pictures", "pictures/{group}", "20300101T000000Z", "manifest"])
def test_a_link_in_the_folder_leads_nowhere(
    state: Path, root: Path, tmp_path: Path, what: str
) -> None:
    made = back_up(state, root)
    group = file_of(state, "bobs").parent.name
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = root / what.format(group=group)
    if what == "manifest":
        place = root / made.name / "manifest.json"
        place.rename(elsewhere / "manifest.json")
        place.symlink_to(elsewhere / "manifest.json")
    else:
        if place.exists():
            place.rename(tmp_path / "moved")
        place.symlink_to(elsewhere)
    before = tree(elsewhere)
    for args in (("backup", str(root)), ("backup", str(root), "--verify")):
        done = bot(*args, state=state)
        assert done.returncode == 1
        assert "symbolic link" in done.stderr
    assert tree(elsewhere) == before


def test_an_empty_disk_is_taken_though_it_has_a_folder_of_its_own(state: Path, root: Path) -> None:
    (root / "lost+found").mkdir(parents=True)
    (root / ".writing-x").touch()  # killed as the very first backup began
    made = back_up(state, root)
    assert names(root) == [made.name]


def test_the_folder_itself_may_be_a_link(state: Path, root: Path, tmp_path: Path) -> None:
    root.mkdir()
    (tmp_path / "disk").symlink_to(root)
    made = back_up(state, tmp_path / "disk")
    assert names(root) == [made.name]


def test_what_mounted_object_storage_lacks_is_not_needed(
    state: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No locks, no syncing of folders, no permissions, no size."""
    fsync = os.fsync
    here = str(state)

    def unsupported(number: int, *_: object) -> None:
        if not str(Path(f"/proc/self/fd/{number}").readlink()).startswith(here):
            raise OSError(errno.ENOSYS, "Function not implemented")

    def only_files(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(number)

    def no_size(_: Path) -> SimpleNamespace:
        return SimpleNamespace(total=0, free=0)

    def forbidden(path: Path, mode: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported", str(path))

    monkeypatch.setattr("fcntl.flock", unsupported)
    monkeypatch.setattr(os, "fsync", only_files)
    monkeypatch.setattr(Path, "chmod", forbidden)
    monkeypatch.setattr(making.shutil, "disk_usage", no_size)
    made = back_up(state, root)
    assert names(root) == [made.name]
    monkeypatch.undo()
    assert damages(root) == []
