"""The sums of electricity, as stored."""

from data.store import electricity, notes
from data.store.database import Database


async def test_it_is_kept_and_what_is_damaged_counts_as_nothing(database: Database) -> None:
    async with database.transaction() as connection:
        assert await electricity.get(connection) == (0, 0.0)
        await electricity.put(connection, pictures=3, energy_j=5.5)
        assert await electricity.get(connection) == (3, 5.5)
        for damaged in ("{", "[]", '{"pictures": "x"}', '{"pictures": 1, "energy_j": NaN}'):
            await notes.put(connection, key="electricity", value=damaged)
            assert await electricity.get(connection) == (0, 0.0)
