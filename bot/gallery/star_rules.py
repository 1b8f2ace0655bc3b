"""When a star counts, and what happens when an entry has enough or too few."""

from bot.gallery.gate import Gate
from bot.gallery.service import known, share_by_stars
from data.gallery import entries, states, watched
from data.gallery.entries import Entry
from data.guilds import blocks
from data.guilds.server_settings import GuildSettings
from data.jobs import jobs, pictures
from data.jobs.jobs import JobRecord
from data.jobs.stored import StoredPicture
from data.store.connection import Connection
from pipeline.errors import RefusedError

_LOST_SHARE = 2
"""An entry that stars brought in is removed when fewer than one in this many of the required stars
are left, and not whenever a single star comes and goes at the threshold."""


async def demand(
    connection: Connection, stored: StoredPicture, *, user_id: int, gate: Gate, now: float
) -> None:
    """Raises RefusedError if this person's vote for this picture does not count."""
    job = stored.job
    if gate.allowed is None:
        raise RefusedError("gallery_off")
    entry = await entries.of_picture(connection, picture_id=stored.picture.id)
    shared = entry is not None and entry.state in {"posted", "waiting"}
    if job.private and not shared:
        raise RefusedError("picture_private")
    if gate.excluded and not shared:
        raise RefusedError("gallery_excluded")
    if entry is not None and entry.state == "removed":
        raise RefusedError("gallery_was_removed")
    await demand_voter(connection, job, user_id=user_id, settings=gate.settings, now=now)


async def demand_voter(
    connection: Connection, job: JobRecord, *, user_id: int, settings: GuildSettings, now: float
) -> None:
    """Raises RefusedError if this person may not vote for this job, wherever it is shown."""
    if user_id == job.user_id and not settings.gallery_self_votes:
        raise RefusedError("gallery_own_vote")
    if await blocks.in_force(connection, user_id=user_id, guild_id=job.guild_id, now=now):
        raise RefusedError("not_allowed")


async def gained(connection: Connection, entry: Entry, *, gate: Gate, now: float) -> None:
    """Share a candidate that has enough stars."""
    entry = await known(connection, entry.id)
    settings = gate.settings
    if entry.state != "candidate" or entry.votes < settings.gallery_threshold:
        return
    if gate.channel_for(entry.rating) is None or gate.excluded:
        return
    if await states.is_maker_blocked(connection, number=entry.number, now=now):
        return
    await share_by_stars(connection, entry.number, settings, now=now)


async def lost(connection: Connection, entry: Entry) -> None:
    """Remove an entry that only stars brought in, when most of them are gone."""
    entry = await known(connection, entry.id)
    by_stars = entry.needed is not None and entry.featured_at is None
    if entry.state in {"posted", "waiting", "hidden"} and by_stars:
        assert entry.needed is not None
        if entry.votes * _LOST_SHARE < entry.needed:
            await states.take_back(connection, number=entry.number)


async def starred_picture(
    connection: Connection, message_id: int, position: int
) -> StoredPicture | None:
    """The picture at `position` of one of our messages, with its job."""
    found = await watched.find(connection, message_id=message_id)
    job = None if found is None else await jobs.get(connection, job_id=found.job_id)
    if found is None or job is None:
        return None
    made = await pictures.of_job(connection, job_id=found.job_id)
    if found.picture_id is not None:
        made = [picture for picture in made if picture.id == found.picture_id]
    return StoredPicture(picture=made[position], job=job) if position < len(made) else None
