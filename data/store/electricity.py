"""How much electricity the measured pictures took, kept in `notes`."""

import json
import math

from data.store import notes
from data.store.connection import Connection
from data.store.damage import object_of

_KEY = "electricity"


async def get(connection: Connection) -> tuple[int, float]:
    """Pictures that were measured since the installation, and their joules."""
    kept = object_of(await notes.get(connection, key=_KEY) or "{}")
    pictures, energy_j = kept.get("pictures"), kept.get("energy_j")
    if not isinstance(pictures, int) or not isinstance(energy_j, int | float):
        return 0, 0.0
    if pictures < 1 or not 0 <= energy_j < math.inf:
        return 0, 0.0
    return pictures, float(energy_j)


async def put(connection: Connection, *, pictures: int, energy_j: float) -> None:
    """Replace what is stored."""
    value = json.dumps({"pictures": pictures, "energy_j": energy_j})
    await notes.put(connection, key=_KEY, value=value)
