"""Accepting, third step: the limits are checked, the quota is taken and the job is stored.

This is one transaction. SQLite has one writer, so each of several simultaneous requests is checked
against all earlier ones.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from bot.jobs.accept.audit_events import accepted
from bot.jobs.accept.decide import Decision
from bot.jobs.accept.limits import (
    DAY_S,
    Limits,
    check_quota,
    check_server,
    check_upscales,
    check_waiting,
    check_waiting_here,
    in_pictures,
)
from bot.jobs.values import Origin
from bot.loras.names import key_of
from bot.moderation.audit import Audit
from bot.moderation.gate import check_allowed
from data.guilds.server_settings import LimitSet
from data.jobs import jobs, loras, pictures, quota, quota_grants, uploads
from data.jobs.jobs import JobRecord
from data.jobs.quota_grants import OVERALL
from data.people import tag_uses
from data.store.connection import Connection
from data.store.database import Database
from data.store.ids import new_id
from pipeline.canvas import MAX_EXTENDED_PIXELS
from pipeline.errors import InputError, RefusedError
from pipeline.request import ResolvedRequest
from pipeline.speed.cost import held_for_faces, picture_cost

Also: TypeAlias = Callable[[Connection, JobRecord], Awaitable[None]]


async def commit(
    database: Database,
    audit: Audit,
    decision: Decision,
    origin: Origin,
    *,
    limits: Limits,
    eta_s: float | None,
    now: float,
    also: Also | None = None,
) -> JobRecord:
    """Store what was decided as a job: all or nothing. `limits`: the operator's. `eta_s`: seconds
    until the queue is empty, None while unknown. `also` is done in the same transaction, once the
    job is stored; what it raises refuses the job.

    RefusedError names the limit that was reached or why the person may not ask here, or is
    `init_picture_gone` or `mask_gone`.
    """
    job = new_job(decision, origin, now=now)
    async with database.transaction() as connection:
        await check_allowed(  # again: a moderator may have blocked them since
            connection,
            user_id=job.user_id,
            guild_id=job.guild_id,
            channel_id=origin.rules_channel_id,
            now=now,
        )
        await _check_waiting(connection, job, limits, decision.here, eta_s)
        overall = await _with_faces(partial(_overall, connection, job, limits), job)
        here = await _with_faces(partial(_here, connection, job, decision.here), job)
        await _take_init_picture(connection, job)
        await _check_mask(connection, job)
        await jobs.insert(connection, job=job)
        names = [key_of(each.name) for each in job.request.loras]
        await loras.insert(connection, job_id=job.id, names=names, role_ids=origin.role_ids)
        await quota.consume(
            connection,
            job_id=job.id,
            user_id=job.user_id,
            pictures=job.request.count,
            cost=picture_cost(job.request),
            faces_cost=held_for_faces(job.request),
            now=now,
            guild_id=job.guild_id,
            is_upscale=_is_large(job.request),
            granted_here=here,
            granted_overall=overall,
        )
        await tag_uses.record(connection, user_id=job.user_id, tags=decision.tags, now=now)
        if also is not None:
            await also(connection, job)
        if job.guild_id is not None:  # direct messages have no moderators
            await audit.record_in(connection, accepted(job))
    return job


def new_job(decision: Decision, origin: Origin, *, now: float) -> JobRecord:
    """A new job, waiting."""
    request = decision.request
    return JobRecord(
        id=new_id(),
        user_id=origin.user_id,
        guild_id=origin.guild_id,
        channel_id=origin.channel_id,
        private=request.private,
        rating=request.rating,
        request=request,
        weight=decision.weight,
        locale=origin.locale,
        state="queued",
        error=None,
        delivery="pending",
        application_id=origin.application_id,
        interaction_token=origin.interaction_token or None,
        token_expires_at=origin.token_expires_at,
        message_id=None,
        accepted_at=now,
        started_at=None,
        ended_at=None,
        ceiling=decision.ceiling,
        rules_channel_id=origin.rules_channel_id,
    )


async def _check_waiting(
    connection: Connection, job: JobRecord, limits: Limits, here: LimitSet, eta_s: float | None
) -> None:
    check_waiting(
        own=await jobs.count_open(connection, user_id=job.user_id),
        total=await jobs.count_open(connection),
        limits=limits,
        eta_s=eta_s,
    )
    if job.guild_id is not None and here.waiting_jobs is not None:
        own = await jobs.count_open(connection, user_id=job.user_id, guild_id=job.guild_id)
        check_waiting_here(own=own, limit=here.waiting_jobs)


async def _with_faces(check: Callable[[int], Awaitable[int]], job: JobRecord) -> int:
    """What `check` returns for the cost of each picture with its faces. RefusedError
    `quota_faces` where only the faces are too many."""
    cost, faces = picture_cost(job.request), held_for_faces(job.request)
    try:
        return await check(cost + faces)
    except RefusedError as error:
        if not faces or not error.key.startswith("quota"):
            raise
        await check(cost)
        whole = in_pictures(job.request.count * (cost + faces))
        raise RefusedError("quota_faces", cost=whole, **error.data) from None


async def _overall(connection: Connection, job: JobRecord, limits: Limits, cost: int) -> int:
    """How many hundredths of a picture are taken from the owner's grants."""
    since = job.accepted_at - DAY_S
    return check_quota(
        await quota.uses_since(connection, user_id=job.user_id, since=since),
        limits=limits,
        pictures=job.request.count,
        now=job.accepted_at,
        granted=await quota_grants.left(connection, guild_id=OVERALL, user_id=job.user_id),
        cost=cost,
    )


