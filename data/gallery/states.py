"""Changes of entries: shared, approved, withdrawn, removed, featured, hidden and shown again.

Triggers add the updates of messages in Discord to `outbox`.
"""

from collections.abc import Mapping

from data.store.connection import Connection
from pipeline.rating import Rating

_MAKER_BLOCKED = (
    "EXISTS (SELECT 1 FROM blocks b WHERE b.subject = 'user'"
    " AND b.subject_id = gallery_entries.maker_id AND b.guild_id IN (0, gallery_entries.guild_id)"
    " AND (b.until IS NULL OR b.until > :now))"
)


async def share(
    connection: Connection,
    *,
    number: int,
    approval: bool,
    shared_by: int | None,
    needed: int | None,
    now: float,
) -> None:
    """Put an entry into the gallery; with `approval` it first waits for a moderator.

    Shared by a person (`shared_by`), or by stars that reached `needed`.
    """
    await connection.execute(
        "UPDATE gallery_entries SET state = :state, shared_by = :by, needed = :needed,"
        " shared_at = :now, decided_by = NULL, decided_at = NULL,"
        " posted_at = CASE :state WHEN 'posted' THEN COALESCE(posted_at, :now) ELSE posted_at END"
        " WHERE number = :number",
        {
            "state": "waiting" if approval else "posted",
            "by": shared_by,
            "needed": needed,
            "now": now,
            "number": number,
        },
    )


async def approve(connection: Connection, *, number: int, by: int, now: float) -> bool:
    """Approve a waiting entry; False if it is not waiting."""
    return await connection.changes(
        "UPDATE gallery_entries SET state = 'posted', posted_at = COALESCE(posted_at, :now),"
        " decided_by = :by, decided_at = :now WHERE number = :number AND state = 'waiting'",
        {"number": number, "by": by, "now": now},
    )


async def take_back(connection: Connection, *, number: int) -> None:
    """Make an entry a candidate again, which stars can bring back."""
    await connection.execute(
        "UPDATE gallery_entries SET state = 'candidate', needed = NULL, shared_by = NULL,"
        " shared_at = NULL, featured_at = NULL WHERE number = ?",
        (number,),
    )


async def remove(connection: Connection, *, number: int, by: int | None, now: float) -> None:
    """Remove an entry so that stars can't bring it back. `by` None: its message was deleted."""
    await connection.execute(
        "UPDATE gallery_entries SET state = 'removed', featured_at = NULL, decided_by = :by,"
        " decided_at = :now WHERE number = :number AND state <> 'removed'",
        {"number": number, "by": by, "now": now},
    )


async def feature(connection: Connection, *, number: int, at: float | None) -> None:
    """Feature an entry, or (None) stop featuring it."""
    await connection.execute(
        "UPDATE gallery_entries SET featured_at = ? WHERE number = ? AND state = 'posted'",
        (at, number),
    )


async def set_rating(connection: Connection, *, number: int, rating: Rating) -> None:
    """Set the entry's rating."""
    await connection.execute(
        "UPDATE gallery_entries SET rating = ? WHERE number = ? AND rating <> ?",
        (int(rating), number, int(rating)),
    )


async def set_maker_name(connection: Connection, *, number: int, name: str) -> None:
    """Set the maker's name on the server."""
    await connection.execute(
        "UPDATE gallery_entries SET maker_name = ? WHERE number = ?", (name, number)
    )


async def settle(connection: Connection, *, guild_id: int, allowed: Rating, now: float) -> None:
    """Hide entries above `allowed` and those of blocked makers; show the others again."""
    values = {"guild": guild_id, "allowed": int(allowed), "now": now}
    hidden = f"(rating > :allowed OR {_MAKER_BLOCKED})"
    await connection.execute(
        "UPDATE gallery_entries SET state = 'hidden'"  # noqa: S608 - constants
        f" WHERE guild_id = :guild AND state = 'posted' AND {hidden}",
        values,
    )
    await connection.execute(
        "UPDATE gallery_entries SET state = 'posted'"  # noqa: S608 - constants
        f" WHERE guild_id = :guild AND state = 'hidden' AND NOT {hidden}",
        values,
    )


async def reaching(
    connection: Connection, *, guild_id: int, threshold: int, allowed: Rating, now: float
) -> list[tuple[int, int, int | None]]:
    """(number, channel where it was made, its parent if that is a thread) of candidates with enough
    stars that may be shown."""
    rows = await connection.every(
        "SELECT number, channel_id, (SELECT j.rules_channel_id FROM pictures p"  # noqa: S608
        " JOIN jobs j ON j.id = p.job_id WHERE p.id = gallery_entries.picture_id)"
        " FROM gallery_entries WHERE guild_id = :guild"
        " AND state = 'candidate' AND votes >= :threshold AND rating <= :allowed"
        f" AND NOT {_MAKER_BLOCKED}",
        {"guild": guild_id, "threshold": threshold, "allowed": int(allowed), "now": now},
    )
    return [(int(row[0]), int(row[1]), row[2]) for row in rows]


async def mark_misplaced(
    connection: Connection, *, guild_id: int, ceilings: Mapping[int, Rating]
) -> None:
    """Queue a check of messages in channels that allow less than their rating. `ceilings` are those
    of the gallery's channels; others are ignored."""
    for channel_id, ceiling in ceilings.items():
        await connection.execute(
            "INSERT INTO outbox_put (kind, key, lane, guild_id)"
            " SELECT 'gallery_entry', e.id, 'gallery:' || p.guild_id, p.guild_id"
            " FROM gallery_posts p JOIN gallery_entries e ON e.id = p.entry_id"
            " WHERE p.guild_id = ? AND p.channel_id = ? AND e.rating > ?",
            (guild_id, channel_id, int(ceiling)),
        )


async def mark_unposted(connection: Connection, *, guild_id: int) -> None:
    """Queue a check of entries in the gallery without a message."""
    await connection.execute(
        "INSERT INTO outbox_put (kind, key, lane, guild_id)"
        " SELECT 'gallery_entry', e.id, 'gallery:' || e.guild_id, e.guild_id"
        " FROM gallery_entries e WHERE e.guild_id = ? AND e.state = 'posted'"
        " AND NOT EXISTS (SELECT 1 FROM gallery_posts p WHERE p.entry_id = e.id)",
        (guild_id,),
    )


async def is_maker_blocked(connection: Connection, *, number: int, now: float) -> bool:
    """Whether the maker of an entry is blocked there."""
    return bool(
        await connection.value(
            f"SELECT {_MAKER_BLOCKED} FROM gallery_entries WHERE number = :number",  # noqa: S608
            {"number": number, "now": now},
        )
    )
