"""The `audit_log` table: what happened, for moderators of the server where it did."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from aiosqlite import Connection

from data.store.damage import object_of


class AuditKind(StrEnum):
    """What happened. Each has a name in the catalogue, `[audit] kind_<value>`."""

    ACCEPTED = "accepted"  # a request: who makes what, with which settings
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
    MAINTENANCE = "maintenance"
    ANNOUNCED = "announced"
    GALLERY_ADDED = "gallery_added"
    GALLERY_REMOVED = "gallery_removed"
    UNDELIVERED = "undelivered"  # details: what (a kind of the outbox), error


_OWN: Final = (AuditKind.ACCEPTED, AuditKind.REFUSED)
"""What somebody did for themselves: goes with everything else about them."""
_ABOUT: Final = ("prompt", "negative_prompt", "name", "words")
"""Details in which somebody's own words or name may stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What is to be recorded. `actor_id` did it (None: the bot), `user_id` is whom it is about.
    `details` becomes JSON: a change has `old` and `new`."""

    kind: AuditKind
    guild_id: int | None
    channel_id: int | None = None
    actor_id: int | None = None
    user_id: int | None = None
    job_id: str | None = None
    picture_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What was recorded. `at`: seconds since the epoch. `kind` may be one of another version."""

    id: int
    at: float
    kind: str
    guild_id: int | None
    channel_id: int | None
    actor_id: int | None
    user_id: int | None
    job_id: str | None
    picture_id: str | None
    details: dict[str, Any]


_COLUMNS = "id, at, kind, guild_id, channel_id, actor_id, user_id, job_id, picture_id, details"


def _entry(row: sqlite3.Row) -> AuditEntry:
    values: dict[str, Any] = {name: row[name] for name in AuditEntry.__dataclass_fields__}
    values["details"] = object_of(row["details"])
    return AuditEntry(**values)


async def insert(connection: Connection, *, event: AuditEvent, now: float) -> int:
    """Record `event`; gives its id. Where its server has a log channel it waits to be posted."""
    cursor = await connection.execute(
        "INSERT INTO audit_log"
        " (at, kind, guild_id, channel_id, actor_id, user_id, job_id, picture_id, details, posted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT 0 FROM guild_settings WHERE guild_id = ?3 AND log_channel_id IS NOT NULL))",
        (
            now,
            event.kind.value,
            event.guild_id,
            event.channel_id,
            event.actor_id,
            event.user_id,
            event.job_id,
            event.picture_id,
            json.dumps(dict(event.details), ensure_ascii=False, default=str),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


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
    """Entries of a server, the newest first; None: all of them, or with `of_the_owner` only what
    the bot's owner did. Only those of `kinds` (none: all) that are by or about `user_id`."""
    wanted = sorted(map(str, kinds))
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM audit_log"  # noqa: S608 - constant columns and marks
        " WHERE (?1 IS NULL OR guild_id = ?1) AND (?2 IS NULL OR ?2 IN (user_id, actor_id))"
        f" AND (?3 = 0 OR kind IN ({', '.join(['?'] * len(wanted)) or 'NULL'}))"
        f" AND (?{len(wanted) + 6} = 0 OR guild_id IS NULL)"
        f" ORDER BY id DESC LIMIT ?{len(wanted) + 4} OFFSET ?{len(wanted) + 5}",
        (guild_id, user_id, len(wanted), *wanted, limit, offset, of_the_owner),
    ) as cursor:
        return [_entry(row) for row in await cursor.fetchall()]


async def to_post(connection: Connection, *, guild_id: int, limit: int) -> list[AuditEntry]:
    """Entries that wait for the server's log channel, the oldest first."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM audit_log WHERE guild_id = ? AND posted = 0"  # noqa: S608
        " ORDER BY id LIMIT ?",
        (guild_id, limit),
    ) as cursor:
        return [_entry(row) for row in await cursor.fetchall()]


async def mark_posted(connection: Connection, *, guild_id: int, up_to: int | None) -> None:
    """Everything of a server up to the entry `up_to` (None: all that is there) was posted, or
    can't be."""
    await connection.execute(
        "UPDATE audit_log SET posted = 1 WHERE guild_id = ?1 AND (?2 IS NULL OR id <= ?2)"
        " AND posted = 0",
        (guild_id, up_to),
    )


async def expire(connection: Connection, *, now: float, default_days: int) -> None:
    """Remove what is older than each server keeps it; elsewhere after `default_days`."""
    await connection.execute(
        "DELETE FROM audit_log WHERE at <= ?1 - 86400.0 * coalesce((SELECT retention_days"
        " FROM guild_settings WHERE guild_settings.guild_id = audit_log.guild_id), ?2)",
        (now, default_days),
    )


async def all_about(connection: Connection, *, user_id: int) -> list[AuditEntry]:
    """Everything by or about a person, the oldest first."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM audit_log WHERE ?1 IN (user_id, actor_id) ORDER BY id",  # noqa: S608
        (user_id,),
    ) as cursor:
        return [_entry(row) for row in await cursor.fetchall()]


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove what `user_id` did for themselves; of what moderators did about them stays that it was
    done, without anything of theirs."""
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
