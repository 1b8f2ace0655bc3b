"""The tables `news_settings` and `maker_news`: notifications of makers about stars and remixes.

Triggers enter what happens, for those makers only.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from data.store.connection import Connection, Table


class Told(StrEnum):
    """When a maker is notified."""

    OFF = "off"
    DAILY = "daily"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsSettings:
    """`seen`: the newest message of their direct messages before the first attempt at what is being
    sent."""

    told: Told
    locale: str
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """`by_id` starred pictures of the maker's job, or drew on from it (`remix_id`)."""

    kind: Literal["star", "remix"]
    job_id: str
    by_id: int
    remix_id: str | None


_SETTINGS: Final = Table(NewsSettings, "news_settings", read={"told": Told})
_NEWS: Final = Table(News, "maker_news")
_PUT: Final = (
    "INSERT INTO outbox_put (kind, key, lane) SELECT 'maker_news', n.user_id, 'news:' || n.user_id"
)
_DUE: Final = (
    "EXISTS (SELECT 1 FROM maker_news m WHERE m.maker_id = n.user_id AND m.state <> 'told'"
    " AND (n.told = 'at_once' OR m.state = 'sending' OR m.happened_at <= ?))"
)


async def settings(connection: Connection, *, user_id: int) -> NewsSettings | None:
    """The choice of `user_id`; None: no notifications."""
    return await _SETTINGS.one(connection, "WHERE user_id = ?", (user_id,))


async def choose(connection: Connection, *, user_id: int, told: Told, locale: str) -> None:
    """Set when `user_id` is notified. OFF also removes what waits."""
    if told is Told.OFF:
        await connection.execute("DELETE FROM news_settings WHERE user_id = ?", (user_id,))
        return
    await connection.execute(
        "INSERT INTO news_settings (user_id, told, locale) VALUES (?, ?, ?)"
        " ON CONFLICT (user_id) DO UPDATE SET told = excluded.told, locale = excluded.locale",
        (user_id, told, locale),
    )
    await connection.execute(
        f"{_PUT} FROM news_settings n WHERE n.user_id = ? AND n.told = 'at_once' AND {_DUE}",
        (user_id, 0.0),
    )


async def put_due(connection: Connection, *, before: float) -> None:
    """Have the outbox tell what waits since `before` or longer."""
    await connection.execute(f"{_PUT} FROM news_settings n WHERE {_DUE}", (before,))


async def begin(
    connection: Connection, *, user_id: int, guild_ids: Iterable[int], before: float, seen: int
) -> bool:
    """Take up what is new in these servers, to be sent; False: nothing is due. To who is told daily
    something is due once the first of it is as old as `before`."""
    due = await connection.exists(
        f"SELECT 1 FROM news_settings n WHERE n.user_id = ? AND {_DUE}",  # noqa: S608 - constants
        (user_id, before),
    )
    if not due or not await connection.changes(
        "UPDATE maker_news SET state = 'sending' WHERE maker_id = ? AND state = 'new' AND job_id IN"
        " (SELECT id FROM jobs WHERE guild_id IN (SELECT value FROM json_each(?)))",
        (user_id, json.dumps(sorted(guild_ids))),
    ):
        return False
    await connection.execute("UPDATE news_settings SET seen = ? WHERE user_id = ?", (seen, user_id))
    return True


async def is_sending(connection: Connection, *, user_id: int) -> bool:
    """Whether something was taken up but not recorded as sent."""
    return await connection.exists(
        "SELECT 1 FROM maker_news WHERE maker_id = ? AND state = 'sending'", (user_id,)
    )


async def sending(connection: Connection, *, user_id: int, now: float) -> list[News]:
    """What was taken up and still holds, the oldest first: stars that were not taken away, remixes
    that are public and shown. Nothing of or for people who are blocked there."""
    return await _NEWS.many(
        connection,
        "AS m WHERE m.maker_id = ?1 AND m.state = 'sending' AND CASE m.kind"
        " WHEN 'star' THEN EXISTS (SELECT 1 FROM gallery_votes v"
        "  JOIN gallery_entries e ON e.number = v.entry JOIN pictures p ON p.id = e.picture_id"
        "  WHERE v.user_id = m.by_id AND p.job_id = m.job_id AND e.state <> 'removed')"
        " ELSE EXISTS (SELECT 1 FROM jobs r WHERE r.id = m.remix_id AND r.private = 0"
        "  AND r.delivery = 'delivered') END"
        " AND NOT EXISTS (SELECT 1 FROM blocks b JOIN jobs j ON j.id = m.job_id"
        "  WHERE b.subject = 'user' AND b.subject_id IN (m.by_id, m.maker_id)"
        "  AND b.guild_id IN (0, j.guild_id) AND (b.until IS NULL OR b.until > ?2))"
        " ORDER BY m.number",
        (user_id, now),
    )


async def enter_told(connection: Connection, *, user_id: int) -> None:
    """Record that what was taken up was sent, or can't be."""
    await connection.execute(
        "UPDATE maker_news SET state = 'told' WHERE maker_id = ? AND state = 'sending'", (user_id,)
    )


async def expire(connection: Connection, *, before: float) -> None:
    """Remove what happened before that, sent or not."""
    await connection.execute("DELETE FROM maker_news WHERE happened_at <= ?", (before,))


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove the choice of `user_id`, and notifications of others about them."""
    await connection.execute("DELETE FROM news_settings WHERE user_id = ?", (user_id,))
    await connection.execute("DELETE FROM maker_news WHERE by_id = ?", (user_id,))
