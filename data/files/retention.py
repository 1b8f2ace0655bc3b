"""Finds old pictures that nobody keeps, and removes their rows."""

from data.store.connection import Connection


async def forget_old(connection: Connection, *, before: float, limit: int) -> tuple[int, list[str]]:
    """Remove up to `limit` pictures made before `before`, and old jobs without pictures.

    Pictures in a gallery, in favourites or in a collection stay, and so do undelivered ones.
    Returns (pictures removed, hashes of files that may be unused now).
    """
    freed = await connection.column(
        "DELETE FROM pictures WHERE id IN"
        " (SELECT p.id FROM pictures p JOIN jobs j ON j.id = p.job_id"
        " WHERE p.made_at <= ? AND j.ended_at IS NOT NULL AND j.delivery <> 'pending'"
        " AND p.id NOT IN (SELECT picture_id FROM kept_pictures) LIMIT ?) RETURNING content_hash",
        (before, limit),
    )
    removed = len(freed)
    _, begun_from = await forget_without_pictures(connection, before=before, limit=limit)
    return removed, freed + begun_from


async def forget_without_pictures(
    connection: Connection, *, before: float, limit: int
) -> tuple[int, list[str]]:
    """Remove up to `limit` jobs that ended before `before` and have no picture, not even one that
    waits for a moderator. Returns (jobs removed, hashes of files that may be unused now)."""
    rows = await connection.every(
        "DELETE FROM jobs WHERE id IN (SELECT j.id FROM jobs j WHERE j.ended_at <= ?"
        " AND j.delivery <> 'pending'"
        " AND NOT EXISTS (SELECT 1 FROM pictures p WHERE p.job_id = j.id)"
        " AND NOT EXISTS (SELECT 1 FROM withheld w WHERE w.job_id = j.id AND w.state = 'waiting')"
        " LIMIT ?)"
        " RETURNING init_picture",
        (before, limit),
    )
    return len(rows), [str(row[0]) for row in rows if row[0]]
