"""Actions of moderators and the bot's owner about people: blocks, resets, grants, log.

Callers check permissions. Each action and its entry in the audit log are one transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.accept.limits import in_pictures
from bot.jobs.service import JobService
from bot.moderation.audit import Audit
from data.guilds import audit, blocks
from data.guilds.audit import AuditEntry, AuditEvent, AuditKind
from data.guilds.blocks import EVERYWHERE, Block, Subject
from data.jobs import quota, quota_grants, usage
from data.jobs.usage import DAY_S, DayUse, MemberUse
from data.store import maintenance
from data.store.database import Database
from data.store.maintenance import Maintenance
from pipeline.errors import InputError, RefusedError
from pipeline.speed.cost import WHOLE

MAX_REASON: Final = 500  # characters, also in the schema
MAX_GRANT: Final = 10_000  # pictures at once
USAGE_DAYS: Final = 14
USAGE_MEMBERS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A page of the audit log, newest first. `more`: there are older entries."""

    entries: tuple[AuditEntry, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A server's recent usage. `days`: every day of the period, newest first."""

    days: tuple[DayUse, ...]
    members: tuple[MemberUse, ...]


class Moderators:
    """Actions about people."""

    def __init__(self, *, database: Database, audit: Audit, jobs: JobService, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._jobs = jobs
        self._clock = clock

    async def block(
        self,
        actor: Actor,
        *,
        subject_id: int,
        duration_s: float | None,
        reason: str,
        subject: Subject = "user",
    ) -> Block:
        """Block a person (the owner can also block a server); None: permanently. An earlier block
        is replaced. Their waiting and running jobs there are cancelled and refunded.

        InputError `reason_too_long`; RefusedError `block_self`.
        """
        if subject == "user" and subject_id == actor.user_id:
            raise RefusedError("block_self")
        now = self._clock.time()
        made = Block(
            guild_id=scope_of(actor),
            subject=subject,
            subject_id=subject_id,
            reason=checked_reason(reason),
            blocked_by=actor.user_id,
            blocked_at=now,
            until=None if duration_s is None else now + duration_s,
        )
        details = {"reason": made.reason, "until": made.until, "subject": subject}
        if subject == "guild":
            details["server"] = str(subject_id)
        async with self._database.transaction() as connection:
            await blocks.put(connection, block=made)
            about = subject_id if subject == "user" else None
            await self._audit.record_act(connection, actor, AuditKind.BLOCKED, about, details)
        hit("person_blocked")
        if subject == "user":  # after a crash here, the next start does this
            await self._jobs.cancel_all(user_id=subject_id, guild_id=actor.guild_id)
        return made

    async def unblock(self, actor: Actor, *, subject_id: int, subject: Subject = "user") -> Block:
        """Remove a block. RefusedError `not_blocked`."""
        async with self._database.transaction() as connection:
            removed = await blocks.remove(
                connection, guild_id=scope_of(actor), subject=subject, subject_id=subject_id
            )
            if removed is None:
                raise RefusedError("not_blocked")
            details = {"reason": removed.reason, "subject": subject}
            if subject == "guild":
                details["server"] = str(subject_id)
            about = subject_id if subject == "user" else None
            await self._audit.record_act(connection, actor, AuditKind.UNBLOCKED, about, details)
        return removed

    async def blocks(self, actor: Actor) -> list[Block]:
        """The blocks in force that the server, or the owner, made."""
        return await self._database.read(
            blocks.of_guild, guild_id=scope_of(actor), now=self._clock.time()
        )

    async def reset(self, actor: Actor, *, user_id: int) -> None:
        """Reset a member's usage for the server's own limits, or, by the owner, for all."""
        async with self._database.transaction() as connection:
            await quota.forgive(connection, user_id=user_id, guild_id=actor.guild_id)
            await self._audit.record_act(connection, actor, AuditKind.LIMITS_RESET, user_id, {})

    async def grant(self, actor: Actor, *, user_id: int, pictures: int) -> float:
        """Grant a member pictures beyond the server's limits, or, if the owner does it, beyond the
        operator's. Returns how many they have now. InputError `grant_out_of_range`."""
        if not 1 <= pictures <= MAX_GRANT:
            raise InputError("grant_out_of_range", value=pictures, high=MAX_GRANT)
        scope = scope_of(actor)
        async with self._database.transaction() as connection:
            await quota_grants.add(
                connection, guild_id=scope, user_id=user_id, hundredths=pictures * WHOLE
            )
            left = in_pictures(await quota_grants.left(connection, guild_id=scope, user_id=user_id))
            details = {"pictures": pictures, "left": left}
            await self._audit.record_act(connection, actor, AuditKind.GRANTED, user_id, details)
        return left

    async def usage(self, actor: Actor) -> Usage:
        """Pictures of the last USAGE_DAYS days (UTC, including today) in the actor's server, and
        the members with the most. Private ones are counted but not shown."""
        assert actor.guild_id is not None
        today = int(self._clock.time() // DAY_S)
        first = today - USAGE_DAYS + 1
        async with self._database.reader() as connection:
            found = await usage.per_day(connection, guild_id=actor.guild_id, since=first * DAY_S)
            most = await usage.members(
                connection, guild_id=actor.guild_id, since=first * DAY_S, limit=USAGE_MEMBERS
            )
        by_day = {each.day: each for each in found}
        days = (
            by_day.get(day, DayUse(day=day, pictures=0, private=0))
            for day in range(today, first - 1, -1)
        )
        return Usage(days=tuple(days), members=tuple(most))

    async def log(
        self,
        guild_id: int | None,
        *,
        kinds: Collection[str] = (),
        user_id: int | None = None,
        page: int,
        page_size: int,
    ) -> LogPage:
        """Page `page` (from 0) of a server's log; None: of the owner's actions."""
        found = await self._database.read(
            audit.page,
            guild_id=guild_id,
            kinds=kinds,
            user_id=user_id,
            of_the_owner=guild_id is None,
            offset=max(0, page) * page_size,
            limit=page_size + 1,
        )
        return LogPage(entries=tuple(found[:page_size]), more=len(found) > page_size)

    async def maintenance(self) -> Maintenance | None:
        """The current maintenance, if it is on."""
        return await self._database.read(maintenance.get)

    async def set_maintenance(self, actor: Actor, *, on: bool, reason: str = "") -> None:
        """Turn maintenance on or off. It is kept over restarts; accepted jobs continue."""
        made = Maintenance(
            since=self._clock.time(), by=actor.user_id, reason=checked_reason(reason)
        )
        async with self._database.transaction() as connection:
            await maintenance.put(connection, maintenance=made if on else None)
            details = {"on": on, "reason": made.reason}
            await self._audit.record_act(connection, actor, AuditKind.MAINTENANCE, None, details)

    async def announced(self, actor: Actor, *, words: str, people: int) -> None:
        """Record that an announcement was sent to waiting people."""
        await self._audit.note(
            AuditEvent(
                kind=AuditKind.ANNOUNCED,
                guild_id=None,
                actor_id=actor.user_id,
                details={"text": words, "people": people},
            )
        )


def scope_of(actor: Actor) -> int:
    """The server as stored with blocks and grants: the owner's apply everywhere."""
    return actor.guild_id or EVERYWHERE


def checked_reason(reason: str) -> str:
    """A reason on one line. InputError `reason_too_long`."""
    line = " ".join(reason.split())
    if len(line) > MAX_REASON:
        raise InputError("reason_too_long", limit=MAX_REASON)
    return line
