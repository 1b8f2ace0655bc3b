"""Keeps the devices of this machine to their hours, and everything to the operator's pause."""

import asyncio
import logging
import math
from contextlib import suppress
from dataclasses import replace
from typing import Final

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.common.hours import ALWAYS, Calendar, zone_of
from bot.config.settings import Settings
from bot.jobs.draw.energy import Electricity
from bot.jobs.draw.runner import Runner
from bot.jobs.draw.schedule import Pausing, Schedule
from bot.jobs.values import Rest
from bot.moderation.audit import Audit
from bot.sharing.energy_meters import EnergyMeters
from bot.sharing.moments import parse_moment
from bot.sharing.watcher import Watcher
from data.guilds.audit import AuditKind
from data.store import electricity, pause
from data.store.database import Database
from data.store.pause import PastRest, Pause
from pipeline.errors import InputError, RefusedError, StorageError

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
STORE_EVERY_S: Final = 30.0


class Sharing:
    """Lives on the event loop. `calendar`: the hours of this machine. `watcher`: of other programs,
    None: they don't matter."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        calendar: Calendar | None = None,
        watcher: Watcher | None = None,
        meters: EnergyMeters | None = None,
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self.pausing = Pausing(clock)
        self.everywhere = Schedule(self.pausing)
        """When anything is drawn at all, here or on other machines."""
        self.calendar = calendar or Calendar(ALWAYS)
        self._watcher = watcher
        self._meters = meters or EnergyMeters()
        self._stored: tuple[int, float] = (0, 0.0)
        self._stored_at = -STORE_EVERY_S
        self._here: list[Schedule] = []
        self._runner: Runner | None = None
        self._seen: list[tuple[Rest | None, bool]] = []
        self._rests: list[PastRest] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, settings: Settings, *, database: Database, audit: Audit, clock: Clock) -> "Sharing":
        """As the operator set it."""
        calendar = Calendar(settings.draw_hours, zone_of(settings.draw_time_zone))
        return cls(
            database=database,
            audit=audit,
            clock=clock,
            calendar=calendar,
            watcher=Watcher.of(settings, clock=clock),
            meters=EnergyMeters(devices=settings.device_id),
        )

    def schedule_here(self) -> Schedule:
        """Of one more device of this machine."""
        schedule = Schedule(self.pausing, self.calendar)
        self._here.append(schedule)
        return schedule

    async def start(self, runner: Runner) -> None:
        """Have the devices of `runner` rest and draw, in the background. Call it before they
        start. StorageError."""
        self._runner = runner
        async with self._database.reader() as connection:
            self.pausing.pause = await pause.get(connection)
            self._rests = await pause.rests(connection)
            self._stored = await electricity.get(connection)
        pictures, energy_j = self._stored
        runner.electricity.total = Electricity(pictures=pictures, energy_j=energy_j)
        await self._watch()
        self._look()
        await self._remember()
        self._task = asyncio.create_task(self._run(), name="sharing")

    async def stop(self) -> None:
        """End it. Devices stay as they are."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            with suppress(StorageError):
                await self._store_electricity(at_once=True)

    @property
    def rest_here(self) -> Rest | None:
        """Why the devices of this machine rest, and until when; None: one does not."""
        rests = [schedule.rest() for schedule in self._here]
        return rests[0] if rests and None not in rests else None

    def end_of_pause(self, until: str | None, duration_s: float | None) -> float | None:
        """When a pause ends that is to last until a moment as typed, or for so long; None:
        neither. InputError `pause_twice`, `moment_unknown`, `moment_past`."""
        if until is not None and duration_s is not None:
            raise InputError("pause_twice")
        now = self._clock.time()
        if until is not None:
            return parse_moment(until, now=now, zone=self.calendar.zone)
        return None if duration_s is None else float(math.ceil(now + duration_s))

    async def pause(self, actor: Actor, *, until: float | None, refuses: bool) -> Pause:
        """Draw nothing until then, or with None until `resume`, also after a restart. An earlier
        pause is replaced. `refuses`: new requests are refused meanwhile."""
        now = self._clock.time()
        made = Pause(since=now, until=until, by=actor.user_id, refuses=refuses)
        async with self._database.transaction() as connection:
            await pause.put(connection, pause=made)
            details = {"until": until, "on": refuses}
            await self._audit.record_act(connection, actor, AuditKind.PAUSED, None, details)
        self.pausing.pause = made
        self._look()
        return made

    async def resume(self, actor: Actor) -> None:
        """End the pause. RefusedError `not_paused`."""
        if self.pausing.current is None:
            raise RefusedError("not_paused")
        async with self._database.transaction() as connection:
            await pause.put(connection, pause=None)
            await self._audit.record_act(connection, actor, AuditKind.RESUMED, None, {})
        self.pausing.pause = None
        self._look()

    async def _run(self) -> None:
        while True:
            try:
                await self._watch()
                self._look()
                await self._remember()
                await self._store_electricity()
            except Exception:  # noqa: BLE001 - drawing must not depend on it
                _log.exception("Whether to draw now can't be told or stored")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _watch(self) -> None:
        """Look what other programs use, and what can be measured."""
        assert self._runner is not None, "start() comes first"
        running = self._runner.engines.workers
        workers = [each for each in running if not each.host and not each.slot]
        await self._meters.fit(dict(enumerate(workers)))
        if self._watcher is not None:
            await self._watcher.look(dict(enumerate(workers)))

    def _look(self) -> None:
        """Publish it where a rest has begun or ended."""
        schedules = (self.everywhere, *self._here)
        seen = [(schedule.rest(), schedule.gives_back) for schedule in schedules]
        if seen != self._seen and self._runner is not None:
            before, self._seen = self._seen, seen
            self._runner.settle()
            _note([rest for rest, _ in before], [rest for rest, _ in seen])

    async def _remember(self) -> None:
        """Store when a rest of everything has begun or ended: jobs grow no older meanwhile."""
        assert self._runner is not None, "start() comes first"
        rests = self._runner.engines.rest is not None
        last = self._rests[-1] if self._rests else None
        was_resting = last is not None and last.until is None
        if rests == was_resting:
            return
        now = self._clock.time()
        if last is not None and was_resting:
            known = [*self._rests[:-1], replace(last, until=now)]
        else:
            known = [*self._rests, PastRest(now, None)]
        await self._database.write(pause.put_rests, known=known)
        self._rests = known

    async def _store_electricity(self, *, at_once: bool = False) -> None:
        """Not after each picture, as every write syncs the disk."""
        assert self._runner is not None, "start() comes first"
        total, now = self._runner.electricity.total, self._clock.monotonic()
        if total.pictures == self._stored[0] or (
            not at_once and now - self._stored_at < STORE_EVERY_S
        ):
            return
        self._stored_at = now
        await self._database.write(
            electricity.put, pictures=total.pictures, energy_j=total.energy_j
        )
        self._stored = total.pictures, total.energy_j


def _note(before: list[Rest | None], now: list[Rest | None]) -> None:
    """Write it to the log, once for all devices that rest for the same reason."""
    was = {rest.reason for rest in before if rest is not None}
    reasons = {rest.reason for rest in now if rest is not None}
    for reason in sorted(reasons - was):
        _log.info("Drawing rests here: %s", reason)
    for reason in sorted(was - reasons):
        _log.info("Drawing no longer rests here: %s", reason)
