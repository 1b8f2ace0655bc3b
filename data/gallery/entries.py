"""The gallery's entries: `gallery_entries` with their pictures.

Only entries whose `state` is `posted` may be shown, and on the web only those that are also
`on_web`. `Entry.id` is the public id, for addresses and buttons; `number` is for joins and never
leaves the database. The file is stored under `content_hash`.
"""

from dataclasses import dataclass
from typing import Literal

from data.store.connection import Connection, Table
from data.store.damage import rating_of
from pipeline.rating import Rating

State = Literal["candidate", "waiting", "posted", "hidden", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A picture in a server's gallery, or a candidate. Times: seconds since the epoch.

    `rating` is the picture's at entry, or higher if a moderator raised it. `needed` is the
    threshold that its stars reached, None if a person shared it (`shared_by`). `decided_by`: who
    approved or removed it; 0: its message was deleted in Discord. `on_web`: server and maker both
    allow it on the web page.
    """

    number: int
    id: str
    picture_id: str
    job_id: str
    content_hash: str
    width: int
    height: int
    guild_id: int
    channel_id: int
    maker_id: int
    maker_name: str
    rating: Rating
    state: State
    votes: int
    needed: int | None
    shared_by: int | None
    shared_at: float | None
    posted_at: float | None
    featured_at: float | None
    decided_by: int | None
    on_web: bool


ENTRIES = Table(
    Entry,
    "gallery_entries e JOIN pictures p ON p.id = e.picture_id",
    columns="e.number, e.id, e.picture_id, p.job_id, p.content_hash, p.width, p.height,"
    " e.guild_id, e.channel_id, e.maker_id, e.maker_name, e.rating, e.state, e.votes, e.needed,"
    " e.shared_by, e.shared_at, e.posted_at, e.featured_at, e.decided_by, e.on_web",
    read={"rating": rating_of, "on_web": bool},
)


async def get(connection: Connection, *, entry_id: str) -> Entry | None:
    """The entry with this public id, in any state."""
    return await ENTRIES.one(connection, "WHERE e.id = ?", (entry_id,))


async def of_picture(connection: Connection, *, picture_id: str) -> Entry | None:
    """The entry of a picture, in any state."""
    return await ENTRIES.one(connection, "WHERE e.picture_id = ?", (picture_id,))


async def by_number(connection: Connection, *, number: int) -> Entry | None:
    """The entry with this number, if there is one."""
    return await ENTRIES.one(connection, "WHERE e.number = ?", (number,))


async def on_web(connection: Connection, *, entry_id: str) -> Entry | None:
    """The entry if the web page may show it; the page checks who may see its rating."""
    entry = await get(connection, entry_id=entry_id)
    return entry if entry is not None and entry.state == "posted" and entry.on_web else None


Order = Literal["new", "top"]


async def of_maker(connection: Connection, *, user_id: int) -> list[Entry]:
    """All entries of a maker, in any state and on any server, oldest first."""
    return await ENTRIES.many(connection, "WHERE e.maker_id = ? ORDER BY e.number", (user_id,))


async def waiting(connection: Connection, *, guild_id: int, limit: int) -> list[Entry]:
    """Entries waiting for a moderator's approval, oldest first."""
    return await ENTRIES.many(
        connection,
        "WHERE e.guild_id = ? AND e.state = 'waiting' ORDER BY e.shared_at LIMIT ?",
        (guild_id, limit),
    )


async def kept_ids(connection: Connection) -> list[str]:
    """All entries that were not removed, in any other state."""
    return await connection.column("SELECT id FROM gallery_entries WHERE state <> 'removed'")


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove a person from other people's entries that they shared or decided about. Their own are
    deleted with their pictures."""
    await connection.execute(
        "UPDATE gallery_entries SET shared_by = NULL WHERE shared_by = ?", (user_id,)
    )
    await connection.execute(
        "UPDATE gallery_entries SET decided_by = 0 WHERE decided_by = ?", (user_id,)
    )


async def shows(
    connection: Connection, *, guild_id: int, picture_id: str = "", job_id: str = ""
) -> bool:
    """Whether a server's gallery shows this picture, or (`job_id`) one of this job."""
    return await connection.exists(
        "SELECT 1 FROM gallery_entries WHERE picture_id IN"
        " (SELECT id FROM pictures WHERE id = ? UNION SELECT id FROM pictures WHERE job_id = ?)"
        " AND guild_id = ? AND state = 'posted' LIMIT 1",
        (picture_id, job_id, guild_id),
    )


async def insert(
    connection: Connection,
    *,
    entry_id: str,
    picture_id: str,
    guild_id: int,
    channel_id: int,
    maker_id: int,
    maker_name: str,
    rating: Rating,
) -> None:
    """Add a picture as a candidate, unless it has an entry already."""
    await connection.execute(
        "INSERT INTO gallery_entries"
        " (id, picture_id, guild_id, channel_id, maker_id, maker_name, rating, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'candidate') ON CONFLICT (picture_id) DO NOTHING",
        (entry_id, picture_id, guild_id, channel_id, maker_id, maker_name, int(rating)),
    )
