"""Draws one picture after another: recorded, drawn, and stored while the next is drawn."""

# ruff: noqa: BLE001 - the last line of defence: whatever fails, the job ends and its user is notified

import asyncio
import logging
from functools import partial
from typing import Final

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.common.logs import about
from bot.common.observer import NOBODY, Observer
from bot.jobs.draw.announcer import Announcer
from bot.jobs.draw.attempts import Attempts
from bot.jobs.draw.background import run_in_background
from bot.jobs.draw.ending import Ending
from bot.jobs.draw.energy import ElectricitySum
from bot.jobs.draw.eta import first_cost_of, share_done
from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.init_images import InitImages
from bot.jobs.draw.line import Line, LiveJob
from bot.jobs.draw.loop_watch import Step
from bot.jobs.draw.loras import LoraCheck, LorasUnreadError, gone
from bot.jobs.draw.pace_store import PaceStore
from bot.jobs.draw.worker import (
    BrokenEngineError,
    EngineWorker,
    HungEngineError,
    YieldedError,
    is_device_lost,
    is_host_lost,
)
from bot.jobs.keep.keeping import Keeping
from bot.jobs.keep.store import JobStore
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.errors import Cancelled, InputError
from pipeline.speed.cost import steps_of

_log = logging.getLogger(__name__)

_UNSTORED = 2  # besides the one being drawn: one is written, one is checked

LORAS_AGAIN_S: Final = 5.0
LORAS_WAIT_S: Final = 600.0
"""While its LoRAs can't be read, a job is tried again so often and so long; others are drawn."""


def _none() -> None:
    """No preview yet."""


