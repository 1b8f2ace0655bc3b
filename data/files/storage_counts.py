"""How much is kept, for `python -m bot storage stats`."""

from dataclasses import dataclass

from aiosqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows. `kept`: pictures that no retention takes away."""

    jobs: int
    pictures: int
    kept: int
    uploads: int
    gallery: int
    people: int


async def count(connection: Connection) -> Counts:
    """Count everything: a second or less for a hundred thousand pictures."""
    async with connection.execute(
        "SELECT (SELECT COUNT(*) FROM jobs), (SELECT COUNT(*) FROM pictures),"
        " (SELECT COUNT(*) FROM kept_pictures), (SELECT COUNT(*) FROM uploads),"
        " (SELECT COUNT(*) FROM gallery_entries WHERE state = 'posted'),"
        " (SELECT COUNT(DISTINCT user_id) FROM jobs)"
    ) as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return Counts(
        jobs=int(row[0]),
        pictures=int(row[1]),
        kept=int(row[2]),
        uploads=int(row[3]),
        gallery=int(row[4]),
        people=int(row[5]),
    )
