"""Whether the bot is in maintenance, kept in `notes` over restarts."""

import json
from dataclasses import asdict, dataclass

from data.store import notes
from data.store.connection import Connection
from data.store.damage import object_of

_KEY = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Since when (seconds since the epoch), by whom, and the message for people."""

    since: float
    by: int
    reason: str


async def get(connection: Connection) -> Maintenance | None:
    """The current maintenance; None: the bot works. It is also on if the note can't be read: the
    owner can turn it off."""
    kept = await notes.get(connection, key=_KEY)
    if not kept:
        return None
    values = object_of(kept)
    since, by, reason = values.get("since"), values.get("by"), values.get("reason")
    return Maintenance(
        since=since if isinstance(since, int | float) else 0.0,
        by=by if isinstance(by, int) else 0,
        reason=reason if isinstance(reason, str) else "",
    )


async def put(connection: Connection, *, maintenance: Maintenance | None) -> None:
    """Turn it on, or with None off."""
    value = "" if maintenance is None else json.dumps(asdict(maintenance))
    await notes.put(connection, key=_KEY, value=value)
