"""Decides from what other programs use when a device makes room for them. No IO, no clock."""

from dataclasses import dataclass
from typing import Final, Protocol

from bot.config.settings import Settings

SUSTAINED_S: Final = 10.0
"""Others must use the device for so long: a browser that opens a page does not count."""
SHORT_S: Final = 4.0
"""Memory must be short for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Of a device at one moment, None where it can't be told. `load`: the share of its computing
    (0 to 1) that other programs use. `free_bytes`: memory that nobody uses. `own_bytes`: memory
    that this bot uses there."""

    load: float | None = None
    free_bytes: int | None = None
    own_bytes: int | None = None


class Meter(Protocol):
    """Reads what others use of one device. Blocks for some milliseconds."""

    def read(self, *, drawing: bool) -> Use:
        """`drawing`: whether the bot draws with it now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class YieldLimits:
    """A device rests while others use `load` of it or more (0: whatever they use), and its model is
    unloaded if less than `free_bytes` are free (0: never). It draws again when others have been
    quiet for `quiet_s`."""

    load: float = 0.0
    free_bytes: int = 0
    quiet_s: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> "YieldLimits":
        """As the operator set them."""
        return cls(
            load=settings.yield_load_percent / 100,
            free_bytes=settings.yield_free_mb * 2**20,
            quiet_s=settings.yield_quiet_s,
        )

    @property
    def any(self) -> bool:
        """Whether a device yields at all."""
        return self.load > 0 or self.free_bytes > 0


class Yielding:
    """Of one device. `busy`: others need it. `gives_back`: they need its memory."""

    def __init__(self, limits: YieldLimits) -> None:
        self.busy = False
        self.gives_back = False
        self._limits = limits
        self._since: float | None = None  # how others are now, if that may change `busy`
        self._needed = 0  # free bytes with which there is room for the model again

    def see(self, use: Use, now: float) -> None:
        """Take notice of `use` at `now` (monotonic seconds)."""
        limits = self._limits
        is_short = use.free_bytes is not None and use.free_bytes < limits.free_bytes
        if is_short and not self.gives_back:
            self._needed = limits.free_bytes + (use.own_bytes or 0)
        if not self.busy:
            is_loaded = use.load is not None and 0 < limits.load <= use.load
            if self._has_lasted(is_short or is_loaded, now, SHORT_S if is_short else SUSTAINED_S):
                self.busy, self.gives_back, self._since = True, is_short, None
            return
        self.gives_back = self.gives_back or is_short
        is_quiet = use.load is None or limits.load <= 0 or use.load < limits.load / 2
        has_room = not self.gives_back or use.free_bytes is None or use.free_bytes >= self._needed
        if self._has_lasted(is_quiet and has_room, now, limits.quiet_s):
            self.busy, self.gives_back, self._since = False, False, None

    def _has_lasted(self, is_so: bool, now: float, for_s: float) -> bool:
        if not is_so:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= for_s
