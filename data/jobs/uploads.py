"""The `uploads` table: pictures that people sent to begin from; the file lies under its hash."""

import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """A stored upload. `user_id` is None until a job uses it."""

    content_hash: str
    user_id: int | None
    width: int
    height: int
    size_bytes: int
    uploaded_at: float


def _record(row: sqlite3.Row) -> UploadRecord:
    return UploadRecord(
        content_hash=row["content_hash"],
        user_id=row["user_id"],
        width=row["width"],
        height=row["height"],
        size_bytes=row["size_bytes"],
        uploaded_at=row["uploaded_at"],
    )


_COLUMNS = "content_hash, user_id, width, height, size_bytes, uploaded_at"


async def put(connection: Connection, *, upload: UploadRecord) -> None:
    """Enter an upload, whose file must be on the disk already; the same one again begins anew to
    wait for its job."""
    await connection.execute(
        f"INSERT INTO uploads ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - constant
        " ON CONFLICT (content_hash) DO UPDATE SET uploaded_at = excluded.uploaded_at",
        (
            upload.content_hash,
            upload.user_id,
            upload.width,
            upload.height,
            upload.size_bytes,
            upload.uploaded_at,
        ),
    )


async def get(connection: Connection, *, content_hash: str) -> UploadRecord | None:
    """The upload with this hash, if there is one."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE content_hash = ?",  # noqa: S608 - constant
        (content_hash,),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _record(row)


async def take(connection: Connection, *, content_hash: str, user_id: int) -> None:
    """A job of `user_id` uses the upload: the first one makes it theirs."""
    await connection.execute(
        "UPDATE uploads SET user_id = COALESCE(user_id, ?) WHERE content_hash = ?",
        (user_id, content_hash),
    )


async def of_user(connection: Connection, *, user_id: int) -> list[UploadRecord]:
    """What `user_id` sent, the oldest first."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE user_id = ? ORDER BY uploaded_at",  # noqa: S608
        (user_id,),
    ) as cursor:
        return [_record(row) for row in await cursor.fetchall()]


async def forget(connection: Connection, *, user_id: int) -> list[str]:
    """Remove what `user_id` sent; gives the hashes of the files."""
    async with connection.execute(
        "DELETE FROM uploads WHERE user_id = ? RETURNING content_hash", (user_id,)
    ) as cursor:
        return [str(row[0]) for row in await cursor.fetchall()]


async def delete_unused(connection: Connection, *, before: float) -> list[str]:
    """Remove uploads older than `before` that no job names; gives the hashes of the files."""
    async with connection.execute(
        "DELETE FROM uploads WHERE uploaded_at <= ? AND NOT EXISTS"
        " (SELECT 1 FROM jobs WHERE init_picture = content_hash) RETURNING content_hash",
        (before,),
    ) as cursor:
        return [str(row[0]) for row in await cursor.fetchall()]


async def hashes_from(connection: Connection, *, prefix: str) -> set[str]:
    """The content hashes that begin with `prefix` (hex digits)."""
    async with connection.execute(
        "SELECT content_hash FROM uploads WHERE content_hash >= ? AND content_hash < ?",
        (prefix, prefix + "g"),  # the letter after the last hex digit
    ) as cursor:
        return {str(row[0]) for row in await cursor.fetchall()}
