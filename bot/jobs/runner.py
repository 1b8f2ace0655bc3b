"""Takes pictures from the line, has them drawn, stores them and tells what happens."""

# ruff: noqa: BLE001 - the last line of defence: whatever fails, the job ends and its user is told

import asyncio
import logging
import threading
from dataclasses import replace
from functools import partial

from PIL.Image import Image

from bot.clock import Clock
from bot.eta import Forecasts, steps_of
from bot.failpoints import hit
from bot.jobs.entering import Kept
from bot.jobs.hub import Hub
from bot.jobs.line import Line, LiveJob
from bot.jobs.pace_keeper import PaceKeeper
from bot.jobs.store import JobStore
from bot.jobs.values import CancelledEvent, Completed, Failed, JobEvent, Progress, Queued
from bot.output_check import OutputCheck
from bot.queue import Unit
from bot.safety.output import WithheldReason
from bot.worker import EngineWorker, Step
from data.ids import new_id
from data.jobs import JobRecord
from data.pictures import PictureRecord
from data.withheld import WithheldRecord
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.errors import Cancelled, EkakiError, EngineError
from pipeline.png import encode_png
from pipeline.pngtext import parameters_text

_log = logging.getLogger(__name__)

_STEP_S = 5.0  # for the running step when the bot stops; systems kill after 10 s (Docker's default)
_RETRY_S = 5.0  # between tries to store an end while the disk is full or the database locked


