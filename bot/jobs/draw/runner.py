"""Runs the loops of all devices over one line, and stops them."""

import asyncio
import logging
from collections.abc import Sequence

from bot.common.clock import Clock
from bot.common.observer import NOBODY, Observer
from bot.jobs.draw.announcer import Announcer
from bot.jobs.draw.attempts import Attempts
from bot.jobs.draw.background import run_in_background
from bot.jobs.draw.device import Device
from bot.jobs.draw.drawing import Drawing
from bot.jobs.draw.ending import Ending
from bot.jobs.draw.energy import ElectricitySum
from bot.jobs.draw.engines import Engines
from bot.jobs.draw.line import Line
from bot.jobs.draw.loras import LoraCheck
from bot.jobs.draw.pace_store import PaceStore
from bot.jobs.draw.schedule import ALWAYS_DRAWS, Schedule
from bot.jobs.draw.worker import EngineWorker
from bot.jobs.keep.keeping import Keeping
from bot.jobs.keep.output_check import OutputCheck
from bot.jobs.keep.store import JobStore
from pipeline.errors import EngineError

_log = logging.getLogger(__name__)

_STEP_S = 5.0  # for the running step when the bot stops; systems kill after 10 s (Docker's default)
_STORING_S = 30.0  # for finished pictures, when the bot stops


