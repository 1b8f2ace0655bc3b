"""The life of a job, from the request to the stored pictures. One path for every request."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import replace

from PIL.Image import Image

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.common.observer import NOBODY, Observer
from bot.jobs.accept.audit_events import refused
from bot.jobs.accept.commit import Also, commit
from bot.jobs.accept.decide import JobRules, decide
from bot.jobs.accept.gather import ceiling_of, gather
from bot.jobs.accept.limits import UserLimits
from bot.jobs.accept.speed import usual_balanced, usual_draft, usual_face
from bot.jobs.accept.usage import limits_of
from bot.jobs.deliver.mailbox import Mailbox
from bot.jobs.draw.line import Line, LiveJob, live_job
from bot.jobs.draw.queue_view import QueueCounts, queue_counts, queue_view
from bot.jobs.draw.resume import Resume
from bot.jobs.draw.runner import Runner
from bot.jobs.keep.housekeeping import Housekeeping
from bot.jobs.keep.store import JobStore
from bot.jobs.keep.stored import end_of
from bot.jobs.keep.uploads import Uploads
from bot.jobs.values import CancelledEvent, Origin, Queued, QueueView, Ticket, Upload
from bot.safety.ceiling import Ceiling, Place
from data.guilds.server_settings import PlaceRatings
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import RefusedError, StorageError
from pipeline.request import GenerationRequest

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.1  # while draining
_DELIVERIES_S = 120.0  # for deliveries while draining: if Discord is down, the next start continues


class JobService:
    """Accepts, runs, cancels and remembers jobs. Lives on the event loop."""

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        runner: Runner,
        clock: Clock,
        rules: JobRules,
        observer: Observer = NOBODY,
    ) -> None:
        self._store = store
        self._line = line
        self.runner = runner
        self._clock = clock
        self._rules = rules
        self._observer = observer
        self._uploads = Uploads(store.files, clock)
        self._housekeeping = Housekeeping(
            store.files, clock, kept_s=rules.kept_s, prompts_kept_s=rules.prompts_kept_s
        )
        self._resume = Resume(store, line, runner.ending, clock, max_age_s=rules.max_age_s)
        self._accepting = True
        self._deciding = 0

    @property
    def model(self) -> ModelDescription | None:
        """The model in use; None before it was loaded for the first time."""
        return self.runner.engines.model

    @property
    def failure(self) -> "asyncio.Future[None]":
        """Raises if no engine can be used: the bot should end and report why."""
        return self.runner.ending.failure

    @property
    def accepting(self) -> bool:
        """Whether new work is accepted: not while draining or stopping."""
        return self._accepting

    def queue_counts(self) -> QueueCounts:
        """How much waits and runs."""
        return queue_counts(self._line, now=self._clock.time())

    async def start(self) -> None:
        """Resume open jobs after a restart, close those that are too old, repeatedly end the
        process or can't be read, and start drawing."""
        if self.runner.draws:  # `bot sync` may run while a bot is processing them
            await self._resume.all()
        await self._housekeeping.start()
        self.runner.start()
        self.runner.announcer.announce()

    async def stop(self) -> None:
        """Accept no new work, end the running step and stop drawing. Open jobs stay stored and run
        after a restart."""
        self._accepting = False
        await self.runner.stop()
        await self._housekeeping.stop()

    async def drain(self) -> None:
        """Accept no new work, and return when everything accepted is drawn and delivered. Left to
        the next start: what waits while nothing is drawn, and deliveries that Discord does not
        accept within two minutes."""
        self._accepting = False
        while self._deciding or not self.runner.is_done:  # noqa: ASYNC110 - many things end it, none of them notifies
            await asyncio.sleep(_LOOK_EVERY_S)
        deadline = self._clock.monotonic() + _DELIVERIES_S
        while await self._is_owed() and self._clock.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _is_owed(self) -> bool:
        """Whether ends of jobs are still undelivered; also True if that can't be read."""
        try:
            return bool(await self._store.undelivered())
        except StorageError as error:
            _log.warning("Whether all is delivered can't be read: %s", error)
            return True

    async def ceiling(
        self, *, place: Place, guild_id: int | None, channel_id: int
    ) -> tuple[Ceiling, PlaceRatings]:
        """What the place allows now, with what was set there."""
        return await ceiling_of(
            self._store.database,
            place=place,
            guild_id=guild_id,
            channel_id=channel_id,
            output_check=self._rules.output_check,
        )

    async def submit(
        self,
        request: GenerationRequest,
        origin: Origin,
        *,
        saved: str | None = None,
        replay: bool = False,
        also: Also | None = None,
    ) -> Ticket:
        """Accept `request`: checked, its quota taken, stored. Memory and one transaction.

        `saved` names one of the person's presets, which fills fields that the request leaves open,
        and then their own defaults do; not for a `replay`, which repeats an earlier job
        (`bot.library.results`). `also` is part of the transaction. Raises
        InputError, RefusedError (`draining` while the bot is ending) or StorageError; then no quota
        is used.
        """
        if not self._accepting:
            raise RefusedError("draining")
        self._deciding += 1
        try:
            return await self._submit(request, origin, saved=saved, replay=replay, also=also)
        except RefusedError as error:
            self._observer.job_refused(error.key)
            event = refused(request, origin, error)
            if event is not None:
                await self._store.audit.note(event)
            raise
        finally:
            self._deciding -= 1

    async def _submit(
        self,
        request: GenerationRequest,
        origin: Origin,
        *,
        saved: str | None,
        replay: bool,
        also: Also | None,
    ) -> Ticket:
        """Gather, decide, and commit; the commit's transaction reads blocks and limits again."""
        now = self._clock.time()
        known = await gather(
            self._store.database,
            request,
            origin,
            saved=saved,
            replay=replay,
            output_check=self._rules.output_check,
            now=now,
        )
        # In a thread: the longest prompts take tens of milliseconds to parse.
        decision = await asyncio.to_thread(
            decide, request, origin, known, self._rules, model=self.model
        )
        record = await commit(
            self._store.database,
            self._store.audit,
            decision,
            origin,
            limits=self._rules.limits,
            eta_s=self._line.total_eta_s(),
            now=now,
            also=also,
        )
        hit("job_accepted")
        self._observer.job_accepted()
        return self._admit(live_job(record, ()))

    async def put_upload(self, data: bytes) -> Upload:
        """Store a picture that a person sent; its hash goes into `init_picture` of their request.

        InputError `image_too_large`, `image_not_supported` or `image_too_many_pixels`.
        """
        return await self._uploads.put(data)

    async def put_mask(self, data: bytes, *, width: int, height: int) -> Upload:
        """Store a mask for a picture of `width` x `height` pixels: a PNG, white where that is
        redrawn. Its hash goes into `mask` of the request.

        InputError `mask_too_large`, `mask_not_supported`, `mask_wrong_size`, `mask_empty`.
        """
        return await self._uploads.put_mask(data, width=width, height=height)

    async def find_upload(self, beginning: str) -> str:
        """The hash of an upload, of which `beginning` has 16 digits. RefusedError
        `image_gone`: no job used it within an hour."""
        return await self._uploads.find(beginning)

    async def queue_view(self, user_id: int) -> QueueView:
        """What `user_id` may see of the queue."""
        return queue_view(self._line, user_id=user_id, rest=self.runner.engines.rest)

    async def watch(self, job_id: str) -> Mailbox | None:
        """The events of a job, or its end; None if it was deleted."""
        job = self._line.live.get(job_id)
        if job is not None:
            return job.mailbox
        stored = await self._store.get(job_id)
        ended = None if stored is None else end_of(stored, model=self.model)
        return None if ended is None else Mailbox(ended)

    async def cancel(self, *, job_id: str, user_id: int) -> None:
        """Cancel a job for its owner. RefusedError: not theirs, or already over."""
        record = await self.job(job_id)
        if record is None:
            raise RefusedError("job_unknown")
        if record.user_id != user_id:
            raise RefusedError("not_your_job")
        if not await self.runner.ending.end(job_id):
            raise RefusedError("job_over")
        hit("cancelled_unanswered")

    async def cancel_all(self, *, user_id: int, guild_id: int | None = None) -> None:
        """Stop all open jobs of `user_id`, in one server or anywhere."""
        for job_id in await self._store.open_ids(user_id, guild_id=guild_id):
            await self.runner.ending.end(job_id)

    def forgotten(self, *, job_id: str) -> None:
        """The job's row was deleted: stop what is left of it."""
        self.runner.ending.tell(job_id, CancelledEvent())

    async def withdraw(self, *, job_id: str) -> bool:
        """The acknowledgement never reached Discord: stop the job, refund it, notify nobody. False
        if the job had already ended: then its end must be delivered."""
        return await self.runner.ending.end(job_id, told=True)

    async def job(self, job_id: str) -> JobRecord | None:
        """A stored job."""
        stored = await self._store.get(job_id)
        return None if stored is None else stored.job

    async def set_message(self, *, job_id: str, message_id: int) -> None:
        """Remember which message shows the job."""
        await self._store.set_message(job_id, message_id=message_id)
        hit("message_marked")

    async def mark_delivered(
        self, job: JobRecord, *, message_id: int | None, told: Collection[str] | None = None
    ) -> None:
        """Record that the end of the job reached its user, with the pictures `told` (their ids;
        None: all). If the job was deleted meanwhile, its message is removed too."""
        now = self._clock.time()
        await self._store.mark_told(
            job, delivery="delivered", message_id=message_id, now=now, told=told
        )

    async def mark_kept(
        self, job: JobRecord, *, told: Collection[str] | None = None, again: bool = False
    ) -> None:
        """Record that its user can't be reached; the pictures stay stored. `again`: have the outbox
        try again later, because its place may open."""
        now = self._clock.time()
        await self._store.mark_told(
            job, delivery="kept", message_id=None, now=now, told=told, again=again
        )

    async def to_present(self) -> list[JobRecord]:
        """After a restart: live jobs, and ended ones whose user was not notified yet."""
        return [stored.job for stored in await self._store.open_jobs()] + (
            await self._store.undelivered()
        )

    async def read_picture(self, picture: PictureRecord) -> bytes:
        """The PNG of a stored picture; StorageError if its file is missing."""
        return await asyncio.to_thread(self._store.files.pictures.read, picture.content_hash)

    async def may_preview(self, job: JobRecord, image: Image) -> bool:
        """Whether an unfinished picture may be shown: it is checked like the finished one."""
        return await self.runner.keeping.may_show(job, image)

    async def limits_of(
        self, *, user_id: int, guild_id: int | None = None, role_ids: Iterable[int] = ()
    ) -> UserLimits:
        """What `user_id` has used and may still use, everywhere and in the server `guild_id`."""
        found = await limits_of(
            self._store.database,
            self._rules.limits,
            user_id=user_id,
            guild_id=guild_id,
            role_ids=role_ids,
            now=self._clock.time(),
        )
        return replace(
            found,
            draft=usual_draft(self._rules.loras, self._rules.defaults),
            balanced=usual_balanced(self.runner.engines.model, self._rules.defaults),
            face=usual_face(self.runner.engines.model, self._rules.defaults),
        )

    def _admit(self, job: LiveJob) -> Ticket:
        self._line.admit(job)
        self.runner.announcer.announce()
        queued = job.mailbox.event
        assert isinstance(queued, Queued), "nobody draws before the loop goes on"
        return Ticket(job=job.record, queued=queued)