class Runner:
    """One engine's loop. `failure` gets the exception that makes going on senseless.

    `check` looks at every picture before it is stored; None: nothing does.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        hub: Hub,
        worker: EngineWorker | None,
        clock: Clock,
        version: str,
        check: OutputCheck | None = None,
    ) -> None:
        self._check = check
        self._store = store
        self._line = line
        self._hub = hub
        self._worker = worker
        self._clock = clock
        self._version = version
        self._wake = asyncio.Event()
        self._stopping = threading.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._storing: asyncio.Task[None] | None = None
        self._settling: set[asyncio.Task[None]] = set()
        self.forecasts = Forecasts()
        self._pace = PaceKeeper(store.database, line.pace, clock)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def model(self) -> ModelDescription | None:
        """The model in use; None while it is loading."""
        return None if self._worker is None else self._worker.model

    def start(self) -> None:
        """Load the engine and begin to draw, in the background. Without a worker: nothing."""
        if self._worker is None:
            return
        self._loop_task = asyncio.create_task(self._run(self._worker), name="runner")

    def wake(self) -> None:
        """Something was lined up."""
        self._wake.set()

    async def stop(self) -> None:
        """End the running step, store what is drawn already, free the engine. Within seconds:
        a step (or the loading of a model) that takes longer is left behind with its thread."""
        self._stopping.set()
        for job in self._line.live.values():
            job.cancelled.set()
        self._wake.set()
        if self._loop_task is not None:
            _, late = await asyncio.wait([self._loop_task], timeout=_STEP_S)
            if late and self._worker is not None:  # its job stays stored as running
                _log.warning("The engine is in the middle of something long; it is left behind")
                self._worker.leave()
                self._loop_task.cancel()
                await asyncio.wait([self._loop_task])
        if self._storing is not None:
            await asyncio.wait([self._storing])
        for task in self._settling:
            task.cancel()
        if self._worker is not None:
            await self._worker.close()
        if self._check is not None:
            await self._check.close()

    def announce(self) -> None:
        """Tell every waiting job its place and time."""
        for job_id, outlook in self._line.outlooks().items():
            job = self._line.live.get(job_id)
            if job is not None and not job.started:
                event = Queued(
                    position=outlook.position, eta_s=outlook.eta_s, loading=self.model is None
                )
                if self._hub.latest(job_id) != event:
                    self._hub.publish(job_id, event)

    def end(self, job_id: str, event: JobEvent) -> None:
        """The job is over: leave the line, stop its drawing, tell its watchers."""
        job = self._line.drop(job_id)
        if job is not None:
            job.cancelled.set()
        is_done = isinstance(event, Completed)
        self.forecasts.over(job_id, now=self._clock.monotonic(), is_done=is_done)
        self._hub.publish(job_id, event)
        self.announce()

    async def _run(self, worker: EngineWorker) -> None:
        try:
            if self._check is not None:
                await self._check.start()
            await self._pace.restore(await worker.start())
            self.announce()
            while not self._stopping.is_set():
                unit = self._line.take()
                if unit is None:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                await self._draw(worker, unit)
        except Exception as error:
            _log.error("The engine can't be used: %s", error)
            if not self.failure.done():
                self.failure.set_exception(error)

    async def _draw(self, worker: EngineWorker, unit: Unit) -> None:
        job = self._line.live[unit.job_id]
        try:
            if not job.started:
                await self._store.mark_running(unit.job_id, now=self._clock.time())
                hit("job_running")
                job.started = True
                self.announce()
            drawn = await worker.draw(
                job.record.request,
                unit.index,
                init_image=await self._init_image(job),
                cancelled=job.cancelled,
                on_step=partial(self._on_step, job, unit.index),
            )
        except Cancelled:
            return  # by its owner: told already; by a stop: it stays stored as running
        except Exception as error:
            await self._fail(job, error)
            return
        finally:
            self._line.finish()
        self._learn(job, drawn)
        if self._storing is not None:  # one at a time: pictures must not pile up in memory
            await asyncio.wait([self._storing])
        self._storing = asyncio.create_task(self._keep(job, unit.index, drawn), name="storing")

    async def _init_image(self, job: LiveJob) -> Image | None:
        content_hash = job.record.request.init_picture
        if not content_hash:
            return None
        return await asyncio.to_thread(self._store.files.image, content_hash)

    def _learn(self, job: LiveJob, drawn: DrawnPicture) -> None:
        steps_s = drawn.seconds_a_step * steps_of(job.record.request)
        self._line.pace.learn(
            cost=job.cost, steps_s=min(steps_s, drawn.elapsed_s), total_s=drawn.elapsed_s
        )

    def _on_step(self, job: LiveJob, index: int, step: Step) -> None:
        self._line.step(step=step.step, steps=step.steps)
        outlook = self._line.outlooks().get(job.record.id)
        self._hub.publish(
            job.record.id,
            Progress(
                picture=index + 1,
                pictures=job.record.request.count,
                step=step.step,
                steps=step.steps,
                eta_s=None if outlook is None else outlook.eta_s,
                preview=step.preview,
            ),
        )
        self.announce()

    async def _keep(self, job: LiveJob, index: int, drawn: DrawnPicture) -> None:
        """Encode, write and enter one picture while the next is being drawn."""
        try:
            record = self._picture(job, index, drawn)
            text = parameters_text(
                job.record.request,
                index=index,
                model_name=record.model_name,
                model_hash=record.model_hash,
                version=self._version,
            )
            kept = await self._checked(job, drawn, record, text)
        except Exception as error:
            await self._fail(job, error)
            return
        hit("picture_stored")
        if not kept.alive:  # it ended meanwhile; whoever was not told by that is told now
            self.end(job.record.id, CancelledEvent())
            return
        job.made = {picture.position: picture for picture in kept.made}
        job.withheld = {record.position for record in kept.withheld}
        if kept.error is not None:
            self.end(job.record.id, Failed(error=kept.error))
        elif kept.is_over:
            held = len(kept.withheld)
            self.end(job.record.id, Completed(pictures=kept.made, withheld=held, model=self.model))
        await self._pace.keep(self.model)

    async def _checked(
        self, job: LiveJob, drawn: DrawnPicture, picture: PictureRecord, text: str
    ) -> Kept:
        """Look at the picture, then keep or withhold it: nothing is stored or told before."""
        if self._check is None:
            png = await asyncio.to_thread(encode_png, drawn.image, text)
            return await self._store.keep_picture(picture, png)
        ceiling = await self._store.ceiling_now(job.record)
        judgement = await self._check.judge(drawn.image, ceiling=ceiling)
        hit("picture_checked")
        seen, reason = judgement.seen, judgement.verdict.reason
        if seen is not None:
            picture = replace(picture, rating=max(picture.rating, seen.rating))
        if reason is None:
            png = await asyncio.to_thread(encode_png, drawn.image, text)
            return await self._store.keep_picture(picture, png, seen=seen)
        record = WithheldRecord(
            id=picture.id,
            job_id=picture.job_id,
            position=picture.position,
            reason=reason.value,
            ceiling=ceiling,
            seen=seen,
            picture=None,
            state="deleted",
            withheld_at=picture.made_at,
        )
        if reason is not WithheldReason.RATING or not await self._store.keeps_for_review(
            job.record.guild_id
        ):
            return await self._store.withhold(record, None, hits=tuple(judgement.verdict.hits))
        png = await asyncio.to_thread(encode_png, drawn.image, text)
        record = replace(record, picture=picture, state="waiting")
        return await self._store.withhold(record, png, hits=())

    async def may_show(self, job: JobRecord, image: Image) -> bool:
        """Whether the place of `job` may see `image`, which is never kept."""
        if self._check is None:
            return True
        ceiling = await self._store.ceiling_now(job)
        return (await self._check.judge(image, ceiling=ceiling)).verdict.reason is None

    def _picture(self, job: LiveJob, index: int, drawn: DrawnPicture) -> PictureRecord:
        model = self.model
        assert model is not None
        return PictureRecord(
            id=new_id(),
            job_id=job.record.id,
            position=index,
            seed=drawn.seed,
            width=drawn.image.width,
            height=drawn.image.height,
            rating=job.record.rating,
            content_hash="",
            size_bytes=0,
            model_name=model.name,
            model_repository=model.repository,
            model_revision=model.revision,
            model_hash=model.hash,
            precision=model.precision,
            provider=model.provider,
            engine=model.engine,
            elapsed_s=drawn.elapsed_s,
            made_at=self._clock.time(),
        )

    async def _fail(self, job: LiveJob, error: Exception) -> None:
        """End the job, give back its quota, tell its user."""
        known = error if isinstance(error, EkakiError) else EngineError("engine_failed")
        _log.error("Job %s failed: %s", job.record.id, error, exc_info=error)
        try:
            ended = await self._abandon(job, known)
        except Exception as storage_error:
            _log.error("The end of job %s is not stored yet: %s", job.record.id, storage_error)
            task = asyncio.create_task(self._settle(job, known), name="settling")
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)
            ended = True
        # Where it had ended already, this only clears away what is left of it.
        self.end(job.record.id, Failed(error=known) if ended else CancelledEvent())

    async def _abandon(self, job: LiveJob, error: EkakiError) -> bool:
        return await self._store.abandon(
            job.record.id, state="failed", now=self._clock.time(), error=error
        )

    async def _settle(self, job: LiveJob, error: EkakiError) -> None:
        """Try until the failure is stored: a full disk or a locked database passes."""
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                await self._abandon(job, error)
            except Exception as again:
                _log.warning("The end of job %s is still not stored: %s", job.record.id, again)
            else:
                return
