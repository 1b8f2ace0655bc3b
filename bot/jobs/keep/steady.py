"""Whether the wall clock may decide what can't be undone.

A clock that jumps ahead makes everything old at once: pictures, log entries, blocks. So what it
makes old is removed only once it has been believable for a while: it went on by as much as the
monotonic clock did, or it stands where the last cleaning would have it stand.
"""

from typing import Final

from bot.common.clock import Clock

STEADY_S: Final = 2 * 3600.0
"""How long a clock that has jumped must go evenly to be believed; also how long after the last
cleaning a start is no jump. Time servers and operators correct a wrong clock sooner."""

JUMP_S: Final = 300.0  # a difference to the monotonic clock that is more than a correction


class SteadyClock:
    """Compares the clocks each time it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._monotonic = clock.time(), clock.monotonic()
        self._even_since = self._monotonic
        self._jumped = False

    def believable(self, *, last: float | None) -> bool:
        """`last`: when it was believed last, maybe in an earlier run (seconds since the epoch)."""
        wall, monotonic = self._clock.time(), self._clock.monotonic()
        if abs((wall - self._wall) - (monotonic - self._monotonic)) > JUMP_S:
            self._even_since, self._jumped = monotonic, True
        self._wall, self._monotonic = wall, monotonic
        if monotonic - self._even_since >= STEADY_S:
            return True
        return not self._jumped and last is not None and -JUMP_S <= wall - last <= STEADY_S
