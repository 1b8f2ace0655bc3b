"""Stars and votes: one vote per person and entry, however it was given.

Triggers keep `gallery_entries.votes` exact within the same transaction.
"""

from collections.abc import Iterable

from data.store.connection import Connection

BUTTON = 0
"""Used instead of a message id: the vote was given with the button."""


async def star(
    connection: Connection, *, number: int, user_id: int, message_id: int, now: float
) -> None:
    """`user_id` stars the entry `number` under a message or with BUTTON. Idempotent."""
    await connection.execute(
        "INSERT INTO gallery_stars (entry, user_id, message_id, starred_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (number, user_id, message_id, now),
    )


async def unstar(connection: Connection, *, number: int, user_id: int, message_id: int) -> bool:
    """Remove a star; False if there was none."""
    return await connection.changes(
        "DELETE FROM gallery_stars WHERE entry = ? AND user_id = ? AND message_id = ?",
        (number, user_id, message_id),
    )


async def unvote(connection: Connection, *, number: int, user_id: int) -> bool:
    """Remove all stars of a person from an entry; False if there were none."""
    return await connection.changes(
        "DELETE FROM gallery_stars WHERE entry = ? AND user_id = ?", (number, user_id)
    )


async def clear_message(connection: Connection, *, message_id: int) -> set[int]:
    """Remove the stars under a message; returns the numbers of the entries that had any."""
    return set(
        await connection.column(
            "DELETE FROM gallery_stars WHERE message_id = ? AND message_id <> 0 RETURNING entry",
            (message_id,),
        )
    )


async def set_message(
    connection: Connection, *, number: int, message_id: int, user_ids: Iterable[int], now: float
) -> None:
    """Replace the stars under a message by those of exactly these people."""
    wanted = set(user_ids)
    for gone in await under(connection, number=number, message_id=message_id) - wanted:
        await unstar(connection, number=number, user_id=gone, message_id=message_id)
    for user_id in wanted:
        await star(connection, number=number, user_id=user_id, message_id=message_id, now=now)


async def under(connection: Connection, *, number: int, message_id: int) -> set[int]:
    """Who starred the entry under this message (or with BUTTON)."""
    return set(
        await connection.column(
            "SELECT user_id FROM gallery_stars WHERE entry = ? AND message_id = ?",
            (number, message_id),
        )
    )


async def has_vote(connection: Connection, *, number: int, user_id: int) -> bool:
    """Whether a person has voted for the entry."""
    return await connection.exists(
        "SELECT 1 FROM gallery_votes WHERE entry = ? AND user_id = ?", (number, user_id)
    )


async def of_user(connection: Connection, *, user_id: int) -> list[tuple[str, float]]:
    """(entry id, when) of everything a person voted for, oldest first."""
    rows = await connection.every(
        "SELECT e.id, v.voted_at FROM gallery_votes v JOIN gallery_entries e ON e.number = v.entry"
        " WHERE v.user_id = ? ORDER BY v.voted_at, e.id",
        (user_id,),
    )
    return [(str(row[0]), float(row[1])) for row in rows]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove all stars of a person."""
    await connection.execute("DELETE FROM gallery_stars WHERE user_id = ?", (user_id,))
