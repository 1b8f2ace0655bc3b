"""A clock that tests turn by hand."""


class ManualClock:
    """A `bot.common.clock.Clock`. `now`: seconds since the epoch, and on the monotonic clock."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds
