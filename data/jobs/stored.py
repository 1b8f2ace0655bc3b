"""Finished pictures together with the jobs they belong to."""

from dataclasses import dataclass

from data.jobs import jobs, pictures
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A finished picture and the job it belongs to."""

    picture: PictureRecord
    job: JobRecord


async def find_stored(connection: Connection, *, picture_id: str) -> StoredPicture | None:
    """The picture `picture_id` with its job, if there is one."""
    picture = await pictures.get(connection, picture_id=picture_id)
    job = None if picture is None else await jobs.get(connection, job_id=picture.job_id)
    return None if picture is None or job is None else StoredPicture(picture=picture, job=job)


async def held_picture(connection: Connection, *, picture_id: str) -> StoredPicture:
    """The same for a picture whose existence a foreign key guarantees in this transaction."""
    found = await find_stored(connection, picture_id=picture_id)
    assert found is not None
    return found
