"""The note that a database was restored from a backup: what Discord shows since is not in it."""

import json
from dataclasses import asdict, dataclass

from data.store import notes
from data.store.connection import Connection
from data.store.damage import object_of

_KEY = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """`made_at`: the time of the backup. `at`: of the restore. Seconds since the epoch."""

    made_at: float
    at: float


async def get(connection: Connection) -> Restored | None:
    """The latest restore; None: there was none."""
    values = object_of(await notes.get(connection, key=_KEY) or "")
    made_at, at = values.get("made_at"), values.get("at")
    if not isinstance(made_at, int | float) or not isinstance(at, int | float):
        return None
    return Restored(made_at=made_at, at=at)


async def put(connection: Connection, *, restored: Restored) -> None:
    """Record a restore. After several, Discord has been ahead since the earliest backup."""
    before = await get(connection)
    made_at = min(restored.made_at, before.made_at) if before else restored.made_at
    value = json.dumps(asdict(Restored(made_at=made_at, at=restored.at)))
    await notes.put(connection, key=_KEY, value=value)
