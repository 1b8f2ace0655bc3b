"""Picture files: whole or not there, found by their content, errors that say what to do."""

import errno
import hashlib
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from data.files.picture_files import PictureFiles
from pipeline.errors import StorageError


def test_a_file_lies_under_its_hash_and_comes_back(tmp_path: Path) -> None:
    files = PictureFiles(tmp_path)
    content_hash = files.write(b"picture")
    assert content_hash == hashlib.sha256(b"picture").hexdigest()
    assert files.path(content_hash) == tmp_path / content_hash[:2] / f"{content_hash}.png"
    assert files.read(content_hash) == b"picture"
    assert files.write(b"picture") == content_hash
    files.delete(content_hash)
    files.delete(content_hash)
    with pytest.raises(StorageError, match="picture_missing"):
        files.read(content_hash)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        (errno.ENOENT, "picture_missing"),
        (errno.ENOTDIR, "picture_missing"),
        (errno.EMFILE, "disk_failing"),
        (errno.EIO, "disk_failing"),
        (errno.ESTALE, "disk_failing"),
        (errno.EACCES, "storage_read_only"),
    ],
)
def test_only_what_is_not_there_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, key: str
) -> None:
    files = PictureFiles(tmp_path)
    content_hash = files.write(b"picture")

    def refuse(*_args: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    for name in ("read_bytes", "stat", "open"):
        monkeypatch.setattr(Path, name, refuse)
    for read in (files.read, files.size, partial(files.read_piece, offset=0, size=1)):
        with pytest.raises(StorageError, match=key):
            read(content_hash)
    monkeypatch.undo()


@pytest.mark.parametrize("name", ["../../etc/passwd", "abc", "z" * 63 + "/", ""])
def test_no_other_path_can_be_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a content hash"):
        PictureFiles(tmp_path).path(name)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EROFS, "storage_read_only"),
        (errno.EIO, "disk_failing"),
    ],
)
def test_a_disk_that_refuses_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, key: str
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=key):
        PictureFiles(tmp_path).write(b"picture")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
