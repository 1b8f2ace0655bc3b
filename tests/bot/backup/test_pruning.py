"""Which backups go, and which pictures with them."""

import hashlib
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bot.backup.folder import BackupFolder, Generation
from bot.backup.manifest import PICTURES, Listed, Manifest, list_text
from bot.backup.pruning import Kept, needed_files
from data.store.database import DATABASE_NAME
from tests.bot.backup.conftest import (
    NOW,
    back_up,
    damages,
    file_of,
    names,
)

DAY_S = 86_400.0


def test_each_is_complete_by_itself(state: Path, root: Path) -> None:
    first = back_up(state, root)
    gone = file_of(state, "bobs")
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM pictures WHERE job_id = 'bobs'")
    gone.unlink()
    second = back_up(state, root, now=NOW + 1)
    assert (root / "pictures" / gone.parent.name / gone.name).exists()
    kept = {each.name: len(each.listed) for each in BackupFolder.open(root).contents().complete}
    assert kept == {first.name: 4, second.name: 3}
    removed = back_up(state, root, now=NOW + 2, kept=Kept(count=2))
    assert removed.removed == (first.name,)
    assert not (root / "pictures" / gone.parent.name / gone.name).exists()
    assert damages(root) == []


@pytest.mark.parametrize("jump_s", [0.0, -1.0, -3650 * DAY_S])
def test_a_clock_that_goes_back_keeps_the_order(state: Path, root: Path, jump_s: float) -> None:
    first = back_up(state, root)
    second = back_up(state, root, now=NOW + jump_s)
    third = back_up(state, root, now=NOW + 2 * jump_s, kept=Kept(count=2, days=30))
    assert third.removed == (first.name,)
    assert names(root) == [second.name, third.name]
    assert BackupFolder.open(root).newest().name == third.name


def test_a_clock_that_jumps_ahead_removes_nothing_the_first_time(state: Path, root: Path) -> None:
    made = [back_up(state, root, now=NOW + day * DAY_S).name for day in range(3)]
    late = back_up(state, root, now=NOW + 3000 * DAY_S, kept=Kept(days=30))
    assert names(root) == [*made, late.name]
    assert back_up(state, root, now=NOW + 3 * DAY_S, kept=Kept(days=30)).removed == tuple(made)


def test_days_and_count_both_remove_but_never_the_newest(state: Path, root: Path) -> None:
    made = [back_up(state, root, now=NOW + day * DAY_S).name for day in (0, 40, 41)]
    last = back_up(state, root, now=NOW + 42 * DAY_S, kept=Kept(days=30))
    assert last.removed == (made[0],)
    assert back_up(state, root, now=NOW, kept=Kept(count=1)).removed == (*made[1:], last.name)


def test_while_a_backup_can_not_be_read_no_picture_is_removed(state: Path, root: Path) -> None:
    first = back_up(state, root)
    second = back_up(state, root, now=NOW + 1)
    (root / second.name / "manifest.json").write_text("{", encoding="utf-8")
    gone = file_of(state, "bobs")
    with closing(sqlite3.connect(state / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM pictures WHERE job_id = 'bobs'")
    made = back_up(state, root, now=NOW + 2, kept=Kept(count=1))
    assert made.removed == (first.name,)
    assert (root / "pictures" / gone.parent.name / gone.name).exists()
    assert (root / second.name).exists()


def test_memory_does_not_grow_with_the_number_of_backups(tmp_path: Path) -> None:
    hashes = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(2000)]
    listed = [Listed("pictures", each, 100) for each in hashes]
    backups: list[Generation] = []
    for number in range(20):
        path = tmp_path / str(number)
        path.mkdir()
        (path / PICTURES).write_text(list_text(listed), encoding="ascii")
        manifest = Manifest(ekaki="test", schema=1, number=number, created=NOW, files={})
        backups.append(Generation(path, manifest))
    peaks = [peak_of(partial(needed_files, backups[:count])) for count in (1, 20)]
    assert needed_files(backups) == {"pictures": set(hashes), "uploads": set(), "withheld": set()}
    assert peaks[1] < 1.5 * peaks[0]


def peak_of(work: Callable[[], object]) -> int:
    """The most memory that Python took meanwhile, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
