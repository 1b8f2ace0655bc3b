"""Keeps the devices of this machine to their hours, and everything to the operator's pause."""

import asyncio
import logging
from typing import Final

from bot.common.clock import Clock
from bot.common.hours import ALWAYS, Calendar, zone_of
from bot.config.settings import Settings
from bot.jobs.draw.runner import Runner
from bot.jobs.draw.schedule import Pausing, Schedule
from bot.jobs.values import Rest

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0


class Sharing:
    """Lives on the event loop. `calendar`: the hours of this machine."""

    def __init__(self, *, clock: Clock, calendar: Calendar | None = None) -> None:
        self.pausing = Pausing(clock)
        self.everywhere = Schedule(self.pausing)
        """When anything is drawn at all, here or on other machines."""
        self.calendar = calendar or Calendar(ALWAYS)
        self._here: list[Schedule] = []
        self._runner: Runner | None = None
        self._seen: list[Rest | None] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, settings: Settings, *, clock: Clock) -> "Sharing":
        """As the operator set it."""
        calendar = Calendar(settings.draw_hours, zone_of(settings.draw_time_zone))
        return cls(clock=clock, calendar=calendar)

    def schedule_here(self) -> Schedule:
        """Of one more device of this machine."""
        schedule = Schedule(self.pausing, self.calendar)
        self._here.append(schedule)
        return schedule

    async def start(self, runner: Runner) -> None:
        """Have the devices of `runner` rest and draw, in the background. Call it before they
        start."""
        self._runner = runner
        self._task = asyncio.create_task(self._run(), name="sharing")

    async def stop(self) -> None:
        """End it. Devices stay as they are."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                self._look()
            except Exception:  # noqa: BLE001 - drawing must not depend on it
                _log.exception("Whether to draw now can't be told")
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        """Publish it where a rest has begun or ended."""
        rests = [schedule.rest() for schedule in (self.everywhere, *self._here)]
        if rests != self._seen and self._runner is not None:
            before, self._seen = self._seen, rests
            self._runner.settle()
            _note(before, rests)


def _note(before: list[Rest | None], now: list[Rest | None]) -> None:
    """Write it to the log, once for all devices that rest for the same reason."""
    was = {rest.reason for rest in before if rest is not None}
    reasons = {rest.reason for rest in now if rest is not None}
    for reason in sorted(reasons - was):
        _log.info("Drawing rests here: %s", reason)
    for reason in sorted(was - reasons):
        _log.info("Drawing no longer rests here: %s", reason)
