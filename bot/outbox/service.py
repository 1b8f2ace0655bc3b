"""The outbox as a service: add items, send them, and report those that are stuck."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from bot.common.clock import Clock
from bot.moderation.audit import Audit
from bot.outbox.kinds import Kind, person_lane
from bot.outbox.verdict import EXPIRES_S, Failure, Verdict, next_attempt
from data.gallery import entries
from data.guilds import outbox
from data.guilds.audit import AuditEvent, AuditKind
from data.guilds.outbox import OutboxItem, SubjectCount
from data.store.connection import Connection
from data.store.database import Database

_log = logging.getLogger(__name__)

AT_ONCE: Final = 50
"""Items of a lane that are read at a time."""
Sender: TypeAlias = Callable[[OutboxItem], Awaitable[float | None]]
"""Sends an item. Raises if that failed; returns for how many seconds the same item should pause now
(None: not at all)."""


class Outbox:
    """Items and their state. `fresh` is set whenever something may be due. `senders`: by kind, what
    carries out an item in Discord. `on_wake` is called with a server to retry."""

    def __init__(self, *, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self.fresh = asyncio.Event()
        self.senders: dict[str, Sender] = {}
        self.on_wake: list[Callable[[int], None]] = []
        self._wakes: Counter[int] = Counter()
        database.on_commit.append(self.fresh.set)

    async def lanes_due(self) -> list[tuple[str, int | None]]:
        """(lane, server) wherever something is due."""
        return await self._database.read(outbox.lanes_due, now=self._clock.time())

    async def due_in(self, lane: str) -> list[OutboxItem]:
        """What is due in a lane, oldest first, at most AT_ONCE."""
        return await self._database.read(
            outbox.due_in, lane=lane, now=self._clock.time(), limit=AT_ONCE
        )

    async def next_due_s(self) -> float | None:
        """Seconds until something is due; None: nothing waits."""
        due_at = await self._database.read(outbox.next_due)
        return None if due_at is None else due_at - self._clock.time()

    def is_old(self, item: OutboxItem) -> bool:
        """Whether its place has been unavailable too long: its server may have removed us."""
        return self._clock.time() - item.put_at > EXPIRES_S

    async def done(self, item: OutboxItem) -> float:
        """Record that it was sent. If it changed since it was read, it is sent again. Returns for
        how many seconds the lane should pause: 0."""
        await self._database.write(outbox.done, item_id=item.id, changes=item.changes)
        return 0.0

    async def note(self, item: OutboxItem, values: Mapping[str, Any]) -> None:
        """Add something to an item's payload for its next attempt."""
        await self._database.write(
            outbox.set_payload,
            item_id=item.id,
            changes=item.changes,
            payload={**item.payload, **values},
        )

    def wakes(self, guild_id: int | None) -> int:
        """How often a server was woken."""
        return 0 if guild_id is None else self._wakes[guild_id]

    async def failed(self, item: OutboxItem, failure: Failure, *, wakes: int = 0) -> float:
        """Record a failed attempt: the item is rescheduled, parked or given up. `wakes`: of its
        server, when the attempt started, so that a later one is not lost. Returns for how many
        seconds the item's whole lane should pause."""
        now = self._clock.time()
        planned = next_attempt(
            failure,
            attempts=item.attempts,
            parked=item.state == "parked",
            age_s=now - item.put_at,
        )
        async with self._database.transaction() as connection:
            if planned is None:
                await outbox.done(connection, item_id=item.id, changes=item.changes)
            else:
                woken = self.wakes(item.guild_id) != wakes
                await outbox.failed(
                    connection,
                    item_id=item.id,
                    changes=item.changes,
                    state="parked" if planned.parked else "waiting",
                    due_at=now + (0.0 if woken else planned.after_s),
                    error=failure.words,
                )
                if planned.parked and item.state != "parked":
                    await self._tell_parked(connection, item, failure)
        if planned is None:
            _log.info("Given up: %s %s: %s", item.kind, item.key, failure.words)
            return 0.0
        if planned.parked and item.state != "parked":
            _log.warning(
                "Parked, tried again every few hours: %s %s (server %s): %s",
                item.kind, item.key, item.guild_id, failure.words,
            )  # fmt: skip
        else:
            _log.info("Tried again later: %s %s: %s", item.kind, item.key, failure.words)
        return planned.lane_rest_s

    async def _tell_parked(
        self, connection: Connection, item: OutboxItem, failure: Failure
    ) -> None:
        """Notify the server's moderators in their log, and an entry's sharer privately."""
        if item.guild_id is None or item.kind == Kind.AUDIT_LOG:
            return  # an entry about a rejecting log channel could only be read there
        event = AuditEvent(
            kind=AuditKind.UNDELIVERED,
            guild_id=item.guild_id,
            channel_id=_channel_of(item),
            details={"what": item.kind, "error": failure.words},
        )
        if item.kind == Kind.GALLERY_ENTRY:
            entry = await entries.get(connection, entry_id=item.key)
            if entry is not None:
                event = replace(
                    event,
                    channel_id=None,
                    user_id=entry.maker_id,
                    job_id=entry.job_id,
                    picture_id=entry.picture_id,
                )
                if entry.shared_by is not None:
                    await outbox.put(
                        connection,
                        kind=Kind.GALLERY_REFUSED,
                        key=entry.id,
                        lane=person_lane(entry.shared_by),
                    )
        closed = failure.verdict is Verdict.CLOSED  # one message for everything that it rejects
        if not closed or not await outbox.is_parked_beside(
            connection, item_id=item.id, lane=item.lane, kind=item.kind, error=failure.words
        ):
            await self._audit.record_in(connection, event)

    async def wake(self, guild_id: int) -> None:
        """Retry everything of a server immediately, because something changed there."""
        self._wakes[guild_id] += 1
        for listener in self.on_wake:
            listener(guild_id)
        await self._database.write(outbox.wake, guild_id=guild_id)

    async def wake_all(self) -> None:
        """Retry everything immediately, as at each start."""
        await self._database.write(outbox.wake_all)

    async def parked(self, *, guild_id: int | None = None, limit: int) -> list[OutboxItem]:
        """What Discord rejects, of one server or of all."""
        return await self._database.read(outbox.parked, guild_id=guild_id, limit=limit)

    async def counts(self, *, guild_id: int | None = None) -> dict[str, int]:
        """How many items are waiting and parked."""
        return await self._database.read(outbox.counts, guild_id=guild_id)

    async def by_subject(self) -> list[SubjectCount]:
        """How many items there are by state and by subject of their lanes."""
        return await self._database.read(outbox.by_subject)


def _channel_of(item: OutboxItem) -> int | None:
    """The channel that an item names, as one that can be stored."""
    found = item.payload.get("channel_id")
    return found if isinstance(found, int) and 0 < found < 2**63 else None
