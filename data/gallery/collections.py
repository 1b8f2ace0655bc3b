"""Collections of pictures: `collections` and `collection_items`."""

from dataclasses import dataclass

from data.jobs.stored import StoredPicture, held_picture
from data.people.presets import key_of
from data.store.connection import Connection, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named set of pictures. Members of `guild_id` can see and extend a shared one; others are
    private. `size`: how many of its pictures the viewer may see."""

    id: str
    owner_id: int
    guild_id: int | None
    shared: bool
    name: str
    created_at: float
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(StoredPicture):
    """A picture in a collection; `added_by` 0: a person who deleted their data."""

    added_by: int
    added_at: float


_SEEN = (
    "collection_items i JOIN pictures p ON p.id = i.picture_id JOIN jobs j ON j.id = p.job_id"
    " LEFT JOIN gallery_entries e ON e.picture_id = p.id"
    " WHERE (j.user_id = :viewer OR (COALESCE(e.state, '') NOT IN ('hidden', 'removed')"
    " AND (j.private = 0 OR e.state = 'posted')))"
)
"""Items whose picture :viewer may see: it was public when it was added. If it was removed from the
gallery since, only its maker sees it."""

_COLLECTIONS = Table(
    Collection,
    "collections c",
    columns="c.id, c.owner_id, c.guild_id, c.shared, c.name, c.created_at,"  # noqa: S608 - constants
    f" (SELECT COUNT(*) FROM {_SEEN} AND i.collection_id = c.id) AS size",
    read={"shared": bool},
)


async def insert(
    connection: Connection,
    *,
    collection_id: str,
    owner_id: int,
    guild_id: int | None,
    name: str,
    now: float,
) -> bool:
    """Create a collection, shared on `guild_id` if given. False if the name is taken."""
    return await connection.changes(
        "INSERT INTO collections (id, owner_id, guild_id, shared, key, name, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (collection_id, owner_id, guild_id, int(guild_id is not None), key_of(name), name, now),
    )


async def get(connection: Connection, *, collection_id: str, viewer_id: int) -> Collection | None:
    """The collection with this id; the caller checks whether `viewer_id` may see it."""
    values = {"viewer": viewer_id, "id": collection_id}
    return await _COLLECTIONS.one(connection, "WHERE c.id = :id", values)


async def count_in(connection: Connection, *, collection_id: str) -> int:
    """How many pictures a collection contains, whoever may see them."""
    return await connection.value(
        "SELECT COUNT(*) FROM collection_items WHERE collection_id = ?", (collection_id,)
    )


async def seen_by(
    connection: Connection, *, user_id: int, guild_id: int | None
) -> list[Collection]:
    """A person's own collections and those shared on the server, by name."""
    return await _COLLECTIONS.many(
        connection,
        "WHERE c.owner_id = :viewer OR (c.shared = 1 AND c.guild_id = :guild) ORDER BY c.key, c.id",
        {"viewer": user_id, "guild": guild_id},
    )


async def count_of(connection: Connection, *, owner_id: int) -> int:
    """How many collections a person has created."""
    return await connection.value(
        "SELECT COUNT(*) FROM collections WHERE owner_id = ?", (owner_id,)
    )


async def add(
    connection: Connection, *, collection_id: str, picture_id: str, added_by: int, now: float
) -> bool:
    """Add a picture; False if it is already there."""
    return await connection.changes(
        "INSERT INTO collection_items (collection_id, picture_id, added_by, added_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (collection_id, picture_id, added_by, now),
    )


async def item(connection: Connection, *, collection_id: str, picture_id: str) -> int | None:
    """Who added a picture; None if it is not in the collection."""
    return await connection.value(
        "SELECT added_by FROM collection_items WHERE collection_id = ? AND picture_id = ?",
        (collection_id, picture_id),
    )


async def remove(connection: Connection, *, collection_id: str, picture_id: str) -> None:
    """Remove a picture, if it is there."""
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
    """Pictures of a collection that `viewer_id` may see, latest first (limit -1: all)."""
    rows = await connection.every(
        f"SELECT i.picture_id, i.added_by, i.added_at FROM {_SEEN}"  # noqa: S608 - constants
        " AND i.collection_id = :id"
        " ORDER BY i.added_at DESC, i.picture_id LIMIT :limit OFFSET :offset",
        {"viewer": viewer_id, "id": collection_id, "limit": limit, "offset": offset},
    )
    found: list[Item] = []
    for picture_id, added_by, added_at in rows:
        each = await held_picture(connection, picture_id=picture_id)
        found.append(Item(picture=each.picture, job=each.job, added_by=added_by, added_at=added_at))
    return found


async def delete(connection: Connection, *, collection_id: str) -> None:
    """Delete a collection; its pictures stay."""
    await connection.execute("DELETE FROM collections WHERE id = ?", (collection_id,))


async def all_of(connection: Connection, *, user_id: int) -> list[tuple[Collection, list[str]]]:
    """A person's collections, each with the ids of its pictures."""
    found: list[tuple[Collection, list[str]]] = []
    for collection in await seen_by(connection, user_id=user_id, guild_id=None):
        names = await connection.column(
            "SELECT picture_id FROM collection_items WHERE collection_id = ? ORDER BY added_at",
            (collection.id,),
        )
        found.append((collection, names))
    return found


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove a person's collections, and their name from what they added to others'."""
    await connection.execute("DELETE FROM collections WHERE owner_id = ?", (user_id,))
    await connection.execute(
        "UPDATE collection_items SET added_by = 0 WHERE added_by = ?", (user_id,)
    )
