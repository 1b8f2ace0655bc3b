"""The `pictures` table: one row per finished picture. Files are named by content hash."""

from dataclasses import dataclass

from data.store.connection import Connection, Table
from data.store.damage import rating_of
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """A stored picture. `content_hash` is the SHA-256 of the PNG file, in hex. `faces`: how many
    were drawn again, larger."""

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
    faces: int = 0


_PICTURES = Table(PictureRecord, "pictures", read={"rating": rating_of})


async def insert(connection: Connection, *, picture: PictureRecord) -> None:
    """Store a picture; its file must already be on the disk."""
    await _PICTURES.insert(connection, picture)


async def get(connection: Connection, *, picture_id: str) -> PictureRecord | None:
    """The picture `picture_id`, if there is one."""
    return await _PICTURES.one(connection, "WHERE id = ?", (picture_id,))


async def of_job(connection: Connection, *, job_id: str) -> list[PictureRecord]:
    """The job's pictures in order."""
    return await _PICTURES.many(connection, "WHERE job_id = ? ORDER BY position", (job_id,))


async def delete_of_job(connection: Connection, *, job_id: str) -> list[str]:
    """Delete the job's pictures; returns their content hashes, to remove unused files."""
    return sorted(
        set(
            await connection.column(
                "DELETE FROM pictures WHERE job_id = ? RETURNING content_hash", (job_id,)
            )
        )
    )


async def uses_file(connection: Connection, *, content_hash: str) -> bool:
    """Whether any picture's file has this hash."""
    return await connection.exists(
        "SELECT 1 FROM pictures WHERE content_hash = ? LIMIT 1", (content_hash,)
    )


async def delete_of_user(connection: Connection, *, user_id: int) -> list[str]:
    """Delete all pictures of a person; returns their content hashes."""
    return sorted(
        set(
            await connection.column(
                "DELETE FROM pictures WHERE job_id IN (SELECT id FROM jobs WHERE user_id = ?)"
                " RETURNING content_hash",
                (user_id,),
            )
        )
    )


async def size_of_file(connection: Connection, *, content_hash: str) -> tuple[int, int] | None:
    """(width, height) of the picture whose file has this hash, if there is one."""
    row = await connection.first(
        "SELECT width, height FROM pictures WHERE content_hash = ? LIMIT 1", (content_hash,)
    )
    return None if row is None else (int(row[0]), int(row[1]))


async def hashes_from(connection: Connection, *, prefix: str) -> set[str]:
    """The content hashes that begin with `prefix` (hex digits)."""
    return set(
        await connection.column(
            "SELECT content_hash FROM pictures WHERE content_hash >= ? AND content_hash < ?",
            (prefix, prefix + "g"),  # the letter after the last hex digit
        )
    )
