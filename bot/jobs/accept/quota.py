"""What one accepted job takes from its user's limits, checked and entered in one transaction.

SQLite has one writer, so however many requests come at once, each is checked against all before.
"""

from dataclasses import dataclass

from bot.jobs.accept.limits import (
    DAY_S,
    Limits,
    check_quota,
    check_server,
    check_upscales,
    check_waiting,
    check_waiting_here,
)
from data.guilds.server_settings import LimitSet
from data.jobs import jobs, quota, quota_grants
from data.jobs.jobs import JobRecord
from data.jobs.quota_grants import OVERALL
from data.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a request is measured by: the operator's limits, and the server's for this member.
    `eta_s`: seconds until the queue is empty, None while unknown."""

    limits: Limits
    here: LimitSet
    eta_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many of a job's pictures come from grants: of the server, and of the bot's owner."""

    here: int
    overall: int


async def check_limits(connection: Connection, job: JobRecord, bounds: Bounds) -> Taken:
    """RefusedError names the limit that `job`, not yet stored, would break."""
    await _check_waiting(connection, job, bounds)
    overall = await _overall(connection, job, bounds)
    here = 0
    if job.guild_id is not None and bounds.here != LimitSet():
        here = await _here(connection, job, job.guild_id, bounds.here)
    return Taken(here=here, overall=overall)


async def take(connection: Connection, job: JobRecord, taken: Taken) -> None:
    """Enter what the stored `job` takes."""
    await quota.consume(
        connection,
        job_id=job.id,
        user_id=job.user_id,
        pictures=job.request.count,
        now=job.accepted_at,
        guild_id=job.guild_id,
        is_upscale=job.request.upscale_factor > 1,
        granted_here=taken.here,
        granted_overall=taken.overall,
    )


async def _check_waiting(connection: Connection, job: JobRecord, bounds: Bounds) -> None:
    check_waiting(
        own=await jobs.count_open(connection, user_id=job.user_id),
        total=await jobs.count_open(connection),
        limits=bounds.limits,
        eta_s=bounds.eta_s,
    )
    if job.guild_id is not None and bounds.here.waiting_jobs is not None:
        own = await jobs.count_open(connection, user_id=job.user_id, guild_id=job.guild_id)
        check_waiting_here(own=own, limit=bounds.here.waiting_jobs)


async def _overall(connection: Connection, job: JobRecord, bounds: Bounds) -> int:
    """How many pictures are taken from what the owner granted."""
    since = job.accepted_at - DAY_S
    return check_quota(
        await quota.uses_since(connection, user_id=job.user_id, since=since),
        limits=bounds.limits,
        pictures=job.request.count,
        now=job.accepted_at,
        granted=await quota_grants.left(connection, guild_id=OVERALL, user_id=job.user_id),
    )


async def _here(connection: Connection, job: JobRecord, guild_id: int, limits: LimitSet) -> int:
    """How many pictures are taken from what moderators of the server granted."""
    since = job.accepted_at - DAY_S
    if job.request.upscale_factor > 1:
        upscales = await quota.upscales_here_since(
            connection, user_id=job.user_id, guild_id=guild_id, since=since
        )
        check_upscales(upscales, limit=limits.upscales_per_day, now=job.accepted_at)
    return check_server(
        await quota.uses_here_since(
            connection, user_id=job.user_id, guild_id=guild_id, since=since
        ),
        limits=limits,
        pictures=job.request.count,
        now=job.accepted_at,
        granted=await quota_grants.left(connection, guild_id=guild_id, user_id=job.user_id),
    )
