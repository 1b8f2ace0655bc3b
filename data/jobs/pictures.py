"""The `pictures` table: one row a finished picture, whose file lies under its content hash."""

import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection

from data.store.damage import rating_of
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """A stored picture. `content_hash` is the SHA-256 of the PNG file, in hex."""

    id: str
    job_id: str
    position: int
    seed: int
    width: int
    height: int
    rating: Rating
    content_hash: str
    size_bytes: int
    model_name: str
    model_repository: str
    model_revision: str
    model_hash: str
    precision: str
    provider: str
    engine: str
    elapsed_s: float
    made_at: float


_FIELDS = tuple(PictureRecord.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)


def _record(row: sqlite3.Row) -> PictureRecord:
    values = {name: row[name] for name in _FIELDS}
    values["rating"] = rating_of(values["rating"])
    return PictureRecord(**values)


async def insert(connection: Connection, *, picture: PictureRecord) -> None:
    """Store a picture; its file must be on the disk already."""
    values = [getattr(picture, name) for name in _FIELDS]
    marks = ", ".join("?" * len(_FIELDS))
    await connection.execute(
        f"INSERT INTO pictures ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - names of our fields
        [int(value) if isinstance(value, Rating) else value for value in values],
    )


async def get(connection: Connection, *, picture_id: str) -> PictureRecord | None:
    """The picture `picture_id`, if there is one."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM pictures WHERE id = ?",  # noqa: S608 - names of our fields
        (picture_id,),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _record(row)


async def of_job(connection: Connection, *, job_id: str) -> list[PictureRecord]:
    """The job's pictures in their order."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM pictures WHERE job_id = ? ORDER BY position",  # noqa: S608
        (job_id,),
    ) as cursor:
        return [_record(row) for row in await cursor.fetchall()]


async def delete_of_job(connection: Connection, *, job_id: str) -> list[str]:
    """Forget the job's pictures; gives their content hashes, so that unused files can go."""
    async with connection.execute(
        "DELETE FROM pictures WHERE job_id = ? RETURNING content_hash", (job_id,)
    ) as cursor:
        return sorted({str(row[0]) for row in await cursor.fetchall()})


async def uses_file(connection: Connection, *, content_hash: str) -> bool:
    """Whether any picture's file has this hash."""
    async with connection.execute(
        "SELECT 1 FROM pictures WHERE content_hash = ? LIMIT 1", (content_hash,)
    ) as cursor:
        return await cursor.fetchone() is not None


async def delete_of_user(connection: Connection, *, user_id: int) -> list[str]:
    """Forget all pictures of a person; gives their content hashes."""
    async with connection.execute(
        "DELETE FROM pictures WHERE job_id IN (SELECT id FROM jobs WHERE user_id = ?)"
        " RETURNING content_hash",
        (user_id,),
    ) as cursor:
        return sorted({str(row[0]) for row in await cursor.fetchall()})


async def size_of_file(connection: Connection, *, content_hash: str) -> tuple[int, int] | None:
    """(width, height) of the picture whose file has this hash, if there is one."""
    async with connection.execute(
        "SELECT width, height FROM pictures WHERE content_hash = ? LIMIT 1", (content_hash,)
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


async def hashes_from(connection: Connection, *, prefix: str) -> set[str]:
    """The content hashes that begin with `prefix` (hex digits)."""
    async with connection.execute(
        "SELECT content_hash FROM pictures WHERE content_hash >= ? AND content_hash < ?",
        (prefix, prefix + "g"),  # the letter after the last hex digit
    ) as cursor:
        return {str(row[0]) for row in await cursor.fetchall()}
