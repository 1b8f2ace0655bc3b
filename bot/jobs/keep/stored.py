"""A stored job with its pictures, its current ceiling, and how it ended."""

import json
from dataclasses import dataclass

from bot.jobs.values import CancelledEvent, Completed, Failed, Terminal
from bot.safety.ceiling import setting_of
from data.guilds import place_settings
from data.jobs import pictures, withheld
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.withheld import WithheldRecord
from data.store.connection import Connection
from data.store.damage import object_of
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError, EngineError
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job with its pictures so far, in order, and those that are withheld."""

    job: JobRecord
    pictures: tuple[PictureRecord, ...]
    withheld: tuple[WithheldRecord, ...] = ()


async def ceiling_in(connection: Connection, job: JobRecord) -> Rating:
    """See `JobStore.ceiling_now`."""
    then = job.rating if job.ceiling is None else job.ceiling
    if job.guild_id is None:
        return then
    set_now = await place_settings.ratings(
        connection, guild_id=job.guild_id, channel_id=job.rules_channel_id or job.channel_id
    )
    return min(then, setting_of(set_now.guild_ceiling, set_now.channel_ceiling).rating)


async def stored_job(connection: Connection, job: JobRecord) -> StoredJob:
    return StoredJob(
        job=job,
        pictures=tuple(await pictures.of_job(connection, job_id=job.id)),
        withheld=tuple(await withheld.of_job(connection, job_id=job.id)),
    )


def end_of(stored: StoredJob, *, model: ModelDescription | None) -> Terminal | None:
    """The terminal event of a job that is not live; None if it is open."""
    job = stored.job
    if job.ended_at is None:
        return None
    if job.state == "failed":
        return Failed(error=error_from_json(job.error or ""))
    if job.state == "cancelled":
        return CancelledEvent()
    return Completed(pictures=stored.pictures, withheld=len(stored.withheld), model=model)


def error_to_json(error: EkakiError) -> str:
    """An error as it is stored with a failed job."""
    data = {
        name: value.label if isinstance(value, Rating) else value
        for name, value in error.data.items()
    }
    return json.dumps({"key": error.key, "data": data}, default=str)


def error_from_json(text: str) -> EkakiError:
    """The error that a job failed with; a general one if that can't be read any more."""
    kept = object_of(text)
    try:
        return EngineError(str(kept["key"]), **kept["data"])
    except (KeyError, TypeError):
        return EngineError("engine_failed")