class Drawing:
    """Draws pictures of one line with any engine. `marking`: tasks that record running jobs."""

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        clock: Clock,
        attempts: Attempts,
        keeping: Keeping,
        announcer: Announcer,
        ending: Ending,
        loras: LoraCheck | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        self.marking: set[asyncio.Task[None]] = set()
        self.electricity = ElectricitySum()
        self._store = store
        self._line = line
        self._clock = clock
        self._attempts = attempts
        self._keeping = keeping
        self._announcer = announcer
        self._ending = ending
        self._loras = loras
        self._observer = observer
        self._init_images = InitImages(store.files)

    async def draw(
        self,
        worker: EngineWorker,
        unit: Unit,
        storing: set[asyncio.Task[None]],
        pace: PaceStore,
    ) -> None:
        """Draw `unit` and store it in the background, as one of `storing`.

        Once the picture is dealt with (put back in the line if the device was lost), raises what is
        wrong with the device: EngineError `device_lost` or `host_lost`, BrokenEngineError,
        HungEngineError.
        """
        job = self._line.live[unit.job_id]
        with about(job=job.record.id, guild=job.record.guild_id):
            await self._draw(worker, job, unit, storing, pace)

    async def rest(self) -> None:
        """A device rests. If none draws, nothing counts as being drawn."""
        if not self._line.is_drawing:
            await self._attempts.withdraw_ahead()

    async def _draw(
        self,
        worker: EngineWorker,
        job: LiveJob,
        unit: Unit,
        storing: set[asyncio.Task[None]],
        pace: PaceStore,
    ) -> None:
        drawn = None
        try:
            drawn = await self._drawn(worker, job, unit)
        except Cancelled:
            pass  # by its owner: already reported; by a stop: it stays stored as running
        except (YieldedError, LorasUnreadError) as error:
            await self._attempts.withdraw(unit)
            await self._put_back(job, unit, error)
        except (BrokenEngineError, HungEngineError) as error:
            await self._ending.fail(job, error)
            raise
        except Exception as error:
            is_lost = is_device_lost(error)
            if is_host_lost(error) or (is_lost and unit.index not in job.lost):
                if is_host_lost(error):
                    job.drawn_again += 1
                else:
                    job.lost.add(unit.index)
                await self._attempts.withdraw(unit)
                # Another device may be idle. If the picture is to blame, it is for no other's loss.
                self._line.put_back(unit, alone=unit.index in job.lost)
                self._announcer.progress(
                    job, unit, Step(0, steps_of(job.record.request.single(unit.index)), _none)
                )
                raise
            await self._ending.fail(job, error)
            if is_lost:
                raise
        finally:
            self._line.finish(unit)
            if drawn is None:
                self._attempts.over(unit)
        model = worker.model
        if drawn is None or model is None:
            return
        request = job.record.request.single(unit.index)
        pace.learn(request, drawn, cost=first_cost_of(request))
        self.electricity.drawn(drawn.energy_j)
        self._observer.picture_drawn(
            device=worker.device,
            variant=model.precision,
            elapsed_s=drawn.elapsed_s,
            seconds_a_step=drawn.seconds_a_step,
            energy_j=drawn.energy_j,
        )
        run_in_background(self._keep(job, unit, drawn, model, pace), storing)
        while len(storing) > _UNSTORED:  # pictures must not pile up in memory
            await asyncio.wait(storing, return_when=asyncio.FIRST_COMPLETED)

    async def _drawn(self, worker: EngineWorker, job: LiveJob, unit: Unit) -> DrawnPicture:
        """Have the engine draw once that is recorded. Raises as `EngineWorker.draw` and
        `LoraCheck.check`, and StorageError `data_dir_replaced`."""
        self._store.database.place.check()
        if self._loras is not None and not job.started and not job.made:
            await self._loras.check(job.record)
            job.unread_since = None
        await self._attempts.begin(job, unit)
        if not job.started:
            job.started = True
            self._observer.job_started(waited_s=self._clock.time() - job.record.accepted_at)
            run_in_background(self._mark_running(unit.job_id), self.marking)
            self._announcer.announce()
        init_image = await self._init_images.get(job.record.request.init_picture)
        mask_image = await self._init_images.get(job.record.request.mask)
        self._look_ahead()
        try:
            return await worker.draw(
                job.record.request.single(unit.index),
                job.record.request.index_in(unit.index),
                init_image=init_image,
                mask_image=mask_image,
                cancelled=job.cancelled,
                on_step=partial(self._on_step, job, unit),
            )
        except InputError as error:
            if error.key == "lora_gone" and self._loras is not None:
                await self._loras.check(job.record)  # it may be the disk that is gone
                if job.unread_since is None:  # or was, for a moment
                    raise LorasUnreadError(str(error.data["name"])) from error
            raise

    async def _put_back(
        self, job: LiveJob, unit: Unit, error: YieldedError | LorasUnreadError
    ) -> None:
        """At once; after a while, if LoRAs can't be read. If that doesn't help, the job ends."""
        if isinstance(error, YieldedError):
            self._line.put_back(unit)
            return
        now = self._clock.monotonic()
        if job.unread_since is None:
            job.unread_since = now
        if now - job.unread_since >= LORAS_WAIT_S:
            await self._ending.fail(job, gone(job.record, error.name))
            return
        _log.warning("Job %s waits: its LoRA %r can't be read", job.record.id, error.name)
        asyncio.get_running_loop().call_later(LORAS_AGAIN_S, self._line.put_back, unit)

    async def _mark_running(self, job_id: str) -> None:
        """In the background, because drawing must not wait for the disk: a job killed before this
        is drawn again anyway. If the disk fails, storing the picture will report it."""
        try:
            await self._store.mark_running(job_id, now=self._clock.time())
        except Exception as error:
            _log.warning("That job %s runs could not be stored: %s", job_id, error)
        else:
            hit("job_running")

    def _look_ahead(self) -> None:
        """Load what the next pictures need. The line decides which is next only when a device is
        free; looking ahead does not change that."""
        units = self._line.next_units()
        requests = [job.record.request for job, _ in units]
        self._init_images.foresee(
            content_hash for each in requests for content_hash in (each.init_picture, each.mask)
        )
        self._attempts.foresee(units)

    def _on_step(self, job: LiveJob, unit: Unit, step: Step) -> None:
        now = self._clock.monotonic()
        share = share_done(
            job.record.request.single(unit.index),
            done=step.step / step.steps,
            face=step.face,
            faces=step.faces,
        )
        self._line.step(unit, share=share, now=now)
        self._look_ahead()  # repeatedly: others may have moved ahead of the next one
        self._announcer.progress(job, unit, step)
        self._announcer.announce()

    async def _keep(
        self,
        job: LiveJob,
        unit: Unit,
        drawn: DrawnPicture,
        model: ModelDescription,
        pace: PaceStore,
    ) -> None:
        """Encode, write and record one picture while the next is being drawn."""
        try:
            kept = await self._keeping.keep(job.record, unit.index, drawn, model)
        except Exception as error:
            await self._ending.fail(job, error)
            return
        finally:
            self._attempts.over(unit)
        hit("picture_stored")
        await self._ending.entered(job, kept, model)
        await pace.keep(model)
