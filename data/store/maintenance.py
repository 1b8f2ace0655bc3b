"""Whether the bot's owner lets nobody begin anything, kept in `notes` over restarts."""

import json
from dataclasses import asdict, dataclass

from aiosqlite import Connection

from data.store import notes

_KEY = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Since when (seconds since the epoch), by whom, and what people are told."""

    since: float
    by: int
    reason: str


async def get(connection: Connection) -> Maintenance | None:
    """The maintenance that is on; None: the bot works."""
    kept = await notes.get(connection, key=_KEY)
    return Maintenance(**json.loads(kept)) if kept else None


async def put(connection: Connection, *, maintenance: Maintenance | None) -> None:
    """Turn it on, or with None off."""
    value = "" if maintenance is None else json.dumps(asdict(maintenance))
    await notes.put(connection, key=_KEY, value=value)
