"""Deletions that outlive their rows: written before the commit, whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.store.database import Database
from data.store.tombstone_lines import Kind, Tombstone, Tombstones, read_tombstones
from data.store.tombstones import CarriedOut, TombstoneFiles, carried_out
from pipeline.errors import StorageError

STONES = st.builds(
    Tombstone,
    number=st.integers(0, 10**15 - 1),
    at=st.integers(-(10**14), 10**15 - 1),
    kind=st.sampled_from(get_args(Kind)),
    digest=st.text("0123456789abcdef", min_size=32, max_size=32),
)
FILES = st.builds(
    Tombstones,
    key=st.binary(min_size=32, max_size=32),
    through=st.integers(0, 10**15 - 1),
    stones=st.lists(STONES).map(tuple),
)


@given(FILES)
def test_what_is_written_is_read(stones: Tombstones) -> None:
    assert read_tombstones(stones.to_text()) == stones


@given(FILES, st.data())
def test_a_file_that_was_cut_off_has_its_whole_lines(
    stones: Tombstones, data: st.DataObject
) -> None:
    text = stones.to_text()
    first = len(stones.first_line())
    cut = data.draw(st.integers(first, len(text)))
    read = read_tombstones(text[:cut])
    assert read.stones == stones.stones[: text[first:cut].count("\n")]


@given(st.text() | FILES.map(lambda stones: stones.to_text().replace(" ", "", 1)))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        read_tombstones(text)


@given(st.lists(FILES.map(lambda each: each.stones)), st.binary(min_size=32, max_size=32))
def test_joining_loses_nothing_and_knows_no_order(
    parts: list[tuple[Tombstone, ...]], key: bytes
) -> None:
    files = [Tombstones(key=key, stones=stones) for stones in parts]
    empty = Tombstones(key=key)
    joined = empty.joined(files)
    assert joined == empty.joined(reversed(files)) == joined.joined(files)
    assert set(joined.stones) == {stone for stones in parts for stone in stones}


@given(FILES, st.integers(-(10**14), 10**15))
def test_what_expires_is_counted(stones: Tombstones, before: int) -> None:
    left = stones.since(before)
    gone = set(stones.stones) - set(left.stones)
    assert all(stone.at <= before for stone in gone)
    assert all(stone.number <= left.through for stone in gone)
    assert left.last == stones.last


def test_the_hash_depends_on_key_kind_and_id() -> None:
    one, other = (Tombstones(key=bytes([number]) * 32) for number in (1, 2))
    found = {
        one.digest("person", 5), one.digest("person", 6), one.digest("job", 5),
        other.digest("person", 5),
    }  # fmt: skip
    assert len(found) == 4
    assert one.digest("person", 5) == one.digest("person", "5")
    assert one.key.hex() not in one.key_id


LONG = 123_456_789_012_345_678


async def put(database: Database, *identifiers: int) -> None:
    for identifier in identifiers:
        async with database.transaction() as connection:
            await database.tombstones.put_in(connection, "person", identifier, now=100.0)


async def done(database: Database) -> CarriedOut:
    async with database.reader() as connection:
        return await carried_out(connection)


async def test_numbers_are_those_of_the_database(database: Database) -> None:
    assert (await done(database)).numbers == {}
    await put(database, LONG, 8)
    (stones,) = database.tombstones.read()
    assert [stone.number for stone in stones.stones] == [1, 2]
    assert [stone.digest for stone in stones.stones] == [
        stones.digest("person", LONG), stones.digest("person", 8)
    ]  # fmt: skip
    assert await done(database) == CarriedOut(key_id=stones.key_id, numbers={stones.key_id: 2})
    text = next(database.tombstones.folder.glob("*.txt")).read_text(encoding="utf-8")
    assert str(LONG) not in text


async def test_what_was_rolled_back_is_written_but_not_carried_out(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await database.tombstones.put_in(connection, "person", 7, now=100.0)
            raise ZeroDivisionError
    assert (await done(database)).numbers == {}
    await put(database, 8)
    (stones,) = database.tombstones.read()
    assert [stone.number for stone in stones.stones] == [1, 2]
    assert (await done(database)).numbers == {stones.key_id: 2}


async def test_a_disk_that_refuses_lets_nothing_be_deleted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data.store.tombstones.os.fsync", full)
    with pytest.raises(StorageError, match="disk_full"):
        await put(database, 7)
    assert (await done(database)).numbers == {}


def cut_off(text: str) -> str:
    return text[:-10]


def nonsense(text: str) -> str:
    return text.replace("person", "nobody")


@pytest.mark.parametrize(("spoil", "files"), [(cut_off, 1), (nonsense, 2)])
async def test_a_spoilt_file_stops_no_deletion(
    database: Database, spoil: Callable[[str], str], files: int
) -> None:
    await put(database, 7, 8)
    (path,) = database.tombstones.folder.glob("*.txt")
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    await put(database, 9)
    assert len(list(database.tombstones.folder.glob("*.txt"))) == files
    numbers = (await done(database)).numbers
    if files == 1:
        (stones,) = database.tombstones.read()
        assert [stone.digest for stone in stones.stones] == [
            stones.digest("person", 7), stones.digest("person", 9)
        ]  # fmt: skip
        assert numbers == {stones.key_id: 2}
    else:
        assert sorted(numbers.values()) == [1, 2]
        with pytest.raises(StorageError, match="tombstones_damaged"):
            database.tombstones.read()


async def test_expired_ones_go_and_numbers_go_on(database: Database) -> None:
    await put(database, 7)
    async with database.transaction():
        await database.tombstones.expire(before=100.0)
    (stones,) = database.tombstones.read()
    assert (stones.stones, stones.through) == ((), 1)
    await put(database, 8)
    (stones,) = database.tombstones.read()
    assert [stone.number for stone in stones.stones] == [2]


async def test_merging_adds_other_files_and_other_lines(database: Database, tmp_path: Path) -> None:
    await put(database, 7)
    there = TombstoneFiles(tmp_path / "there")
    there.merge(database.tombstones.read())
    await put(database, 8)
    other = Tombstones(key=b"k" * 32)
    there.merge([*database.tombstones.read(), other])
    (here,) = database.tombstones.read()
    assert {each.key_id: each for each in there.read()} == {
        here.key_id: here, other.key_id: other
    }  # fmt: skip
