"""Finds entries of the gallery, page by page, for `/gallery search` and the web page.

Pages continue from the last entry (keyset), so the hundredth costs as much as the first. With
words, a full-text index is used whose rows are numbered in the requested order.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from data.gallery.entries import ENTRIES, Entry, Order
from data.gallery.query import expression
from data.store.connection import Connection
from pipeline.rating import Rating

Way = Literal["after", "before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which posted entries to find.

    `guild_id` None: of all servers, only those `on_web`. `ceiling`: the highest rating that may be
    shown; `open_guilds` are servers where the viewer may see everything. `rating`: only this one.
    `since` and `until`: posted in between, seconds since the epoch.
    """

    guild_id: int | None = None
    on_web: bool = False
    ceiling: Rating = Rating.SAFE
    open_guilds: frozenset[int] = frozenset()
    words: str = ""
    shape: str | None = None
    rating: Rating | None = None
    maker_id: int | None = None
    since: float = 0.0
    until: float | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """Which part of the result."""

    order: Order
    limit: int
    beside: Entry | None
    way: Way


async def page(
    connection: Connection,
    *,
    wanted: Wanted,
    order: Order,
    limit: int,
    beside: Entry | None = None,
    way: Way = "after",
) -> list[Entry]:
    """Up to `limit` entries after (or before) `beside`, sorted by `order` in either case.

    None: from the first. `new`: latest first; `top`: most stars first, then latest.
    """
    match = expression(
        wanted.words,
        shape=wanted.shape,
        guild_id=wanted.guild_id,
        maker_id=wanted.maker_id,
        rating=None if wanted.rating is None else int(wanted.rating),
    )
    part = _Part(order, limit, beside, way)
    brief = order == "top" and await _is_brief(connection, wanted)
    if match is None:
        found = await _listed(connection, wanted, part, brief=brief)
    else:
        found = await _matching(connection, wanted, match, part, brief=brief)
    return found if way == "after" else found[::-1]


async def at_random(connection: Connection, *, wanted: Wanted, chance: float) -> Entry | None:
    """A random matching entry, ignoring words and shape; `chance`: from [0, 1)."""
    condition, values = _condition(wanted)
    total = await connection.value(
        f"SELECT COUNT(*) FROM {ENTRIES.source} WHERE {condition}",  # noqa: S608 - constants
        values,
    )
    return await ENTRIES.one(
        connection, f"WHERE {condition} LIMIT 1 OFFSET ?", [*values, int(chance * total)]
    )


def _condition(wanted: Wanted) -> tuple[str, list[object]]:
    """SQL over `gallery_entries e`, and its values."""
    parts, values = ["e.state = 'posted'"], list[object]()
    if wanted.on_web or wanted.guild_id is None:
        parts.append("e.on_web = 1")
    if wanted.guild_id is not None:
        parts.append("e.guild_id = ?")
        values.append(wanted.guild_id)
    ceiling = "e.rating <= ?"
    values.append(int(wanted.ceiling))
    if wanted.open_guilds:
        marks = ", ".join("?" * len(wanted.open_guilds))
        ceiling = f"(e.rating <= ? OR e.guild_id IN ({marks}))"
        values += sorted(wanted.open_guilds)
    parts.append(ceiling)
    for sql, value in (
        ("e.rating = ?", None if wanted.rating is None else int(wanted.rating)),
        ("e.maker_id = ?", wanted.maker_id),
        ("e.posted_at >= ?", wanted.since or None),
        ("e.posted_at < ?", wanted.until),
    ):
        if value is not None:
            parts.append(sql)
            values.append(value)
    return " AND ".join(parts), values


def _beside(part: _Part) -> tuple[str, list[object], str]:
    """(condition of the part, its values, ORDER BY) over `gallery_entries e`."""
    keys = ["e.posted_at", "e.number"]
    keys = keys if part.order == "new" else ["e.votes", *keys]
    direction, sign = ("DESC", "<") if part.way == "after" else ("ASC", ">")
    ordered = ", ".join(f"{key} {direction}" for key in keys)
    if part.beside is None:
        return "", [], ordered
    place: list[object] = [part.beside.posted_at, part.beside.number]
    place = place if part.order == "new" else [part.beside.votes, *place]
    marks = ", ".join("?" * len(keys))
    return f" AND ({', '.join(keys)}) {sign} ({marks})", place, ordered


