"""Searches one person's finished pictures, newest first.

Uses LIKE over one person's rows, found by index, and no full-text index: thousands of rows take
milliseconds, parts of words and Japanese are found, and there is no second copy to keep in sync.
"""

from dataclasses import dataclass

from data.jobs.stored import StoredPicture, held_picture
from data.store.connection import Connection
from data.store.words import searchable

MAX_WORDS = 10  # more are ignored, because each costs a pass over the rows


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(StoredPicture):
    """A finished picture, and whether its viewer marked it."""

    favourite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page, and the number of pictures on all pages."""

    entries: tuple[HistoryEntry, ...]
    total: int


def patterns(words: str) -> list[str]:
    """LIKE patterns, escaped by `!`, one for each word."""
    found = searchable(words.replace(",", " ")).split()[:MAX_WORDS]
    return [f"%{word.replace('!', '!!').replace('%', '!%')}%" for word in found]


async def search(
    connection: Connection, *, user_id: int, words: str, favourites: bool, offset: int, limit: int
) -> HistoryPage:
    """Pictures of `user_id` with all of `words` in the prompt; `favourites`: only marked ones."""
    wanted = patterns(words)
    source = (
        " FROM jobs JOIN pictures ON pictures.job_id = jobs.id"
        " LEFT JOIN favourites ON favourites.picture_id = pictures.id"
        " AND favourites.user_id = jobs.user_id"
        " WHERE jobs.user_id = ? AND jobs.state = 'finished'"
        + " AND jobs.words LIKE ? ESCAPE '!'" * len(wanted)
        + (" AND favourites.picture_id IS NOT NULL" if favourites else "")
    )
    total = await connection.value("SELECT COUNT(*)" + source, (user_id, *wanted))
    rows = await connection.every(
        "SELECT pictures.id, favourites.picture_id IS NOT NULL"
        + source
        + " ORDER BY jobs.accepted_at DESC, jobs.id, pictures.position LIMIT ? OFFSET ?",
        (user_id, *wanted, limit, offset),
    )
    entries: list[HistoryEntry] = []
    for picture_id, favourite in rows:
        found = await held_picture(connection, picture_id=picture_id)
        entries.append(
            HistoryEntry(picture=found.picture, job=found.job, favourite=bool(favourite))
        )
    return HistoryPage(entries=tuple(entries), total=total)
