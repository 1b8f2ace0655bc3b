"""The clock. Everything that needs the time gets a `Clock`, so that tests control it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall clock for what is stored, monotonic clock for what is measured. Seconds."""

    def time(self) -> float:
        """Seconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes backwards."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
