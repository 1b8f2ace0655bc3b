"""When a machine that draws for a bot elsewhere has time for it: at its own hours, and while other
programs there don't need it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.common.clock import Clock, SystemClock
from bot.common.hours import Calendar, zone_of
from bot.config.settings import Settings
from bot.sharing.cards import CardMeter
from bot.sharing.processor import ProcessorMeter
from bot.sharing.yielding import Meter, Yielding, YieldLimits

_READ_EVERY_S: Final = 2.0


class OwnTime:
    """By the settings of this machine. `meters`: of its devices; None: those that it has."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        meters: Sequence[Meter] | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._calendar = Calendar(settings.draw_hours, zone_of(settings.draw_time_zone))
        limits = YieldLimits.of(settings)
        self._meters = () if not limits.any else _meters(settings) if meters is None else meters
        self._states = [Yielding(limits) for _ in self._meters]
        self._read_at = float("-inf")

    @property
    def is_short(self) -> bool:
        """Whether others need memory at once."""
        return any(state.gives_back for state in self._states)

    def taken(self, *, drawing: bool) -> str:
        """Why the machine has no time for the bot now, for its operator; "" if it has. Blocks for
        some milliseconds. `drawing`: whether it draws."""
        now = self._clock.time()
        opens = self._calendar.opening(now)
        self._read(drawing=drawing)
        if opens > now:
            until = datetime.fromtimestamp(opens, self._calendar.zone).strftime("%a %H:%M")
            return f"outside DRAW_HOURS until {until}"
        if any(state.busy for state in self._states):
            return "other programs need this machine"
        return ""

    def _read(self, *, drawing: bool) -> None:
        now = self._clock.monotonic()
        if now - self._read_at < _READ_EVERY_S:
            return
        self._read_at = now
        for meter, state in zip(self._meters, self._states, strict=True):
            state.see(meter.read(drawing=drawing), now)


def _meters(settings: Settings) -> list[Meter]:
    numbers = () if settings.provider == "cpu" else settings.device_id
    cards = (CardMeter.of(number) for number in numbers)
    found: list[Meter] = [card for card in cards if card is not None]
    return found or [ProcessorMeter()]
