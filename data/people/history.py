"""Searching one person's finished pictures, the newest first.

LIKE over one person's rows, found by index, and no full-text index: thousands of rows take
milliseconds, parts of words and Japanese are found, and there is no second copy to keep in step.
"""

from dataclasses import dataclass

from aiosqlite import Connection

from data.jobs import jobs, pictures
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.store.words import searchable

MAX_WORDS = 10  # more are not looked for: nobody means them, and each costs a pass over the rows


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A finished picture with its job, and whether the person who looks marked it."""

    picture: PictureRecord
    job: JobRecord
    favourite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page, and how many pictures all pages have together."""

    entries: tuple[HistoryEntry, ...]
    total: int


def patterns(words: str) -> list[str]:
    """LIKE patterns, escaped by `!`, one for each word."""
    found = searchable(words.replace(",", " ")).split()[:MAX_WORDS]
    return [f"%{word.replace('!', '!!').replace('%', '!%')}%" for word in found]


async def search(
    connection: Connection, *, user_id: int, words: str, favourites: bool, offset: int, limit: int
) -> HistoryPage:
    """Pictures of `user_id` whose prompt has all of `words`; with `favourites` only marked ones."""
    wanted = patterns(words)
    source = (
        " FROM jobs JOIN pictures ON pictures.job_id = jobs.id"
        " LEFT JOIN favourites ON favourites.picture_id = pictures.id"
        " AND favourites.user_id = jobs.user_id"
        " WHERE jobs.user_id = ? AND jobs.state = 'finished'"
        + " AND jobs.words LIKE ? ESCAPE '!'" * len(wanted)
        + (" AND favourites.picture_id IS NOT NULL" if favourites else "")
    )
    async with connection.execute("SELECT COUNT(*)" + source, (user_id, *wanted)) as cursor:
        row = await cursor.fetchone()
    total = int(row[0]) if row else 0
    async with connection.execute(
        "SELECT pictures.id, favourites.picture_id IS NOT NULL"
        + source
        + " ORDER BY jobs.accepted_at DESC, jobs.id, pictures.position LIMIT ? OFFSET ?",
        (user_id, *wanted, limit, offset),
    ) as cursor:
        found = [(str(row[0]), bool(row[1])) for row in await cursor.fetchall()]
    entries = [await _entry(connection, picture_id, favourite=f) for picture_id, f in found]
    return HistoryPage(entries=tuple(entries), total=total)


async def _entry(connection: Connection, picture_id: str, *, favourite: bool) -> HistoryEntry:
    picture = await pictures.get(connection, picture_id=picture_id)
    assert picture is not None
    job = await jobs.get(connection, job_id=picture.job_id)
    assert job is not None
    return HistoryEntry(picture=picture, job=job, favourite=favourite)