async def _here(connection: Connection, job: JobRecord, limits: LimitSet, cost: int) -> int:
    """How many are taken from grants of the server's moderators."""
    if job.guild_id is None or limits == LimitSet():
        return 0
    user_id, guild_id, since = job.user_id, job.guild_id, job.accepted_at - DAY_S
    if _is_large(job.request):
        upscales = await quota.upscales_here_since(
            connection, user_id=user_id, guild_id=guild_id, since=since
        )
        check_upscales(upscales, limit=limits.upscales_per_day, now=job.accepted_at)
    return check_server(
        await quota.uses_here_since(connection, user_id=user_id, guild_id=guild_id, since=since),
        limits=limits,
        pictures=job.request.count,
        now=job.accepted_at,
        granted=await quota_grants.left(connection, guild_id=guild_id, user_id=user_id),
        cost=cost,
    )


def _is_large(request: ResolvedRequest) -> bool:
    """Whether it takes as long as an upscale: it is one, or redraws a part of one."""
    return request.upscale_factor > 1 or request.width * request.height > MAX_EXTENDED_PIXELS


async def _take_init_picture(connection: Connection, job: JobRecord) -> None:
    """Check that the init picture still exists; once the job is stored, its file is kept."""
    content_hash = job.request.init_picture
    if not content_hash or await pictures.uses_file(connection, content_hash=content_hash):
        return
    if await uploads.get(connection, content_hash=content_hash) is None:
        raise RefusedError("init_picture_gone")
    await uploads.take(connection, content_hash=content_hash, user_id=job.user_id)


async def _check_mask(connection: Connection, job: JobRecord) -> None:
    """Check that the mask still exists; once the job is stored, its file is kept."""
    content_hash = job.request.mask
    if not content_hash:
        return
    mask = await uploads.get(connection, content_hash=content_hash)
    if mask is None or not mask.is_mask:
        raise RefusedError("mask_gone")
    size = await pictures.size_of_file(connection, content_hash=job.request.init_picture)
    if size is None:
        upload = await uploads.get(connection, content_hash=job.request.init_picture)
        size = None if upload is None else (upload.width, upload.height)
    if size is not None and size != (mask.width, mask.height):
        width, height = size
        raise InputError("mask_wrong_size", width=width, height=height)
