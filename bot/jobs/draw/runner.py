"""Takes pictures from the line, has them drawn, stores them and tells what happens."""

# ruff: noqa: BLE001 - the last line of defence: whatever fails, the job ends and its user is told

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from PIL.Image import Image

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.draw.announcer import Announcer
from bot.jobs.draw.attempts import Attempts
from bot.jobs.draw.beside import run_beside
from bot.jobs.draw.device import DEVICE_LOST, Device
from bot.jobs.draw.ending import Ending
from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.init_images import InitImages
from bot.jobs.draw.line import Line, LiveJob
from bot.jobs.draw.pace_keeper import PaceKeeper
from bot.jobs.draw.worker import BrokenEngineError, EngineWorker, HungEngineError, Step
from bot.jobs.keep.keeping import Keeping
from bot.jobs.keep.output_check import OutputCheck
from bot.jobs.keep.store import JobStore
from bot.jobs.values import Completed, Failed, JobEvent
from data.jobs.jobs import JobRecord
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.errors import Cancelled, EngineError

_log = logging.getLogger(__name__)

_STEP_S = 5.0  # for the running step when the bot stops; systems kill after 10 s (Docker's default)
_STORING_S = 30.0  # for pictures that are drawn, when the bot stops
_UNSTORED = 2  # pictures beside the one being drawn: one is written, one looked at


