"""How long work tells what it does, and is stopped."""

import time
from collections.abc import Callable
from typing import Final

from pipeline.errors import Cancelled

EVERY_S: Final = 2.0


def _quiet(line: str) -> None:
    """Says nothing."""


class Report:
    """`line` gets sentences for people. `stopped`: whether the work is to end."""

    def __init__(
        self,
        line: Callable[[str], None] = _quiet,
        *,
        stopped: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.line = line
        self._stopped = stopped
        self._clock = clock
        self._told_at = clock()

    def step(self, what: str, done: int, total: int) -> None:
        """Some of the work is done: says so now and then. Raises Cancelled if it is to stop."""
        if self._stopped():
            raise Cancelled
        if self._clock() - self._told_at >= EVERY_S:
            self._told_at = self._clock()
            self.line(f"{what}: {done:,} of {total:,}")
