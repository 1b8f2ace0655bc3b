"""Whether the wall clock can be trusted for what can't be undone.

A clock that jumps ahead makes everything look old at once: pictures, log entries, blocks. So
nothing is removed until the clock has been plausible for a while: it advanced as much as the
monotonic clock did, or it agrees with the time of the last cleaning.
"""

from typing import Final

from bot.common.clock import Clock

STEADY_S: Final = 2 * 3600.0
"""How long a clock that has jumped must run evenly to be trusted; also how long after the last
cleaning a start does not count as a jump. Time servers and operators correct a wrong clock
sooner."""

JUMP_S: Final = 300.0  # a larger difference from the monotonic clock is not a correction


class SteadyClock:
    """Compares the clocks each time it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._monotonic = clock.time(), clock.monotonic()
        self._even_since = self._monotonic
        self._jumped = False

    def believable(self, *, last: float | None) -> bool:
        """`last`: when it was last trusted, perhaps in an earlier run (seconds since the epoch)."""
        wall, monotonic = self._clock.time(), self._clock.monotonic()
        if abs((wall - self._wall) - (monotonic - self._monotonic)) > JUMP_S:
            self._even_since, self._jumped = monotonic, True
        self._wall, self._monotonic = wall, monotonic
        if monotonic - self._even_since >= STEADY_S:
            return True
        return not self._jumped and last is not None and -JUMP_S <= wall - last <= STEADY_S
