"""The audit log: one call records what happened, by itself or inside a transaction that is open."""

import logging

from bot.common.clock import Clock
from data.guilds import audit
from data.guilds.audit import AuditEvent
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)


class Audit:
    """Records events. Entries that a server wants in its log channel wait in the database, and an
    item of the outbox with them, until `cogs.moderation.log_channel` has posted them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def record(self, event: AuditEvent) -> int:
        """Record `event` in a transaction of its own; gives the entry's id."""
        async with self._database.transaction() as connection:
            return await self.record_in(connection, event)

    async def record_in(self, connection: Connection, event: AuditEvent) -> int:
        """Record `event` with everything else of the open transaction, or not at all."""
        return await audit.insert(connection, event=event, now=self._clock.time())

    async def note(self, event: AuditEvent) -> None:
        """Record `event` if that can be, for what happens anyway: trouble is only logged."""
        try:
            await self.record(event)
        except StorageError as error:
            _log.warning("Not in the audit log: %s (%s)", event.kind, error)
