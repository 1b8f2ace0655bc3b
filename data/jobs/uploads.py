"""The `uploads` table: pictures sent to start from, and masks. Files are named by content hash.

A mask belongs to nobody, because many people redraw the same half of a picture: it is kept while
any job names it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from data.store.connection import Connection, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """A stored upload. `user_id` is None until a job uses it, and for masks."""

    content_hash: str
    user_id: int | None
    width: int
    height: int
    size_bytes: int
    uploaded_at: float
    is_mask: bool = False


_UPLOADS = Table(UploadRecord, "uploads", read={"is_mask": bool})


async def put(connection: Connection, *, upload: UploadRecord) -> None:
    """Store an upload, whose file must exist; storing it again restarts its waiting time."""
    again = "ON CONFLICT (content_hash) DO UPDATE SET uploaded_at = excluded.uploaded_at"
    await _UPLOADS.insert(connection, upload, conflict=again)


async def get(connection: Connection, *, content_hash: str) -> UploadRecord | None:
    """The upload with this hash, if there is one."""
    return await _UPLOADS.one(connection, "WHERE content_hash = ?", (content_hash,))


async def take(connection: Connection, *, content_hash: str, user_id: int) -> None:
    """A job of `user_id` uses the upload: the first one makes it theirs."""
    await connection.execute(
        "UPDATE uploads SET user_id = COALESCE(user_id, ?) WHERE content_hash = ?",
        (user_id, content_hash),
    )


async def of_user(connection: Connection, *, user_id: int) -> list[UploadRecord]:
    """What `user_id` sent, oldest first."""
    return await _UPLOADS.many(connection, "WHERE user_id = ? ORDER BY uploaded_at", (user_id,))


async def forget(connection: Connection, *, user_id: int) -> list[str]:
    """Remove what `user_id` sent; returns the hashes of the files."""
    return await connection.column(
        "DELETE FROM uploads WHERE user_id = ? RETURNING content_hash", (user_id,)
    )


async def delete_unused(connection: Connection, *, before: float) -> list[str]:
    """Remove uploads older than `before` that no job names; returns the hashes of the files."""
    return await connection.column(
        "DELETE FROM uploads WHERE uploaded_at <= ? AND NOT EXISTS"
        " (SELECT 1 FROM jobs WHERE init_picture = content_hash) AND NOT EXISTS"
        " (SELECT 1 FROM job_masks WHERE mask = content_hash) RETURNING content_hash",
        (before,),
    )


async def masks_of_user(connection: Connection, *, user_id: int) -> list[UploadRecord]:
    """The masks with which `user_id` drew, oldest first."""
    return await _UPLOADS.many(
        connection,
        "WHERE content_hash IN (SELECT m.mask FROM job_masks m JOIN jobs j ON j.id = m.job_id"
        " WHERE j.user_id = ?) ORDER BY uploaded_at, content_hash",
        (user_id,),
    )


async def forget_masks(connection: Connection, *, hashes: Iterable[str]) -> list[str]:
    """Remove those of the masks `hashes` that no job names; returns the hashes of the files."""
    freed: list[str] = []
    for content_hash in hashes:
        freed += await connection.column(
            "DELETE FROM uploads WHERE content_hash = ? AND is_mask AND NOT EXISTS"
            " (SELECT 1 FROM job_masks WHERE mask = content_hash) RETURNING content_hash",
            (content_hash,),
        )
    return freed


async def hashes_from(connection: Connection, *, prefix: str) -> set[str]:
    """The content hashes that begin with `prefix` (hex digits)."""
    return set(
        await connection.column(
            "SELECT content_hash FROM uploads WHERE content_hash >= ? AND content_hash < ?",
            (prefix, prefix + "g"),  # the letter after the last hex digit
        )
    )
