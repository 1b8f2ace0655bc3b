"""A stored job with its pictures, and what holds for it now."""

from dataclasses import dataclass

from bot.safety.ceiling import setting_of
from data.guilds import place_settings
from data.jobs import pictures, uploads, withheld
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.withheld import WithheldRecord
from data.store.connection import Connection
from pipeline.errors import RefusedError
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job with its pictures so far, in their order, and those that are withheld."""

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


async def take_init_picture(connection: Connection, job: JobRecord) -> None:
    """See that the picture to begin from is still there; once the job is stored its file stays."""
    content_hash = job.request.init_picture
    if not content_hash or await pictures.uses_file(connection, content_hash=content_hash):
        return
    if await uploads.get(connection, content_hash=content_hash) is None:
        raise RefusedError("init_picture_gone")
    await uploads.take(connection, content_hash=content_hash, user_id=job.user_id)
