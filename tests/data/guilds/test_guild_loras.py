"""What a server's roles may use."""

import pytest

from data.guilds import guild_loras
from data.store.database import Database


@pytest.mark.parametrize("allowed", [None, frozenset[str](), frozenset({"ink", "水彩"})])
async def test_a_rule_comes_back(database: Database, allowed: frozenset[str] | None) -> None:
    await database.write(guild_loras.put, guild_id=1, role_id=1, allowed=frozenset({"x"}))
    await database.write(guild_loras.put, guild_id=1, role_id=1, allowed=allowed)
    await database.write(guild_loras.put, guild_id=2, role_id=3, allowed=frozenset({"y"}))
    assert await database.read(guild_loras.of_guild, guild_id=1) == {1: allowed}
    await database.write(guild_loras.remove, guild_id=1, role_id=1)
    assert await database.read(guild_loras.of_guild, guild_id=1) == {}


async def test_a_damaged_rule_allows_nothing(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("PRAGMA ignore_check_constraints = ON")
        for role_id, names in enumerate(("[", "{}", "7", '"ink"', "null")):
            await connection.execute("INSERT INTO guild_loras VALUES (1, ?, ?)", (role_id, names))
    found = await database.read(guild_loras.of_guild, guild_id=1)
    assert len(found) == 5
    assert all(found[role] is not None and "ink" not in (found[role] or ()) for role in found)
