"""Which machines were lost lately: others are preferred for a while. Pure."""

from typing import Final

AVOIDED_S: Final = (30.0, 120.0, 600.0)
"""After the first, the second and every later loss within `REMEMBERED_S`: each one may cost the
time of a whole picture."""
REMEMBERED_S: Final = 3600.0


class Losses:
    """Losses by host. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self._at: dict[str, list[float]] = {}

    def note(self, host: str, at: float) -> None:
        """`host` was lost."""
        self._at[host] = [*self._lately(host, at), at]

    def last(self, host: str) -> float | None:
        """When it was lost last; None if never."""
        times = self._at.get(host)
        return times[-1] if times else None

    def avoided(self, host: str, now: float) -> bool:
        """Whether others are to be preferred."""
        lately = self._lately(host, now)
        if not lately:
            return False
        return now < lately[-1] + AVOIDED_S[min(len(lately), len(AVOIDED_S)) - 1]

    def _lately(self, host: str, now: float) -> list[float]:
        return [at for at in self._at.get(host, []) if now - REMEMBERED_S < at <= now]
