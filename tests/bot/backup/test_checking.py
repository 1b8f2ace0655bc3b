"""`backup --verify`: what is damaged is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bot.backup.conftest import (
    back_up,
    bot,
)


def spoil_database(generation: Path) -> None:
    content = bytearray((generation / "ekaki.db").read_bytes())
    content[-100] ^= 1
    (generation / "ekaki.db").write_bytes(content)


def spoil_list(generation: Path) -> None:
    (generation / "pictures.txt").write_text("nonsense\n", encoding="utf-8")


def spoil_manifest(generation: Path) -> None:
    (generation / "manifest.json").write_text("{}", encoding="utf-8")


def spoil_picture(generation: Path) -> None:
    next((generation.parent / "pictures").rglob("*.png")).write_bytes(b"x")


def lose_upload(generation: Path) -> None:
    next((generation.parent / "uploads").rglob("*.png")).unlink()


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (spoil_database, "ekaki.db"), (spoil_list, "pictures.txt"), (spoil_manifest, "Z: "),
        (spoil_picture, ".png: has 1 bytes"), (lose_upload, ".png: is missing"),
    ],
)  # fmt: skip
def test_verify_says_what_is_damaged(
    state: Path, root: Path, spoil: Callable[[Path], None], named: str
) -> None:
    made = back_up(state, root)
    done = bot("backup", str(root), "--verify", state=state)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Everything is intact. Backups: 1, pictures: 4.\n"
    spoil(root / made.name)
    done = bot("backup", str(root), "--verify", state=state)
    assert done.returncode == 1
    assert f"{named}" in next(x for x in done.stderr.splitlines() if x.startswith("damaged: "))
    assert done.stdout.startswith("Damaged: ")
