"""Collections of pictures: `collections` and `collection_items`."""

import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection

from data.jobs import jobs, pictures
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.people.presets import key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named set of pictures. A shared one is seen, and added to, by the members of `guild_id`;
    any other is its owner's alone. `size`: how many of its pictures the one who asked may see."""

    id: str
    owner_id: int
    guild_id: int | None
    shared: bool
    name: str
    created_at: float
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A picture in a collection, with its job; `added_by` 0: somebody who had all about them
    removed."""

    picture: PictureRecord
    job: JobRecord
    added_by: int
    added_at: float


_SEEN = (
    "collection_items i JOIN pictures p ON p.id = i.picture_id JOIN jobs j ON j.id = p.job_id"
    " LEFT JOIN gallery_entries e ON e.picture_id = p.id"
    " WHERE (j.user_id = :viewer OR (COALESCE(e.state, '') NOT IN ('hidden', 'removed')"
    " AND (j.private = 0 OR e.state = 'posted')))"
)
"""Items whose picture :viewer may see: it was public when it was added, and may have left the
gallery since. What was taken out there is seen by its maker alone."""

_SELECT = (
    "SELECT c.id, c.owner_id, c.guild_id, c.shared, c.name, c.created_at,"  # noqa: S608 - constants
    f" (SELECT COUNT(*) FROM {_SEEN} AND i.collection_id = c.id) AS size FROM collections c"
)


def _collection(row: sqlite3.Row) -> Collection:
    values = {name: row[name] for name in Collection.__dataclass_fields__}
    values["shared"] = bool(values["shared"])
    return Collection(**values)


async def insert(
    connection: Connection,
    *,
    collection_id: str,
    owner_id: int,
    guild_id: int | None,
    name: str,
    now: float,
) -> bool:
    """Make a collection, shared on `guild_id` if that is given. False where the owner, or the
    server, has one of that name."""
    cursor = await connection.execute(
        "INSERT INTO collections (id, owner_id, guild_id, shared, key, name, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (collection_id, owner_id, guild_id, int(guild_id is not None), key_of(name), name, now),
    )
    return cursor.rowcount == 1


async def get(connection: Connection, *, collection_id: str, viewer_id: int) -> Collection | None:
    """The collection with this id; whether `viewer_id` may look at it is for the caller to ask."""
    values = {"viewer": viewer_id, "id": collection_id}
    async with connection.execute(f"{_SELECT} WHERE c.id = :id", values) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _collection(row)


async def count_in(connection: Connection, *, collection_id: str) -> int:
    """How many pictures a collection holds, whoever may see them."""
    async with connection.execute(
        "SELECT COUNT(*) FROM collection_items WHERE collection_id = ?", (collection_id,)
    ) as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def seen_by(
    connection: Connection, *, user_id: int, guild_id: int | None
) -> list[Collection]:
    """One's own collections, and those that are shared on the server; by name."""
    async with connection.execute(
        f"{_SELECT} WHERE c.owner_id = :viewer OR (c.shared = 1 AND c.guild_id = :guild)"
        " ORDER BY c.key, c.id",
        {"viewer": user_id, "guild": guild_id},
    ) as cursor:
        return [_collection(row) for row in await cursor.fetchall()]


async def count_of(connection: Connection, *, owner_id: int) -> int:
    """How many collections a person made."""
    async with connection.execute(
        "SELECT COUNT(*) FROM collections WHERE owner_id = ?", (owner_id,)
    ) as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def add(
    connection: Connection, *, collection_id: str, picture_id: str, added_by: int, now: float
) -> bool:
    """Add a picture; False where it is there already."""
    cursor = await connection.execute(
        "INSERT INTO collection_items (collection_id, picture_id, added_by, added_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (collection_id, picture_id, added_by, now),
    )
    return cursor.rowcount == 1


async def item(connection: Connection, *, collection_id: str, picture_id: str) -> int | None:
    """Who added a picture; None where it is not in the collection."""
    async with connection.execute(
        "SELECT added_by FROM collection_items WHERE collection_id = ? AND picture_id = ?",
        (collection_id, picture_id),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def remove(connection: Connection, *, collection_id: str, picture_id: str) -> None:
    """Take a picture out; fine where it is not there."""
    await connection.execute(
        "DELETE FROM collection_items WHERE collection_id = ? AND picture_id = ?",
        (collection_id, picture_id),
    )


async def items(
    connection: Connection,
    *,
    collection_id: str,
    viewer_id: int,
    offset: int = 0,
    limit: int = -1,
) -> list[Item]:
    """Pictures of a collection that `viewer_id` may see, the latest first (limit -1: all)."""
    async with connection.execute(
        f"SELECT i.picture_id, i.added_by, i.added_at FROM {_SEEN}"  # noqa: S608 - constants
        " AND i.collection_id = :id"
        " ORDER BY i.added_at DESC, i.picture_id LIMIT :limit OFFSET :offset",
        {"viewer": viewer_id, "id": collection_id, "limit": limit, "offset": offset},
    ) as cursor:
        rows = [(str(row[0]), int(row[1]), float(row[2])) for row in await cursor.fetchall()]
    found: list[Item] = []
    for picture_id, added_by, added_at in rows:
        picture = await pictures.get(connection, picture_id=picture_id)
        assert picture is not None, "held by a foreign key"
        job = await jobs.get(connection, job_id=picture.job_id)
        assert job is not None, "held by a foreign key"
        found.append(Item(picture=picture, job=job, added_by=added_by, added_at=added_at))
    return found


async def delete(connection: Connection, *, collection_id: str) -> None:
    """Delete a collection; its pictures stay."""
    await connection.execute("DELETE FROM collections WHERE id = ?", (collection_id,))


async def all_of(connection: Connection, *, user_id: int) -> list[tuple[Collection, list[str]]]:
    """What a person collected: their collections, each with the ids of its pictures."""
    found: list[tuple[Collection, list[str]]] = []
    for collection in await seen_by(connection, user_id=user_id, guild_id=None):
        async with connection.execute(
            "SELECT picture_id FROM collection_items WHERE collection_id = ? ORDER BY added_at",
            (collection.id,),
        ) as cursor:
            found.append((collection, [str(row[0]) for row in await cursor.fetchall()]))
    return found


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove the collections of a person, and that they added to those of others."""
    await connection.execute("DELETE FROM collections WHERE owner_id = ?", (user_id,))
    await connection.execute(
        "UPDATE collection_items SET added_by = 0 WHERE added_by = ?", (user_id,)
    )
