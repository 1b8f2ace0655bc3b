"""The pause and the rests lately, as stored."""

import pytest

from data.store import notes, pause
from data.store.database import Database
from data.store.pause import PastRest, Pause


async def test_a_pause_is_read_as_it_was_stored(database: Database) -> None:
    async with database.transaction() as connection:
        assert await pause.get(connection) is None
        for until in (None, 9.5):
            made = Pause(since=5.0, until=until, by=7, refuses=until is None)
            await pause.put(connection, pause=made)
            assert await pause.get(connection) == made
        await pause.put(connection, pause=None)
        assert await pause.get(connection) is None


@pytest.mark.parametrize(
    ("stored", "until"),
    [("{", None), ("[1]", None), ('{"until": "x", "by": []}', None), ('{"until": 9}', 9.0)],
)
async def test_one_that_can_not_be_read_lasts_until_it_is_ended(
    database: Database, stored: str, until: float | None
) -> None:
    async with database.transaction() as connection:
        await notes.put(connection, key="drawing_pause", value=stored)
        assert await pause.get(connection) == Pause(since=0.0, until=until, by=0)


async def test_rests_are_remembered_and_damaged_ones_left_out(database: Database) -> None:
    async with database.transaction() as connection:
        assert await pause.rests(connection) == []
        known = [PastRest(float(at), at + 0.5) for at in range(60)]
        await pause.put_rests(connection, known=[*known, PastRest(99.0, None)])
        found = await pause.rests(connection)
        assert found[-1] == PastRest(99.0, None)
        assert found[0] == PastRest(11.0, 11.5)
        for stored in ("{", '{"rests": 5}', '{"rests": [[1], "x", [null, 2]]}'):
            await notes.put(connection, key="drawing_rests", value=stored)
            assert await pause.rests(connection) == []


def test_only_the_part_of_a_rest_since_then_counts() -> None:
    known = [PastRest(0.0, 10.0), PastRest(20.0, 30.0), PastRest(50.0, None)]
    assert pause.rested_s(known, since=5.0, now=60.0) == 5 + 10 + 10
    assert pause.rested_s(known, since=25.0, now=28.0) == 3
    assert pause.rested_s(known, since=100.0, now=90.0) == 0
    assert pause.rested_s([], since=0.0, now=9.0) == 0
