"""The weights of a LoRA reach another machine whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from bot.hosts import adapters
from bot.hosts.adapters import Receiver, missing, pieces
from pipeline.errors import InputError, StorageError


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "PIECE_BYTES", 10)


def kept(folder: Path, content: bytes) -> str:
    """A file of the library, by its digest."""
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(exist_ok=True)
    (folder / f"{digest}.safetensors").write_bytes(content)
    return digest


def send(here: Path, there: Path | None, digest: str) -> None:
    first = True
    for piece, last in pieces(here, digest, "ink"):
        Receiver(there).take(digest, piece, first=first, last=last)
        first = False


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 35])
def test_a_file_arrives_as_it_was(tmp_path: Path, size: int) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    digest = kept(here, bytes(range(size)))
    assert missing(there, [digest]) == [digest]
    send(here, there, digest)
    assert missing(there, [digest]) == []
    assert [each.read_bytes() for each in there.iterdir()] == [bytes(range(size))]


def test_one_that_was_broken_off_is_sent_again(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    digest = kept(here, b"0123456789abc")
    Receiver(there).take(digest, b"0123456789", first=True, last=False)
    assert missing(there, [digest]) == [digest]
    send(here, there, digest)
    assert missing(there, [digest]) == []


def test_what_is_not_as_announced_is_not_kept(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"right").hexdigest()
    with pytest.raises(ValueError, match="arrived as"):
        Receiver(tmp_path).take(digest, b"wrong", first=True, last=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a/b", "."])
def test_a_digest_is_never_a_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="can't be kept"):
        Receiver(tmp_path / "there").take(digest, b"", first=True, last=True)
    assert not (tmp_path / "there").exists()


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Receiver(tmp_path / "file" / "loras").take("ab", b"", first=True, last=False)


@pytest.mark.parametrize("folder", [None, "nowhere"])
def test_a_lora_that_is_gone_here_is_named(tmp_path: Path, folder: str | None) -> None:
    with pytest.raises(InputError) as gone:
        list(pieces(None if folder is None else tmp_path / folder, "ab", "ink"))
    assert (gone.value.key, gone.value.data["name"]) == ("lora_gone", "ink")
