"""JSON in a column that can't be read stops neither its row nor others."""

import pytest

from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.people import web_sessions
from data.people.web_sessions import WebSession
from data.store import maintenance, notes
from data.store.damage import ids_of
from data.store.database import Database
from data.store.maintenance import Maintenance

NO_LISTS = ["{", "{}", "5", "null", '"1"', "[" * 5000, "NaN"]


@pytest.mark.parametrize("stored", NO_LISTS)
def test_what_is_no_list_holds_no_ids(stored: str) -> None:
    assert ids_of(stored) == frozenset()


def test_of_a_list_the_ids_are_read_and_the_rest_is_left_out() -> None:
    assert ids_of('[5, "6", null, 7.0, [8], true, 9]') == {5, 9}


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ('{"since": 5.5, "by": 7, "reason": "repairs"}', (5.5, 7, "repairs")),
        ('{"since": 5.5, "by": 7, "reason": "repairs", "until": 9}', (5.5, 7, "repairs")),
        ('{"since": "x", "by": null}', (0.0, 0, "")),
        ("{", (0.0, 0, "")),
        ("[1]", (0.0, 0, "")),
    ],
)
async def test_maintenance_that_can_not_be_read_is_on_until_it_is_turned_off(
    database: Database, stored: str, found: tuple[float, int, str]
) -> None:
    since, by, reason = found
    async with database.transaction() as connection:
        await notes.put(connection, key="maintenance", value=stored)
        wanted = Maintenance(since=since, by=by, reason=reason)
        assert await maintenance.get(connection) == wanted
        await maintenance.put(connection, maintenance=None)
        assert await maintenance.get(connection) is None


@pytest.mark.parametrize("stored", ["{", "{}", "5"])
async def test_a_servers_settings_are_read_without_a_list_that_can_not_be(
    database: Database, stored: str
) -> None:
    settings = GuildSettings(gallery_tags=frozenset({5}), language="ja")
    async with database.transaction() as connection:
        await connection.execute("PRAGMA ignore_check_constraints = ON")
        await guild_settings.put(connection, guild_id=1, settings=settings)
        await connection.execute("UPDATE guild_settings SET gallery_tags = ?", (stored,))
        found = await guild_settings.get(connection, guild_id=1)
    assert (found.gallery_tags, found.language) == (frozenset(), "ja")


async def test_somebody_whose_servers_can_not_be_read_is_signed_in_without_them(
    database: Database,
) -> None:
    session = WebSession(user_id=1, name="A", guild_ids=frozenset({5}), expires_at=9.0)
    async with database.transaction() as connection:
        await web_sessions.insert(connection, key="k", session=session)
        await connection.execute("UPDATE web_sessions SET guild_ids = '{}'")
        found = await web_sessions.get(connection, key="k", now=1)
    assert found == WebSession(user_id=1, name="A", guild_ids=frozenset(), expires_at=9.0)
