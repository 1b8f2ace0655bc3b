"""What a person has used of their limits."""

from collections.abc import Iterable, Sequence

from bot.jobs.accept.limits import (
    DAY_S,
    HOUR_S,
    Limits,
    ServerLimits,
    UserLimits,
    Window,
    in_pictures,
    window,
)
from bot.moderation.member_limits import for_member
from data.guilds import guild_limits
from data.guilds.server_settings import LimitSet
from data.jobs import jobs, quota, quota_grants
from data.jobs.quota import Use
from data.jobs.quota_grants import OVERALL
from data.store.connection import Connection
from data.store.database import Database


async def limits_of(
    database: Database,
    limits: Limits,
    *,
    user_id: int,
    guild_id: int | None,
    role_ids: Iterable[int],
    now: float,
) -> UserLimits:
    """What `user_id` has used and may still use, everywhere and in the server `guild_id`."""
    async with database.reader() as connection:
        uses = await quota.uses_since(connection, user_id=user_id, since=now - DAY_S)
        granted = await quota_grants.left(connection, guild_id=OVERALL, user_id=user_id)
        waiting = await jobs.count_open(connection, user_id=user_id)
        here = None
        if guild_id is not None:
            made = await guild_limits.of_guild(connection, guild_id=guild_id)
            own = for_member(made, guild_id=guild_id, role_ids=role_ids)
            here = await _server_limits(connection, own, user_id, guild_id, now)
    return UserLimits(
        hour=window(uses, limit=limits.pictures_per_hour, length_s=HOUR_S, now=now),
        day=window(uses, limit=limits.pictures_per_day, length_s=DAY_S, now=now),
        waiting=waiting,
        waiting_limit=limits.waiting_jobs_per_user,
        granted=in_pictures(granted),
        here=here,
    )


async def _server_limits(
    connection: Connection, own: LimitSet, user_id: int, guild_id: int, now: float
) -> ServerLimits | None:
    """Usage under one server's limits; None if it limits nothing."""
    granted = await quota_grants.left(connection, guild_id=guild_id, user_id=user_id)
    since = now - DAY_S
    uses = await quota.uses_here_since(connection, user_id=user_id, guild_id=guild_id, since=since)
    upscales = await quota.upscales_here_since(
        connection, user_id=user_id, guild_id=guild_id, since=since
    )

    def made(uses: Sequence[Use], limit: int | None, length_s: float) -> Window | None:
        return None if limit is None else window(uses, limit=limit, length_s=length_s, now=now)

    hour = made(uses, own.pictures_per_hour, HOUR_S)
    day = made(uses, own.pictures_per_day, DAY_S)
    grown = made(upscales, own.upscales_per_day, DAY_S)
    if hour is day is grown is own.waiting_jobs is None and not granted:
        return None
    return ServerLimits(
        hour=hour,
        day=day,
        upscales=grown,
        waiting=await jobs.count_open(connection, user_id=user_id, guild_id=guild_id),
        waiting_limit=own.waiting_jobs,
        granted=in_pictures(granted),
    )
