"""When a device draws: unless the operator has paused everything, its machine is for something
else at this hour, or other programs need it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.common.clock import Clock, SystemClock
from bot.common.hours import ALWAYS, Calendar
from bot.jobs.draw.eta import Pace
from bot.jobs.values import Rest
from data.store.pause import Pause


class Pausing:
    """The pause of everything, on all machines. `pause` may be over already."""

    def __init__(self, clock: Clock, pause: Pause | None = None) -> None:
        self.clock = clock
        self.pause = pause

    @property
    def current(self) -> Pause | None:
        """The pause, while it lasts."""
        pause = self.pause
        return pause if pause is not None and pause.lasts(self.clock.time()) else None


class Schedule:
    """Of one device. `busy`: other programs need it. `gives_back`: they need its memory."""

    def __init__(self, pausing: Pausing, calendar: Calendar | None = None) -> None:
        self.busy = False
        self.gives_back = False
        self._pausing = pausing
        self._calendar = calendar or Calendar(ALWAYS)

    def rest(self) -> Rest | None:
        """Why it takes no pictures now, and until when; None: it does."""
        now = self._pausing.clock.time()
        opens = self.opens(0.0)
        if opens <= 0.0:
            return None
        until = None if opens == math.inf else round(now + opens)
        if self._pausing.current is not None:
            return Rest("paused", until)
        return Rest("busy" if self.busy else "hours", until)

    def opens(self, in_s: float) -> float:
        """When it takes a picture if it is free in `in_s`, both in seconds from now; infinite if
        that is unknown."""
        if self.busy:
            return math.inf
        now = self._pausing.clock.time()
        pause = self._pausing.current
        if pause is not None:
            if pause.until is None:
                return math.inf
            in_s = max(in_s, pause.until - now)
        at = now + in_s
        return in_s + (self._calendar.opening(at) - at)


ALWAYS_DRAWS: Final = Schedule(Pausing(SystemClock()))
"""Of a device that rests for nobody."""


def at_once(in_s: float) -> float:
    """For a device that always draws."""
    return in_s


@dataclass(frozen=True, slots=True)
class Availability:
    """How fast a device draws, and when. `opens`: a device that is free in so many seconds takes a
    picture in that many; infinite if that is unknown. `device`: equal for those that draw several
    pictures at once; "" alone."""

    pace: Pace
    opens: Callable[[float], float] = at_once
    device: str = ""
