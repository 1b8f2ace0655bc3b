"""The operator's pause of drawing, and when nothing was drawn lately, kept in `notes` over
restarts."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

from data.store import notes
from data.store.connection import Connection
from data.store.damage import object_of

_PAUSE = "drawing_pause"
_RESTS = "drawing_rests"
_MOST = 50
"""Rests that are remembered: they matter for jobs that wait, so for some days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing is drawn until then; None: until it is ended. `refuses`: no new requests either.
    `since` and `until`: seconds since the epoch. `by`: who paused."""

    since: float
    until: float | None
    by: int
    refuses: bool = False

    def lasts(self, now: float) -> bool:
        """Whether it is not over yet."""
        return self.until is None or now < self.until


async def get(connection: Connection) -> Pause | None:
    """The pause, which may be over. One that can't be read has no end: the owner can end it."""
    kept = await notes.get(connection, key=_PAUSE)
    if not kept:
        return None
    values = object_of(kept)
    since, until, by = values.get("since"), values.get("until"), values.get("by")
    return Pause(
        since=since if isinstance(since, int | float) else 0.0,
        until=until if isinstance(until, int | float) and math.isfinite(until) else None,
        by=by if isinstance(by, int) else 0,
        refuses=values.get("refuses") is True,
    )


async def put(connection: Connection, *, pause: Pause | None) -> None:
    """Begin it, or with None end it."""
    value = "" if pause is None else json.dumps(asdict(pause))
    await notes.put(connection, key=_PAUSE, value=value)


@dataclass(frozen=True, slots=True)
class PastRest:
    """Nothing was drawn between two times; `until` is None while that lasts."""

    since: float
    until: float | None


async def rests(connection: Connection) -> list[PastRest]:
    """The latest ones, the oldest first."""
    kept = object_of(await notes.get(connection, key=_RESTS) or "{}")
    listed = kept.get("rests")
    found: list[PastRest] = []
    for each in cast("list[object]", listed) if isinstance(listed, list) else ():
        match each:
            case [int() | float() as since, None]:
                found.append(PastRest(since, None))
            case [int() | float() as since, int() | float() as until]:
                found.append(PastRest(since, until))
            case _:  # damaged
                pass
    return found


async def put_rests(connection: Connection, *, known: Sequence[PastRest]) -> None:
    """Replace what is remembered."""
    latest = [[rest.since, rest.until] for rest in known[-_MOST:]]
    await notes.put(connection, key=_RESTS, value=json.dumps({"rests": latest}))


def rested_s(known: Sequence[PastRest], *, since: float, now: float) -> float:
    """For how long nothing was drawn between two times."""
    spans = ((rest.since, now if rest.until is None else rest.until) for rest in known)
    return sum(max(0.0, min(until, now) - max(begin, since)) for begin, until in spans)
