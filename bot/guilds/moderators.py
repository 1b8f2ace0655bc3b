"""What moderators of a server, and the bot's owner, do about people: blocks, resets, grants, log.

Who may call this is checked by whoever calls. Each act is one transaction together with its entry
in the audit log.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.service import JobService
from bot.moderation.audit import Audit
from data.guilds import audit, blocks
from data.guilds.audit import AuditEntry, AuditEvent, AuditKind
from data.guilds.blocks import EVERYWHERE, Block, Subject
from data.jobs import quota, quota_grants, usage
from data.jobs.quota_grants import OVERALL
from data.jobs.usage import DAY_S, DayUse, MemberUse
from data.store import maintenance
from data.store.connection import Connection
from data.store.database import Database
from data.store.maintenance import Maintenance
from pipeline.errors import InputError, RefusedError

MAX_REASON: Final = 500  # characters, also in the schema
MAX_GRANT: Final = 10_000  # pictures at once
USAGE_DAYS: Final = 14
USAGE_MEMBERS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who acts, and for which server. `guild_id` None: the bot's owner, for everywhere."""

    actor_id: int
    guild_id: int | None
    channel_id: int | None = None

    @property
    def scope(self) -> int:
        """The server as the tables of blocks and grants have it."""
        return EVERYWHERE if self.guild_id is None else self.guild_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A page of the audit log, the newest entry first. `more`: older ones follow."""

    entries: tuple[AuditEntry, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a server made lately. `days`: every day of the span, the newest first."""

    days: tuple[DayUse, ...]
    members: tuple[MemberUse, ...]