class Runner:
    """The loops of all engines, one a device, over one line. `failure` gets the exception that
    makes going on senseless: the output check's, or that of the last device.

    `check` looks at every picture before it is stored; None: nothing does.
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
    ) -> None:
        self._store = store
        self._line = line
        self._clock = clock
        self._keeping = Keeping(store=store, clock=clock, version=version, check=check)
        self._attempts = Attempts(store)
        self._init_images = InitImages(store.files)
        self._pace = PaceKeeper(store.database, line.pace, clock)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._devices = [
            Device(
                worker,
                line=line,
                wake=self._wake,
                stopping=self._stopping,
                draw=self._draw,
                opened=self._pace.restore,
                changed=self._devices_changed,
            )
            for worker in workers
        ]
        self._announcer = Announcer(line=line, loading=lambda: self.loading)
        self._ending = Ending(
            store=store,
            line=line,
            clock=clock,
            attempts=self._attempts,
            failure=self.failure,
            model=lambda: self.model,
            announce=self.announce,
        )
        self._count_devices()
        self._loop_task: asyncio.Task[None] | None = None
        self._marking: set[asyncio.Task[None]] = set()

    @property
    def model(self) -> ModelDescription | None:
        """The model in use; None before it was loaded for the first time."""
        first = sorted(self._devices, key=lambda device: device.state != "ready")
        return next((each.worker.model for each in first if each.worker.model is not None), None)

    @property
    def loading(self) -> bool:
        """Whether no engine is ready to draw: it is loaded, or opened again."""
        return all(device.state != "ready" for device in self._devices)

    @property
    def draws(self) -> bool:
        """Whether there is any engine: `bot sync` has none, and may run beside a bot that has."""
        return bool(self._devices)

    def start(self) -> None:
        """Load the engines and begin to draw, in the background. Without a worker: nothing."""
        if self._devices:
            self._loop_task = asyncio.create_task(self._run(), name="runner")

    def wake(self) -> None:
        """Something was lined up."""
        self._wake.set()

    async def stop(self) -> None:
        """End the running steps, store what is drawn already, free the engines. Within seconds:
        a step (or the loading of a model) that takes longer is left behind with its thread."""
        self._stopping.set()
        for job in self._line.live.values():
            job.cancelled.set()
        self._wake.set()
        if self.draws:
            await self._attempts.stop()
        if self._loop_task is not None:
            _, late = await asyncio.wait([self._loop_task], timeout=_STEP_S)
            if late:  # what they draw stays stored as running
                for device in self._devices:
                    if not device.is_over:
                        name = device.worker.name
                        _log.warning("%s is in the middle of something long; it is left", name)
                        device.worker.leave()
                self._loop_task.cancel()
                await asyncio.wait([self._loop_task])
        storing = self._marking.union(*(device.storing for device in self._devices))
        if storing:
            _, late = await asyncio.wait(storing, timeout=_STORING_S)
            for task in late:  # a tagger that hangs, as a rule; they are drawn again
                task.cancel()
            if late:
                _log.warning("%d pictures are not stored in time", len(late))
                await asyncio.wait(late)
        self._ending.stop()
        for device in self._devices:
            await device.worker.close()
        await self._keeping.close()

    def announce(self) -> None:
        """Tell every waiting job its place and time."""
        self._announcer.announce()

    def end(self, job_id: str, event: JobEvent) -> None:
        """The job is over: leave the line, stop its drawing, tell its watchers."""
        self._ending.end(job_id, event)

    async def may_show(self, job: JobRecord, image: Image) -> bool:
        """Whether the place of `job` may see `image`, which is never kept."""
        return await self._keeping.may_show(job, image)

    async def _run(self) -> None:
        try:
            await self._keeping.start()
            await asyncio.gather(*(self._work(device) for device in self._devices))
        except Exception as error:
            self._give_up(error)
        except asyncio.CancelledError:
            if not self._stopping.is_set():  # nobody else may end this
                self._give_up(EngineError("engine_failed", problem="its loop was cancelled"))
            raise

    def _give_up(self, error: Exception) -> None:
        _log.error("The engine can't be used: %s", error)
        if not self.failure.done():
            self.failure.set_exception(error)

    async def _work(self, device: Device) -> None:
        """Have `device` draw; raises only what the last device that is left raises."""
        try:
            await device.run()
        except Exception as error:
            if all(each.state == "gone" for each in self._devices):
                raise
            _log.error("%s can't be used: %s; the others go on", device.worker.name, error)

    def _devices_changed(self) -> None:
        self._count_devices()
        self.announce()

    def _count_devices(self) -> None:
        at_work = [device for device in self._devices if device.state in {"loading", "ready"}]
        self._line.devices = max(1, len(at_work))

    async def _draw(self, device: Device, unit: Unit) -> None:
        """Draw one picture and store it in the background. Raises what is wrong with the device
        once the picture is dealt with: it is back in the line if its device was lost."""
        job, drawn = self._line.live[unit.job_id], None
        try:
            drawn = await self._drawn(device, job, unit)
        except Cancelled:
            pass  # by its owner: told already; by a stop: it stays stored as running
        except (BrokenEngineError, HungEngineError) as error:
            await self._ending.fail(job, error)
            raise
        except Exception as error:
            is_lost = isinstance(error, EngineError) and error.key == DEVICE_LOST
            if is_lost and unit.index not in job.lost:
                job.lost.add(unit.index)
                await self._attempts.withdraw(unit)
                self._line.put_back(unit)
                self.wake()  # another device may be idle
                raise
            await self._ending.fail(job, error)
            if is_lost:
                raise
        finally:
            self._line.finish(unit)
            if drawn is None:
                self._attempts.over(unit)
        model = device.worker.model
        if drawn is None or model is None:
            return
        self._pace.learn(job.record.request, drawn, cost=job.cost)
        run_beside(self._keep(job, unit, drawn, model), device.storing)
        while len(device.storing) > _UNSTORED:  # pictures must not pile up in memory
            await asyncio.wait(device.storing, return_when=asyncio.FIRST_COMPLETED)

    async def _drawn(self, device: Device, job: LiveJob, unit: Unit) -> DrawnPicture:
        """Have the engine draw, once it is stored that it does. Raises as `EngineWorker.draw`, and
        StorageError `data_dir_replaced`."""
        self._store.database.place.check()
        await self._attempts.begin(job, unit)
        if not job.started:
            job.started = True
            run_beside(self._mark_running(unit.job_id), self._marking)
            self.announce()
        init_image = await self._init_images.get(job.record.request.init_picture)
        self._look_ahead()
        return await device.worker.draw(
            job.record.request,
            unit.index,
            init_image=init_image,
            cancelled=job.cancelled,
            on_step=partial(self._on_step, job, unit),
        )

    async def _mark_running(self, job_id: str) -> None:
        """Beside the drawing, which must not wait for the disk: a job that was killed before this
        is drawn again all the same. A disk that refuses will say so to the picture as well."""
        try:
            await self._store.mark_running(job_id, now=self._clock.time())
        except Exception as error:
            _log.warning("That job %s runs could not be stored: %s", job_id, error)
        else:
            hit("job_running")

    def _look_ahead(self) -> None:
        """Fetch what the next pictures need. The line decides who is next only when a device is
        free: looking ahead changes nothing about it."""
        units = self._line.next_units()
        self._init_images.foresee(job.record.request.init_picture for job, _ in units)
        self._attempts.foresee(units)

    def _on_step(self, job: LiveJob, unit: Unit, step: Step) -> None:
        now = self._clock.monotonic()
        self._line.step(unit, step=step.step, steps=step.steps, now=now)
        self._look_ahead()  # again and again: others may have come before who was next
        self._announcer.progress(job, unit, step)
        self.announce()

    async def _keep(
        self, job: LiveJob, unit: Unit, drawn: DrawnPicture, model: ModelDescription
    ) -> None:
        """Encode, write and enter one picture while the next is being drawn."""
        try:
            kept = await self._keeping.keep(job.record, unit.index, drawn, model)
        except Exception as error:
            await self._ending.fail(job, error)
            return
        finally:
            self._attempts.over(unit)
        hit("picture_stored")
        if not kept.alive:  # it ended meanwhile; whoever was not told by that is told now
            await self._ending.end_as_stored(job.record.id)
            return
        # Joined: another device's picture of the same job may have been entered since.
        job.made |= {picture.position: picture for picture in kept.made}
        job.withheld |= {record.position for record in kept.withheld}
        if kept.error is not None:
            self._ending.end(job.record.id, Failed(error=kept.error))
        elif kept.is_over:
            held = len(kept.withheld)
            self._ending.end(
                job.record.id, Completed(pictures=kept.made, withheld=held, model=model)
            )
        await self._pace.keep(model)