class Runner:
    """A device for each of `workers`; others come and go (`add`, `remove`). The output check's
    exception, or that of the last device, ends the bot (`Ending.failure`), unless others can come
    (`open_ended`).

    `check` examines every picture before it is stored; None: pictures are not checked. `loras`: see
    there. `schedule`: when anything is drawn at all. `unload_after_s`: without a picture, engines
    of this machine give their memory back; 0: never.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        workers: Sequence[EngineWorker],
        clock: Clock,
        version: str,
        check: OutputCheck | None = None,
        open_ended: bool = False,
        loras: LoraCheck | None = None,
        schedule: Schedule = ALWAYS_DRAWS,
        unload_after_s: float = 0.0,
        observer: Observer = NOBODY,
    ) -> None:
        self.engines = Engines(workers, schedule)
        self.announcer = Announcer(line, self.engines, clock)
        self.keeping = Keeping(store=store, clock=clock, version=version, check=check)
        self._line = line
        self._store = store
        self._clock = clock
        self._open_ended = open_ended
        self._unload_after_s = unload_after_s
        self._attempts = Attempts(store)
        self.ending = Ending(
            store=store,
            line=line,
            clock=clock,
            attempts=self._attempts,
            engines=self.engines,
            announcer=self.announcer,
            observer=observer,
        )
        self._drawing = Drawing(
            store=store,
            line=line,
            clock=clock,
            attempts=self._attempts,
            keeping=self.keeping,
            announcer=self.announcer,
            ending=self.ending,
            loras=loras,
            observer=observer,
        )
        self._stopping = asyncio.Event()
        self._devices = [self._device(worker) for worker in workers]
        self._remote: set[asyncio.Task[None]] = set()
        self._kept_ready = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self.announcer.announce()

    @property
    def electricity(self) -> ElectricitySum:
        """What the pictures took, where that is known."""
        return self._drawing.electricity

    @property
    def draws(self) -> bool:
        """Whether there is any engine: `bot sync` has none, and may run beside a bot."""
        return bool(self._devices) or self._open_ended

    @property
    def is_done(self) -> bool:
        """Whether everything is drawn and stored, or waits while nothing is drawn."""
        if not self._line.live:
            return True
        is_storing = any(device.storing for device in self._devices)
        return self.engines.rest is not None and not (self._line.is_drawing or is_storing)

    def start(self) -> None:
        """Load the engines and start drawing, in the background. Does nothing without workers."""
        if self.draws:
            self._loop_task = asyncio.create_task(self._run(), name="runner")

    async def stop(self) -> None:
        """End the running steps, store what is drawn, free the engines. Within seconds: a step (or
        loading a model) that takes longer is abandoned with its thread."""
        self._stopping.set()
        for job in self._line.live.values():
            job.cancelled.set()
        self._line.arrived.set()
        if self.draws:
            await self._attempts.stop()
        if self._loop_task is not None:
            _, late = await asyncio.wait([self._loop_task, *self._remote], timeout=_STEP_S)
            if late:  # what they draw stays stored as running
                for device in self._devices:
                    if not device.over:
                        name = device.worker.name
                        _log.warning("%s is in the middle of something long; it is left", name)
                        device.worker.leave()
                for task in late:
                    task.cancel()
                await asyncio.wait(late)
        storing = self._drawing.marking.union(*(device.storing for device in self._devices))
        if storing:
            _, late = await asyncio.wait(storing, timeout=_STORING_S)
            for task in late:  # usually a tagger that hangs; they are drawn again
                task.cancel()
            if late:
                _log.warning("%d pictures are not stored in time", len(late))
                await asyncio.wait(late)
        self.ending.stop()
        for device in self._devices:
            await device.worker.close()
        await self.keeping.close()

    def settle(self) -> None:
        """Have all devices rest or draw, as their schedules say now, and publish it."""
        for device in self._devices:
            device.settle()
        self.announcer.announce()

    def add(self, worker: EngineWorker) -> Device:
        """Draw with `worker` as well, which is on another machine."""
        self.engines.workers.append(worker)
        device = self._device(worker)
        self._devices.append(device)
        run_in_background(self._work(device), self._remote)
        return device

    async def remove(self, device: Device) -> None:
        """Draw with it no more. What it draws goes back to the front of the queue."""
        device.leave()
        while not device.over:  # noqa: ASYNC110 - within seconds: its engine sees it as well
            await asyncio.sleep(0.05)
        if device in self._devices:
            self._devices.remove(device)
            self.engines.workers.remove(device.worker)
        await device.worker.close()
        self.announcer.announce()

    def _device(self, worker: EngineWorker) -> Device:
        return Device(
            worker,
            line=self._line,
            drawing=self._drawing,
            pace=PaceStore(self._store.database, worker.pace, self._clock, host=worker.host),
            announcer=self.announcer,
            stopping=self._stopping,
            clock=self._clock,
            unload_after_s=self._unload_after_s,
            opened=self._give_mates,
        )

    def _give_mates(self, worker: EngineWorker) -> None:
        """One worker for each picture that its device draws at once."""
        while len(worker.mates) < worker.slots and not self._stopping.is_set():
            mate = worker.beside()
            if mate is None:
                return
            self.engines.workers.append(mate)
            device = self._device(mate)
            self._devices.append(device)
            run_in_background(self._work_beside(device), self._remote)

    async def _work_beside(self, device: Device) -> None:
        try:
            await self._work(device)
        except Exception as error:  # noqa: BLE001 - as in `_run`
            self.ending.give_up(error)

    async def _run(self) -> None:
        try:
            await self.keeping.start()
            self._kept_ready.set()
            here = [device for device in self._devices if not device.worker.host]
            await asyncio.gather(*(self._work(device) for device in here))
            if self._open_ended:
                await self._stopping.wait()
        except Exception as error:  # noqa: BLE001 - whatever it is, the bot ends and reports it
            self.ending.give_up(error)
        except asyncio.CancelledError:
            if not self._stopping.is_set():  # nothing else may end this
                error = EngineError("engine_failed", problem="its loop was cancelled")
                self.ending.give_up(error)
            raise

    async def _work(self, device: Device) -> None:
        """Have `device` draw; raises only what the last remaining device raises."""
        try:
            await self._kept_ready.wait()
            await device.run()
        except Exception as error:
            if self.engines.gone and not self._open_ended:
                raise
            _log.error("%s can't be used: %s; the others go on", device.worker.name, error)
