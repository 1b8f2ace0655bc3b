"""The `guild_settings`, `guild_channels` and `guild_words` tables, as GuildSettings and Words of
`data.guilds.server_settings`.
"""

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

from data.guilds.server_settings import GuildSettings, WordList, Words, settings_by
from data.store.connection import Connection
from data.store.damage import ids_of
from pipeline.card import Speed

_LISTS: Final = {
    # stored in `guild_channels`: the field and its role there
    row.name: row.name.removesuffix("_channels")
    for row in settings_by("channels")
}
_DEFAULTS: Final = {
    each.name: each.default for each in fields(GuildSettings) if each.name not in _LISTS
}


async def get(connection: Connection, *, guild_id: int) -> GuildSettings:
    """The settings of a server; defaults for those that are not set."""
    row = await connection.first(
        f"SELECT {', '.join(_DEFAULTS)} FROM guild_settings WHERE guild_id = ?",  # noqa: S608
        (guild_id,),
    )
    values: dict[str, Any] = {
        name: await channels(connection, guild_id=guild_id, role=role)
        for name, role in _LISTS.items()
    }
    if row is not None:
        values |= {name: _read(row[name], default) for name, default in _DEFAULTS.items()}
    return GuildSettings(**values)


def _read(value: Any, default: object) -> Any:
    """A column as a value of the same type as `default`."""
    match default:
        case bool():
            return bool(value)
        case frozenset():
            return ids_of(value)
        case _:
            return value


async def negative_prompt(connection: Connection, *, guild_id: int) -> str:
    """What is added to every negative prompt of a server."""
    row = await connection.first(
        "SELECT negative_prompt FROM guild_settings WHERE guild_id = ?", (guild_id,)
    )
    return "" if row is None else str(row[0])


async def default_speed(connection: Connection, *, guild_id: int) -> Speed | None:
    """The speed of requests that say none, of members who chose none; None: not set."""
    row = await connection.first(
        "SELECT default_speed FROM guild_settings WHERE guild_id = ?", (guild_id,)
    )
    return None if row is None or row[0] not in list(Speed) else Speed(row[0])


async def chosen_languages(connection: Connection) -> dict[int, str]:
    """The languages that servers chose, by server id."""
    rows = await connection.every(
        "SELECT guild_id, language FROM guild_settings WHERE language IS NOT NULL"
    )
    return {int(row[0]): str(row[1]) for row in rows}


async def put(connection: Connection, *, guild_id: int, settings: GuildSettings) -> None:
    """Store the settings of a server. sqlite3.IntegrityError for a value out of bounds."""
    columns = ", ".join(("guild_id", *_DEFAULTS))
    marks = ", ".join("?" * (len(_DEFAULTS) + 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in _DEFAULTS)
    await connection.execute(
        f"INSERT INTO guild_settings ({columns}) VALUES ({marks})"  # noqa: S608 - our field names
        f" ON CONFLICT (guild_id) DO UPDATE SET {changes}",
        (guild_id, *(_stored(getattr(settings, name)) for name in _DEFAULTS)),
    )
    for name, role in _LISTS.items():
        await _put_channels(connection, guild_id=guild_id, role=role, ids=getattr(settings, name))


def _stored(value: object) -> object:
    return json.dumps(sorted(value)) if isinstance(value, frozenset) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of ids


async def channels(connection: Connection, *, guild_id: int, role: str) -> frozenset[int]:
    """The channels of a server that have this role."""
    return frozenset(
        await connection.column(
            "SELECT channel_id FROM guild_channels WHERE guild_id = ? AND role = ?",
            (guild_id, role),
        )
    )


async def _put_channels(
    connection: Connection, *, guild_id: int, role: str, ids: Iterable[int]
) -> None:
    await connection.execute(
        "DELETE FROM guild_channels WHERE guild_id = ? AND role = ?", (guild_id, role)
    )
    await connection.executemany(
        "INSERT INTO guild_channels (guild_id, role, channel_id) VALUES (?, ?, ?)",
        [(guild_id, role, channel_id) for channel_id in ids],
    )


async def words(connection: Connection, *, guild_id: int) -> Words:
    """The server's own rules on prompts."""
    lists: dict[str, set[str]] = {"blocked": set(), "allowed": set()}
    async with connection.execute(
        "SELECT list, word FROM guild_words WHERE guild_id = ?", (guild_id,)
    ) as cursor:
        async for row in cursor:
            lists[row[0]].add(str(row[1]))
    return Words(blocked=frozenset(lists["blocked"]), allowed=frozenset(lists["allowed"]))


async def put_words(
    connection: Connection, *, guild_id: int, which: WordList, words: Iterable[str]
) -> None:
    """Replace one of the server's lists."""
    await connection.execute(
        "DELETE FROM guild_words WHERE guild_id = ? AND list = ?", (guild_id, which)
    )
    await connection.executemany(
        "INSERT INTO guild_words (guild_id, list, word) VALUES (?, ?, ?)",
        [(guild_id, which, word) for word in words],
    )
