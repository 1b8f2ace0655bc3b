"""What moderators set for a server: `guild_settings`, `guild_channels`, `guild_words`.

Ceilings and defaults of ratings are in `data.guilds.place_settings`, limits in
`data.guilds.guild_limits`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from aiosqlite import Connection

GalleryKind = Literal["text", "forum"]
WordList = Literal["blocked", "allowed"]
ChannelRole = Literal["allowed", "gallery_excluded"]

RETENTION_DAYS: Final = 90
"""How long the audit log is kept where nothing else was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildSettings:
    """One server's settings. Channels are ids; no `allowed_channels` means: all.

    `set_up`: the first-run wizard was finished. `review`: withheld pictures are kept for moderators
    in `review_channel_id`. `gallery_web`: the server wants to be on the public web page.
    `language`: of what everybody there reads; None: as Discord says. `gallery_tags`: those that
    every post in a gallery forum gets.
    """

    set_up: bool = False
    allowed_channels: frozenset[int] = frozenset()
    log_channel_id: int | None = None
    review_channel_id: int | None = None
    review: bool = False
    retention_days: int = RETENTION_DAYS
    gallery_channel_id: int | None = None
    gallery_adult_channel_id: int | None = None
    gallery_kind: GalleryKind = "text"
    gallery_threshold: int = 3
    gallery_self_votes: bool = False
    gallery_approval: bool = False
    gallery_web: bool = False
    language: str | None = None
    gallery_excluded: frozenset[int] = frozenset()
    gallery_tags: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A server's own rules: what is refused, and phrases in which it is harmless."""

    blocked: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()


_CHANNELS: Final[dict[str, ChannelRole]] = {
    "allowed_channels": "allowed",
    "gallery_excluded": "gallery_excluded",
}
_FLAGS: Final = frozenset(
    {"set_up", "review", "gallery_self_votes", "gallery_approval", "gallery_web"}
)
_FIELDS: Final = tuple(n for n in GuildSettings.__dataclass_fields__ if n not in _CHANNELS)


async def get(connection: Connection, *, guild_id: int) -> GuildSettings:
    """The settings of a server; the defaults where nobody set anything."""
    async with connection.execute(
        f"SELECT {', '.join(_FIELDS)} FROM guild_settings WHERE guild_id = ?",  # noqa: S608
        (guild_id,),
    ) as cursor:
        row = await cursor.fetchone()
    found = GuildSettings()
    if row is not None:
        values: dict[str, Any] = {name: row[name] for name in _FIELDS}
        values.update({name: bool(values[name]) for name in _FLAGS})
        values["gallery_tags"] = frozenset(json.loads(values["gallery_tags"]))
        found = GuildSettings(**values)
    return replace(
        found,
        allowed_channels=await channels(connection, guild_id=guild_id, role="allowed"),
        gallery_excluded=await channels(connection, guild_id=guild_id, role="gallery_excluded"),
    )


async def chosen_languages(connection: Connection) -> dict[int, str]:
    """The languages that servers chose, by their ids."""
    async with connection.execute(
        "SELECT guild_id, language FROM guild_settings WHERE language IS NOT NULL"
    ) as cursor:
        return {int(row[0]): str(row[1]) for row in await cursor.fetchall()}


async def put(connection: Connection, *, guild_id: int, settings: GuildSettings) -> None:
    """Store the settings of a server. sqlite3.IntegrityError for a value out of bounds."""
    columns = ", ".join(("guild_id", *_FIELDS))
    marks = ", ".join("?" * (len(_FIELDS) + 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS)
    await connection.execute(
        f"INSERT INTO guild_settings ({columns}) VALUES ({marks})"  # noqa: S608 - our field names
        f" ON CONFLICT (guild_id) DO UPDATE SET {changes}",
        (guild_id, *(_stored(getattr(settings, name)) for name in _FIELDS)),
    )
    for name, role in _CHANNELS.items():
        await _put_channels(connection, guild_id=guild_id, role=role, ids=getattr(settings, name))


def _stored(value: object) -> object:
    return json.dumps(sorted(value)) if isinstance(value, frozenset) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of ids


async def channels(connection: Connection, *, guild_id: int, role: ChannelRole) -> frozenset[int]:
    """The channels of a server that have this role."""
    async with connection.execute(
        "SELECT channel_id FROM guild_channels WHERE guild_id = ? AND role = ?", (guild_id, role)
    ) as cursor:
        return frozenset(int(row[0]) for row in await cursor.fetchall())


async def _put_channels(
    connection: Connection, *, guild_id: int, role: ChannelRole, ids: Iterable[int]
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
