"""How long measuring may take. Who measures in rounds asks before each further one, so that a slow
machine measures less, not longer."""

import time


class Budget:
    """Seconds that are left, from now on; None: as long as it takes."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds, infinite without an end."""
        return float("inf") if self._end is None else max(0.0, self._end - time.monotonic())

    def allows(self, seconds: float) -> bool:
        """Whether what takes so long still ends in time."""
        return seconds <= self.left_s

    def at_most(self, seconds: float) -> "Budget":
        """A part of it, for one that must leave the rest to others."""
        return Budget(min(self.left_s, seconds)) if self.left_s < float("inf") else Budget()
