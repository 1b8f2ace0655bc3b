"""LoRAs in backups: complete or not at all, each file once, and restored by their names."""

from pathlib import Path

import pytest

from bot.backup.folder import BackupFolder
from bot.backup.lora_files import lora_path
from bot.backup.manifest import ListedLora, loras_text, read_loras
from bot.backup.pruning import Kept
from bot.backup.swapping import finish
from bot.loras.scan import Scanner, manifest_path, read_manifest
from pipeline.errors import StorageError
from pipeline.lora.files import adapter_path
from tests.bot.backup.conftest import NOW, back_up, bot, damages, kill_at, restore, tree
from tests.bot.loras.making import put


@pytest.fixture
def loras(state: Path) -> Path:
    """A library of two, one with a preview."""
    folder = state / "loras"
    put(folder, "墨絵 ink", b"ink")
    put(folder, "oil", b"oil")
    (folder / "oil.webp").write_bytes(b"picture")
    return folder


def names(folder: Path) -> list[str]:
    return [entry.name for entry in Scanner(folder).scan() if not entry.problem]


def stored(root: Path) -> set[bytes]:
    return set(tree(root / "loras").values())


def test_what_is_restored_is_what_was_there(state: Path, root: Path, loras: Path) -> None:
    before = tree(loras)
    (loras / ".writing-adapter").write_bytes(b"half")
    back_up(state, root)
    assert damages(root) == []
    manifest_path(loras, "oil").unlink()
    put(loras, "new", b"new")
    done = restore(state, root)
    assert tree(loras) == before
    assert names(loras) == ["oil", "墨絵 ink"]
    stored_at = read_manifest(manifest_path(loras, "oil")).adapter
    assert adapter_path(loras, stored_at.sha256).stat().st_mtime_ns == stored_at.mtime_ns
    assert done.aside is not None
    assert names(done.aside / "loras") == ["new", "墨絵 ink"]


def test_files_are_shared_and_go_with_the_last_backup_that_needs_them(
    state: Path, root: Path, loras: Path
) -> None:
    back_up(state, root)
    before = tree(root / "loras")
    back_up(state, root, now=NOW + 1)
    assert tree(root / "loras") == before
    manifest_path(loras, "oil").unlink()
    back_up(state, root, now=NOW + 2, kept=Kept(count=1))
    assert b"ink" in stored(root)
    assert not {b"oil", b"picture"} & stored(root)
    assert damages(root) == []


def test_a_library_of_a_state_without_one_stays(state: Path, root: Path) -> None:
    back_up(state, root)
    put(state / "loras", "later", b"later")
    restore(state, root)
    assert names(state / "loras") == ["later"]


def test_an_empty_library_is_restored_as_such(state: Path, root: Path) -> None:
    (state / "loras").mkdir()
    back_up(state, root)
    put(state / "loras", "later", b"later")
    restore(state, root)
    assert names(state / "loras") == []


def test_damage_is_found(state: Path, root: Path, loras: Path) -> None:
    digest = put(loras, "oil", b"oil").adapter.sha256
    back_up(state, root)
    lora_path(root, digest).write_bytes(b"OIL")
    assert damages(root) == [f"{digest}: does not match its checksum"]
    with pytest.raises(StorageError, match="backup_damaged"):
        restore(state, root)
    lora_path(root, digest).unlink()
    assert damages(root) == [f"{digest}: is missing"]
    assert back_up(state, root, now=NOW + 1).lost == 0
    assert damages(root) == []


def test_lost_and_damaged_weights_are_told_and_the_rest_is_copied(
    state: Path, root: Path, loras: Path
) -> None:
    adapter_path(loras, put(loras, "oil", b"oil").adapter.sha256).write_bytes(b"OIL")
    manifest_path(loras, "broken").write_text("{")
    done = bot("backup", str(root), state=state)
    assert done.returncode == 1
    assert "lost or damaged: loras/oil" in done.stderr
    assert "lost or damaged: loras/broken" in done.stderr
    listed = BackupFolder.open(root).newest().loras
    assert {each.name for each in listed if each.name.endswith(".json")} == {"墨絵 ink.json"}
    assert damages(root) == []


def test_one_behind_a_link_is_not_ours(state: Path, root: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "ink")
    (state / "loras").symlink_to(tmp_path / "elsewhere")
    back_up(state, root)
    assert not BackupFolder.open(root).newest().has_loras


@pytest.mark.parametrize(
    "line",
    [
        "x 1 a.json",
        f"{'0' * 64} 1 ../a",
        f"{'0' * 64} 1 .hidden",
        f"{'0' * 64} 1 a/b",
        f"{'0' * 64} 1 a\\b",
        f"{'0' * 64} x a",
        f"{'0' * 64} 1 ",
    ],
)
def test_a_list_leads_nowhere_else(line: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        read_loras(f"{line}\n")


def test_a_list_is_read_as_it_was_written() -> None:
    listed = [ListedLora("0" * 64, 7, "墨絵 (v1) ink.json"), ListedLora("1" * 64, 0, "b.webp")]
    assert read_loras(loras_text(listed)) == listed
    with pytest.raises(ValueError, match="cut off"):
        read_loras("x")


@pytest.mark.parametrize(
    "failpoint", ["backup_lora_copied", "backup_lora_copied:3", "backup_loras_copied"]
)
def test_a_killed_backup_is_made_good_by_the_next(
    state: Path, root: Path, loras: Path, failpoint: str
) -> None:
    kill_at(failpoint, "backup", str(root), state=state)
    back_up(state, root, now=NOW + 9, kept=Kept(count=1))
    assert damages(root) == []
    assert stored(root) == set(tree(loras).values())


def test_a_killed_restore_leaves_the_old_or_the_new(state: Path, root: Path, loras: Path) -> None:
    back_up(state, root)
    put(loras, "new", b"new")
    kill_at("restore_lora_copied:2", "restore", str(root), state=state)
    finish(state)
    assert names(loras) == ["new", "oil", "墨絵 ink"]


def test_a_killed_removal_is_carried_on(state: Path, root: Path, loras: Path) -> None:
    back_up(state, root)
    manifest_path(loras, "oil").unlink()
    back_up(state, root, now=NOW + 1)
    kill_at("prune_lora_removed", "backup", str(root), "--keep", "1", state=state)
    back_up(state, root, now=NOW + 9, kept=Kept(count=1))
    assert b"oil" not in stored(root)
    assert damages(root) == []
