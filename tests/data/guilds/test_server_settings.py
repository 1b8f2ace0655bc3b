"""The declared settings of a server are those of the schema, and each is kept."""

import sqlite3
from dataclasses import replace

import pytest

from data.guilds import guild_limits, guild_settings
from data.guilds.new_setting import column
from data.guilds.server_settings import GuildSettings, LimitSet, Setting, settings_by
from data.store.database import Database


async def test_the_schemas_defaults_are_the_declared_ones(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO guild_settings (guild_id) VALUES (10)")
        assert await guild_settings.get(connection, guild_id=10) == GuildSettings()


@pytest.mark.parametrize(
    "row", settings_by("switch", "number", "text", "limit", "channel"), ids=lambda row: row.name
)
async def test_the_schemas_columns_are_those_of_the_rows(database: Database, row: Setting) -> None:
    """As `python -m data.guilds.new_setting` writes them."""
    table = "guild_limits" if row.control == "limit" else "guild_settings"
    async with database.reader() as connection:
        schema = await connection.value("SELECT sql FROM sqlite_master WHERE name = ?", (table,))
    assert f" {column(row)}" in " ".join(schema.split())


@pytest.mark.parametrize("row", settings_by("number"), ids=lambda row: row.name)
async def test_a_numbers_bounds_are_the_schemas(database: Database, row: Setting) -> None:
    async def put(value: int) -> None:
        made = replace(GuildSettings(), **{row.name: value})
        async with database.transaction() as connection:
            await guild_settings.put(connection, guild_id=10, settings=made)

    for inside in (row.low, row.high):
        await put(inside)
    for outside in (row.low - 1, row.high + 1):
        with pytest.raises(sqlite3.IntegrityError):
            await put(outside)


@pytest.mark.parametrize("row", settings_by("text"), ids=lambda row: row.name)
async def test_a_texts_length_is_the_schemas(database: Database, row: Setting) -> None:
    async def put(value: str) -> None:
        made = replace(GuildSettings(), **{row.name: value})
        async with database.transaction() as connection:
            await guild_settings.put(connection, guild_id=10, settings=made)
            assert await guild_settings.get(connection, guild_id=10) == made

    await put("猫" * row.high)
    with pytest.raises(sqlite3.IntegrityError):
        await put("猫" * (row.high + 1))


async def test_the_negative_prompt_of_a_server_without_settings_is_empty(
    database: Database,
) -> None:
    async with database.reader() as connection:
        assert await guild_settings.negative_prompt(connection, guild_id=10) == ""


@pytest.mark.parametrize("row", settings_by("limit"), ids=lambda row: row.name)
async def test_a_limits_lower_bound_is_the_schemas(database: Database, row: Setting) -> None:
    async def put(value: int) -> None:
        async with database.transaction() as connection:
            made = LimitSet(**{row.name: value})
            await guild_limits.put(connection, guild_id=10, role_id=1, limits=made)

    await put(row.low)
    with pytest.raises(sqlite3.IntegrityError):
        await put(row.low - 1)


@pytest.mark.parametrize(
    "row", settings_by("switch", "channels", "channel", "tags"), ids=lambda row: row.name
)
async def test_what_is_set_is_kept(database: Database, row: Setting) -> None:
    value = {"switch": not row.default, "channel": 7}.get(row.control, frozenset({7, 8}))
    made = replace(GuildSettings(), **{row.name: value})
    async with database.transaction() as connection:
        await guild_settings.put(connection, guild_id=10, settings=made)
        assert await guild_settings.get(connection, guild_id=10) == made
