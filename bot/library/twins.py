"""Requests that would give the same picture a second time."""

from data.jobs import jobs, of_person
from data.jobs.jobs import JobRecord
from data.store.connection import Connection
from pipeline.errors import RefusedError


async def refuse_second_finish(connection: Connection, job: JobRecord) -> None:
    """RefusedError `finish_waiting` while the same person waits for the same picture, seed
    included: the button was pressed twice. A part of the transaction that accepts `job`."""
    for job_id in await of_person.open_ids(connection, user_id=job.user_id):
        other = await jobs.get(connection, job_id=job_id)
        if other is not None and other.id != job.id and other.request == job.request:
            raise RefusedError("finish_waiting")
