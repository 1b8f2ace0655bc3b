"""The `audit_log` table: what happened, for the server's moderators."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from data.store.connection import Connection, Table
from data.store.damage import object_of


class AuditKind(StrEnum):
    """Kinds of events. Each has a name in the catalogue, `[audit] kind_<value>`."""

    ACCEPTED = "accepted"  # a request: who draws what, with which settings
    REFUSED = "refused"
    WITHHELD = "withheld"
    RELEASED = "released"
    DISCARDED = "discarded"
    REPORTED = "reported"
    REPORT_DECIDED = "report_decided"
    DELETED = "deleted"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    LIMITS_RESET = "limits_reset"
    GRANTED = "granted"
    SETTING_CHANGED = "setting_changed"  # details: setting, old, new
    WORDS_CHANGED = "words_changed"
    WILDCARDS_CHANGED = "wildcards_changed"  # details: wildcard, added, removed, old, new
    MAINTENANCE = "maintenance"
    PAUSED = "paused"  # details: until, refuses
    RESUMED = "resumed"
    ANNOUNCED = "announced"
    GALLERY_ADDED = "gallery_added"
    GALLERY_REMOVED = "gallery_removed"
    UNDELIVERED = "undelivered"  # details: what (a kind of the outbox), error


_OWN: Final = (AuditKind.ACCEPTED, AuditKind.REFUSED)
"""What people did for themselves: deleted with everything else about them."""
_ABOUT: Final = ("prompt", "negative_prompt", "name", "words")
"""Details that may contain a person's own words or name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """An event to record. `actor_id` did it (None: the bot), `user_id` is whom it concerns. `kind`
    is an AuditKind. `details` becomes JSON: a change has `old` and `new`."""

    kind: str
    guild_id: int | None
    channel_id: int | None = None
    actor_id: int | None = None
    user_id: int | None = None
    job_id: str | None = None
    picture_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry(AuditEvent):
    """A recorded event. `at`: seconds since the epoch. `kind` may be of another version."""

    id: int
    at: float


def _json(details: Mapping[str, Any]) -> str:
    return json.dumps(dict(details), ensure_ascii=False, default=str)


_EVENTS = Table(AuditEvent, "audit_log", write={"details": _json})
_ENTRIES = Table(AuditEntry, "audit_log", read={"details": object_of})


async def insert(connection: Connection, *, event: AuditEvent, now: float) -> int:
    """Record `event`; returns its id. If its server has a log channel, it waits to be posted."""
    posted = await connection.value(
        "SELECT 0 FROM guild_settings WHERE guild_id = ? AND log_channel_id IS NOT NULL",
        (event.guild_id,),
    )
    await _EVENTS.insert(connection, event, at=now, posted=posted)
    return await connection.value("SELECT last_insert_rowid()")


async def page(
    connection: Connection,
    *,
    guild_id: int | None,
    kinds: Collection[str] = (),
    user_id: int | None = None,
    of_the_owner: bool = False,
    offset: int,
    limit: int,
) -> list[AuditEntry]:
    """Entries of a server, newest first; None: of all servers, or with `of_the_owner` only the
    owner's actions. Only those of `kinds` (none: all) that are by or about `user_id`."""
    wanted = sorted(map(str, kinds))
    return await _ENTRIES.many(
        connection,
        "WHERE (?1 IS NULL OR guild_id = ?1) AND (?2 IS NULL OR ?2 IN (user_id, actor_id))"
        f" AND (?3 = 0 OR kind IN ({', '.join(['?'] * len(wanted)) or 'NULL'}))"
        f" AND (?{len(wanted) + 6} = 0 OR guild_id IS NULL)"
        f" ORDER BY id DESC LIMIT ?{len(wanted) + 4} OFFSET ?{len(wanted) + 5}",
        (guild_id, user_id, len(wanted), *wanted, limit, offset, of_the_owner),
    )


async def to_post(connection: Connection, *, guild_id: int, limit: int) -> list[AuditEntry]:
    """Entries waiting for the server's log channel, oldest first."""
    return await _ENTRIES.many(
        connection,
        "WHERE guild_id = ? AND posted = 0 ORDER BY id LIMIT ?",
        (guild_id, limit),
    )


async def mark_posted(connection: Connection, *, guild_id: int, up_to: int | None) -> None:
    """Record that the server's entries up to `up_to` (None: all) were posted or can't be."""
    await connection.execute(
        "UPDATE audit_log SET posted = 1 WHERE guild_id = ?1 AND (?2 IS NULL OR id <= ?2)"
        " AND posted = 0",
        (guild_id, up_to),
    )


async def expire(connection: Connection, *, now: float, default_days: int) -> None:
    """Remove entries older than their server keeps them; elsewhere after `default_days`."""
    await connection.execute(
        "DELETE FROM audit_log WHERE at <= ?1 - 86400.0 * coalesce((SELECT retention_days"
        " FROM guild_settings WHERE guild_settings.guild_id = audit_log.guild_id), ?2)",
        (now, default_days),
    )


async def forget_words(connection: Connection, *, before: float) -> None:
    """Remove people's own words from entries up to `before`; what happened stays."""
    paths = ", ".join(f"'$.{name}'" for name in _ABOUT)
    has_some = " OR ".join(f"json_type(details, '$.{name}') IS NOT NULL" for name in _ABOUT)
    await connection.execute(
        f"UPDATE audit_log SET details = json_remove(details, {paths})"  # noqa: S608 - our names
        f" WHERE at <= ? AND ({has_some})",
        (before,),
    )


async def all_about(connection: Connection, *, user_id: int) -> list[AuditEntry]:
    """Everything by or about a person, oldest first."""
    return await _ENTRIES.many(
        connection, "WHERE ?1 IN (user_id, actor_id) ORDER BY id", (user_id,)
    )


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove what `user_id` did for themselves; entries about what moderators did to them stay,
    without the person's own words."""
    await connection.execute(
        f"DELETE FROM audit_log WHERE user_id = ? AND kind IN ({', '.join(['?'] * len(_OWN))})",  # noqa: S608
        (user_id, *_OWN),
    )
    paths = ", ".join(f"'$.{name}'" for name in _ABOUT)
    await connection.execute(
        f"UPDATE audit_log SET details = json_remove(details, {paths}), job_id = NULL,"  # noqa: S608
        " picture_id = NULL WHERE user_id = ?",
        (user_id,),
    )
