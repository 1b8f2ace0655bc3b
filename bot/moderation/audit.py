"""The audit log: records events, in a separate transaction or inside an open one."""

import logging
from collections.abc import Mapping

from bot.common.actor import Actor
from bot.common.clock import Clock
from data.guilds import audit
from data.guilds.audit import AuditEvent, AuditKind
from data.jobs.jobs import JobRecord
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)


class Audit:
    """Records events. Entries for a server's log channel wait in the database, with an item in the
    outbox, until `cogs.moderation.log_channel` has posted them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def record(self, event: AuditEvent) -> int:
        """Record `event` in its own transaction; returns the entry's id."""
        return await self._database.write(self.record_in, event)

    async def record_in(self, connection: Connection, event: AuditEvent) -> int:
        """Record `event` as part of the open transaction."""
        return await audit.insert(connection, event=event, now=self._clock.time())

    async def record_act(
        self,
        connection: Connection,
        actor: Actor,
        kind: AuditKind,
        user_id: int | None,
        details: Mapping[str, object],
    ) -> None:
        """Record what `actor` did, and to whom (`user_id`) if anybody."""
        event = AuditEvent(
            kind=kind,
            guild_id=actor.guild_id,
            channel_id=actor.channel_id or None,
            actor_id=actor.user_id,
            user_id=user_id,
            details=details,
        )
        await self.record_in(connection, event)

    async def record_of(
        self,
        connection: Connection,
        job: JobRecord,
        kind: AuditKind,
        details: Mapping[str, object],
        *,
        actor_id: int | None = None,
        picture_id: str | None = None,
    ) -> None:
        """Record an action about a job or one of its pictures; without `actor_id`, by the bot."""
        event = AuditEvent(
            kind=kind,
            guild_id=job.guild_id,
            channel_id=job.channel_id,
            actor_id=actor_id,
            user_id=job.user_id,
            job_id=job.id,
            picture_id=picture_id,
            details=details,
        )
        await self.record_in(connection, event)

    async def note(self, event: AuditEvent) -> None:
        """Record `event` if possible; problems are only logged."""
        try:
            await self.record(event)
        except StorageError as error:
            _log.warning("Not in the audit log: %s (%s)", event.kind, error)
