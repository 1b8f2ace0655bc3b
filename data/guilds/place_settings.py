"""The `place_settings` table: what moderators set for a server or a channel."""

from typing import Literal

from data.guilds.server_settings import PlaceRatings
from data.store.connection import Connection
from pipeline.rating import Rating

Scope = Literal["guild", "channel"]


def _rating(value: int | None) -> Rating | None:
    return None if value is None else Rating(value)


async def ratings(connection: Connection, *, guild_id: int | None, channel_id: int) -> PlaceRatings:
    """The settings of the server and the channel."""
    if guild_id is None:
        return PlaceRatings()
    found: dict[str, Rating | None] = {}
    async with connection.execute(
        "SELECT scope, rating_ceiling, rating_default FROM place_settings"
        " WHERE (scope = 'guild' AND id = ?) OR (scope = 'channel' AND id = ?)",
        (guild_id, channel_id),
    ) as cursor:
        async for scope, ceiling, default in cursor:
            found[f"{scope}_ceiling"] = _rating(ceiling)
            found[f"{scope}_default"] = _rating(default)
    return PlaceRatings(**found)


async def set_ratings(
    connection: Connection,
    *,
    scope: Scope,
    id: int,  # noqa: A002 - the column's name
    guild_id: int,
    ceiling: Rating | None,
    default: Rating | None,
) -> None:
    """Set (or with None unset) the ceiling and the default of a server or channel."""
    await connection.execute(
        "INSERT INTO place_settings (scope, id, guild_id, rating_ceiling, rating_default)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, id) DO UPDATE SET"
        " rating_ceiling = excluded.rating_ceiling, rating_default = excluded.rating_default",
        (
            scope,
            id,
            guild_id,
            None if ceiling is None else int(ceiling),
            None if default is None else int(default),
        ),
    )