async def _is_brief(connection: Connection, wanted: Wanted) -> bool:
    """Whether the period has so few entries that sorting them is faster than scanning all."""
    if not wanted.since:
        return False
    found = await connection.value(
        "SELECT COUNT(*) FROM (SELECT 1 FROM gallery_words WHERE place >= ? LIMIT ?)",
        (int(wanted.since * 1000), _BRIEF + 1),
    )
    return found <= _BRIEF


async def _listed(
    connection: Connection, wanted: Wanted, part: _Part, *, brief: bool
) -> list[Entry]:
    """Without words: along an index of `gallery_entries`; if `brief`, along posting times."""
    condition, values = _condition(wanted)
    place, more, ordered = _beside(part)
    source = ENTRIES.source
    if brief:
        source = (
            "gallery_words w CROSS JOIN gallery_entries e ON e.number = w.entry"
            " CROSS JOIN pictures p ON p.id = e.picture_id"
        )
        condition = f"w.place >= ? AND {condition}"
        values = [int(wanted.since * 1000), *values]
    sql = (
        f"SELECT {ENTRIES.columns} FROM {source}"  # noqa: S608 - constants and marks
        f" WHERE {condition}{place} ORDER BY {ordered} LIMIT ?"
    )
    return await _entries(connection, sql, [*values, *more, part.limit])


async def _matching(
    connection: Connection, wanted: Wanted, match: str, part: _Part, *, brief: bool
) -> list[Entry]:
    """With words: along the full-text index whose rows are numbered in this order. A `brief` period
    is found along the one by time, and sorted."""
    condition, values = _condition(wanted)
    column = _COLUMNS[part.order]
    index, led = ("gallery_fts_new", "place") if brief else (f"gallery_fts_{part.order}", column)
    key = f"w.{column}" if brief else "f.rowid"
    places, more = "", list[object]()
    if part.beside is not None:
        places = f" AND {key} {'<' if part.way == 'after' else '>'} ?"
        more.append(await _place_of(connection, part.beside, column))
    if wanted.since and led == "place":  # no place is earlier than its entry, so nothing is missed
        places += " AND f.rowid >= ?"
        more.append(int(wanted.since * 1000))
    # CROSS JOIN makes SQLite start at the index.
    sql = (
        f"SELECT {ENTRIES.columns} FROM {index} f"  # noqa: S608 - constants and marks
        f" CROSS JOIN gallery_words w ON w.{led} = f.rowid"
        " CROSS JOIN gallery_entries e ON e.number = w.entry"
        " CROSS JOIN pictures p ON p.id = e.picture_id"
        f" WHERE {index} MATCH ?{places} AND {condition}"
        f" ORDER BY {key} {'DESC' if part.way == 'after' else 'ASC'} LIMIT ?"
    )
    return await _entries(connection, sql, [match, *more, *values, part.limit])


_COLUMNS: Final[dict[Order, str]] = {"new": "place", "top": "rank"}
"""The column of `gallery_words` that numbers the rows of an order's index (`gallery_fts_...`)."""
_BRIEF: Final = 3000  # entries


async def _place_of(connection: Connection, entry: Entry, column: str) -> int:
    return await connection.value(
        f"SELECT {column} FROM gallery_words WHERE entry = ?",  # noqa: S608 - see _COLUMNS
        (entry.number,),
    )


async def _entries(connection: Connection, sql: str, values: list[object]) -> list[Entry]:
    return [ENTRIES.record(row) for row in await connection.every(sql, values)]


async def words_of(connection: Connection, *, numbers: Iterable[int]) -> dict[int, str]:
    """The searchable text of these entries."""
    rows = await connection.every(
        "SELECT entry, words FROM gallery_words WHERE entry IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    return {int(row[0]): str(row[1]) for row in rows}


async def has_words_of(connection: Connection, *, maker_id: int) -> bool:
    """Whether the full-text indexes contain words of this maker."""
    return await connection.exists(
        "SELECT 1 FROM gallery_words w JOIN gallery_entries e ON e.number = w.entry"
        " WHERE e.maker_id = ? LIMIT 1",
        (maker_id,),
    )


async def tidy(connection: Connection, *, begin: bool) -> bool:
    """Run a step of rewriting the full-text indexes, so that words of deleted entries disappear
    from the file; True while there is more to do. `begin`: the first step. Some milliseconds
    each."""
    before = connection.total_changes
    pages = -_TIDY_PAGES if begin else _TIDY_PAGES
    for order in _COLUMNS:
        index = f"gallery_fts_{order}"
        await connection.execute(
            f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)",  # noqa: S608
            (pages,),
        )
    # A merge without work still counts as one change.
    return connection.total_changes - before > 2 * len(_COLUMNS)


_TIDY_PAGES: Final = 200