class Moderators:
    """Acts about people."""

    def __init__(self, *, database: Database, audit: Audit, jobs: JobService, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._jobs = jobs
        self._clock = clock

    async def block(
        self,
        desk: Desk,
        *,
        subject_id: int,
        duration_s: float | None,
        reason: str,
        subject: Subject = "user",
    ) -> Block:
        """Keep a person (for the owner, also a server) out; None: for good. An earlier block of
        the same is replaced. What they have waiting or running there is cancelled and given back.

        InputError `reason_too_long`; RefusedError `block_self`.
        """
        if subject == "user" and subject_id == desk.actor_id:
            raise RefusedError("block_self")
        now = self._clock.time()
        made = Block(
            guild_id=desk.scope,
            subject=subject,
            subject_id=subject_id,
            reason=checked_reason(reason),
            blocked_by=desk.actor_id,
            blocked_at=now,
            until=None if duration_s is None else now + duration_s,
        )
        details = {"reason": made.reason, "until": made.until, "subject": subject}
        if subject == "guild":
            details["server"] = str(subject_id)
        async with self._database.transaction() as connection:
            await blocks.put(connection, block=made)
            about = subject_id if subject == "user" else None
            await self._record(connection, desk, AuditKind.BLOCKED, about, details)
        hit("person_blocked")
        if subject == "user":  # after a crash here the next start does it
            await self._jobs.cancel_all(user_id=subject_id, guild_id=desk.guild_id)
        return made

    async def unblock(self, desk: Desk, *, subject_id: int, subject: Subject = "user") -> Block:
        """Let them in again. RefusedError `not_blocked`."""
        async with self._database.transaction() as connection:
            removed = await blocks.remove(
                connection, guild_id=desk.scope, subject=subject, subject_id=subject_id
            )
            if removed is None:
                raise RefusedError("not_blocked")
            details = {"reason": removed.reason, "subject": subject}
            if subject == "guild":
                details["server"] = str(subject_id)
            about = subject_id if subject == "user" else None
            await self._record(connection, desk, AuditKind.UNBLOCKED, about, details)
        return removed

    async def blocks(self, desk: Desk) -> list[Block]:
        """The blocks in force that the server, or the owner, made."""
        async with self._database.reader() as connection:
            return await blocks.of_guild(connection, guild_id=desk.scope, now=self._clock.time())

    async def reset(self, desk: Desk, *, user_id: int) -> None:
        """What the member made up to now counts no longer: for the server's own limits, or, by the
        owner, for all."""
        async with self._database.transaction() as connection:
            await quota.forgive(connection, user_id=user_id, guild_id=desk.guild_id)
            await self._record(connection, desk, AuditKind.LIMITS_RESET, user_id, {})

    async def grant(self, desk: Desk, *, user_id: int, pictures: int) -> int:
        """Let the member make so many pictures beside the server's limits, or, by the owner, beside
        the operator's. Gives how many they have now. InputError `grant_out_of_range`."""
        if not 1 <= pictures <= MAX_GRANT:
            raise InputError("grant_out_of_range", value=pictures, high=MAX_GRANT)
        scope = OVERALL if desk.guild_id is None else desk.guild_id
        async with self._database.transaction() as connection:
            await quota_grants.add(connection, guild_id=scope, user_id=user_id, pictures=pictures)
            left = await quota_grants.left(connection, guild_id=scope, user_id=user_id)
            details = {"pictures": pictures, "left": left}
            await self._record(connection, desk, AuditKind.GRANTED, user_id, details)
        return left

    async def usage(self, desk: Desk) -> Usage:
        """Pictures of the last USAGE_DAYS days (UTC, today among them) in the server of `desk`, and
        the members with most of them. Private ones are counted, and not told otherwise."""
        assert desk.guild_id is not None
        today = int(self._clock.time() // DAY_S)
        first = today - USAGE_DAYS + 1
        async with self._database.reader() as connection:
            found = await usage.per_day(connection, guild_id=desk.guild_id, since=first * DAY_S)
            most = await usage.members(
                connection, guild_id=desk.guild_id, since=first * DAY_S, limit=USAGE_MEMBERS
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
        """Page `page` (from 0) of a server's log; None: of what the bot's owner did."""
        async with self._database.reader() as connection:
            found = await audit.page(
                connection,
                guild_id=guild_id,
                kinds=kinds,
                user_id=user_id,
                of_the_owner=guild_id is None,
                offset=max(0, page) * page_size,
                limit=page_size + 1,
            )
        return LogPage(entries=tuple(found[:page_size]), more=len(found) > page_size)

    async def maintenance(self) -> Maintenance | None:
        """The maintenance that is on."""
        async with self._database.reader() as connection:
            return await maintenance.get(connection)

    async def set_maintenance(self, desk: Desk, *, on: bool, reason: str = "") -> None:
        """Let nobody begin anything, or let them again. Kept over restarts; what was accepted goes
        on."""
        made = Maintenance(
            since=self._clock.time(), by=desk.actor_id, reason=checked_reason(reason)
        )
        async with self._database.transaction() as connection:
            await maintenance.put(connection, maintenance=made if on else None)
            details = {"on": on, "reason": made.reason}
            await self._record(connection, desk, AuditKind.MAINTENANCE, None, details)

    async def announced(self, desk: Desk, *, words: str, people: int) -> None:
        """Enter that waiting people were told something."""
        await self._audit.note(
            AuditEvent(
                kind=AuditKind.ANNOUNCED,
                guild_id=None,
                actor_id=desk.actor_id,
                details={"text": words, "people": people},
            )
        )

    async def _record(
        self,
        connection: Connection,
        desk: Desk,
        kind: AuditKind,
        user_id: int | None,
        details: Mapping[str, object],
    ) -> None:
        event = AuditEvent(
            kind=kind,
            guild_id=desk.guild_id,
            channel_id=desk.channel_id,
            actor_id=desk.actor_id,
            user_id=user_id,
            details=details,
        )
        await self._audit.record_in(connection, event)


def checked_reason(reason: str) -> str:
    """A reason on one line. InputError `reason_too_long`."""
    line = " ".join(reason.split())
    if len(line) > MAX_REASON:
        raise InputError("reason_too_long", limit=MAX_REASON)
    return line
