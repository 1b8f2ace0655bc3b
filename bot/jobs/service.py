"""The life of a job, from the wish to the stored pictures. One path for every request."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.failpoints import hit
from bot.jobs.hub import TERMINAL, Hub
from bot.jobs.line import Line, LiveJob, live_job
from bot.jobs.runner import Runner
from bot.jobs.store import JobStore, error_from_json
from bot.jobs.values import CancelledEvent, Completed, Failed, JobEvent, Origin, Queued, Ticket
from bot.limits import DAY_S, HOUR_S, Limits, UserLimits, window
from bot.safety.ceiling import Ceiling, Place, effective_ceiling
from bot.safety.rules import check_prompt, refusal
from data import jobs, pictures, place_settings, quota
from data.ids import new_id
from data.jobs import JobRecord
from data.pictures import PictureRecord
from data.place_settings import PlaceRatings
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import RefusedError
from pipeline.prompt.weights import plain_tags
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, resolve
from pipeline.tags.category import TagCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """What every request is measured by. `max_age_s`: older open jobs are closed at start."""

    defaults: Defaults
    limits: Limits
    category_of: Callable[[str], TagCategory | None]
    max_age_s: float
    output_check: bool = False  # no classifier exists yet, so nsfw and explicit stay off


class JobService:
    """Accepts, runs, cancels and remembers jobs. Lives on the event loop."""

    def __init__(
        self,
        *,
        store: JobStore,
        line: Line,
        hub: Hub,
        runner: Runner,
        clock: Clock,
        rules: JobRules,
    ) -> None:
        self._store = store
        self._line = line
        self._hub = hub
        self._runner = runner
        self._clock = clock
        self._rules = rules

    @property
    def model(self) -> ModelDescription | None:
        """The model in use; None while it is loading."""
        return self._runner.model

    @property
    def failure(self) -> "asyncio.Future[None]":
        """Raises when the engine can't be used at all: the bot should end and say why."""
        return self._runner.failure

    async def start(self) -> None:
        """Take up open jobs again after a restart, close those that are too old, start drawing."""
        now = self._clock.time()
        async with self._store.database.reader() as connection:
            records = await jobs.open_jobs(connection)
            made = {job.id: await pictures.of_job(connection, job_id=job.id) for job in records}
        for record in records:
            if now - record.accepted_at > self._rules.max_age_s:
                error = RefusedError("job_expired")
                await self._store.abandon(record.id, state="failed", now=now, error=error)
                continue
            job = live_job(record, made[record.id])
            self._line.admit(job)
            self._hub.open(record.id, Queued(position=0, eta_s=None))
        self._runner.start()
        self._runner.announce()

    async def stop(self) -> None:
        """End the running step and stop drawing. Open jobs stay stored and run after a restart."""
        await self._runner.stop()

    async def ceiling(
        self, *, place: Place, guild_id: int | None, channel_id: int
    ) -> tuple[Ceiling, PlaceRatings]:
        """What the place allows now, with what was set there."""
        async with self._store.database.reader() as connection:
            ratings = await place_settings.ratings(
                connection, guild_id=guild_id, channel_id=channel_id
            )
        ceiling = effective_ceiling(
            place=place,
            guild_ceiling=ratings.guild_ceiling,
            channel_ceiling=ratings.channel_ceiling,
            output_check=self._rules.output_check,
        )
        return ceiling, ratings

    async def submit(self, request: GenerationRequest, origin: Origin) -> Ticket:
        """Accept `request`: checked, its quota taken, stored. Memory and one transaction.

        InputError, RefusedError or StorageError: nothing was spent.
        """
        ceiling, ratings = await self.ceiling(
            place=origin.place, guild_id=origin.guild_id, channel_id=origin.channel_id
        )
        # In a thread: the longest prompts take tens of milliseconds to take apart.
        resolved = await asyncio.to_thread(
            self._decide, request, ceiling=ceiling.rating, default=ratings.default
        )
        if origin.missing_permissions:
            raise RefusedError("bot_lacks_permissions", permissions=origin.missing_permissions)
        record = JobRecord(
            id=new_id(),
            user_id=origin.user_id,
            guild_id=origin.guild_id,
            channel_id=origin.channel_id,
            private=resolved.private,
            rating=resolved.rating,
            request=resolved,
            weight=origin.weight,
            locale=origin.locale,
            state="queued",
            error=None,
            delivery="pending",
            application_id=origin.application_id,
            interaction_token=origin.interaction_token,
            token_expires_at=origin.token_expires_at,
            message_id=None,
            accepted_at=self._clock.time(),
            started_at=None,
            ended_at=None,
        )
        await self._store.accept(
            record,
            limits=self._rules.limits,
            eta_s=self._line.total_eta_s(),
            tags=self._known_tags(request),
        )
        hit("job_accepted")
        return self._admit(live_job(record, []))

    def _decide(
        self, request: GenerationRequest, *, ceiling: Rating, default: Rating | None
    ) -> ResolvedRequest:
        """Resolve `request` and hold it against the hard rules."""
        resolved = resolve(
            request,
            defaults=self._rules.defaults.with_rating(default),
            ceiling=ceiling,
            random_seed=lambda: secrets.randbelow(2**32),
            category_of=self._rules.category_of,
        )
        violation = check_prompt(resolved.prompt, resolved.negative_prompt, rating=resolved.rating)
        if violation is not None:
            raise refusal(violation)
        return resolved

    def stream(self, job_id: str) -> AsyncIterator[JobEvent]:
        """Events of a job: the current state first, a terminal event last."""
        return self._stream(job_id)

    async def cancel(self, *, job_id: str, user_id: int) -> None:
        """Stop a job on its owner's wish. RefusedError: not theirs, or over already."""
        record = await self.job(job_id)
        if record is None:
            raise RefusedError("job_unknown")
        if record.user_id != user_id:
            raise RefusedError("not_your_job")
        if not await self._end_cancelled(job_id, told=False):
            raise RefusedError("job_over")
        hit("cancelled_unanswered")

    async def withdraw(self, *, job_id: str) -> None:
        """The acknowledgement never reached Discord: stop, give back, tell nobody."""
        await self._end_cancelled(job_id, told=True)

    async def job(self, job_id: str) -> JobRecord | None:
        """A stored job."""
        async with self._store.database.reader() as connection:
            return await jobs.get(connection, job_id=job_id)

    async def set_message(self, *, job_id: str, message_id: int) -> None:
        """Remember which message shows the job."""
        async with self._store.database.transaction() as connection:
            await jobs.set_message(connection, job_id=job_id, message_id=message_id)
        hit("message_marked")

    async def mark_delivered(self, *, job_id: str, message_id: int | None) -> None:
        """The end of the job reached its user."""
        await self._mark(job_id, "delivered", message_id)

    async def mark_kept(self, *, job_id: str) -> None:
        """Its user can't be reached; the pictures stay stored."""
        await self._mark(job_id, "kept", None)

    async def to_present(self) -> list[JobRecord]:
        """After a restart: live jobs, and ended ones whose user does not know yet."""
        async with self._store.database.reader() as connection:
            return await jobs.open_jobs(connection) + await jobs.undelivered(connection)

    async def read_picture(self, picture: PictureRecord) -> bytes:
        """The PNG of a stored picture; StorageError if its file is gone."""
        return await asyncio.to_thread(self._store.files.read, picture.content_hash)

    async def limits_of(self, *, user_id: int) -> UserLimits:
        """What `user_id` has used and may still use."""
        now, limits = self._clock.time(), self._rules.limits
        async with self._store.database.reader() as connection:
            uses = await quota.uses_since(connection, user_id=user_id, since=now - DAY_S)
            waiting = await jobs.count_open(connection, user_id=user_id)
        return UserLimits(
            hour=window(uses, limit=limits.pictures_per_hour, length_s=HOUR_S, now=now),
            day=window(uses, limit=limits.pictures_per_day, length_s=DAY_S, now=now),
            waiting=waiting,
            waiting_limit=limits.waiting_jobs_per_user,
        )

    def _admit(self, job: LiveJob) -> Ticket:
        self._line.admit(job)
        outlook = self._line.outlooks()[job.record.id]
        queued = Queued(position=outlook.position, eta_s=outlook.eta_s, loading=self.model is None)
        self._hub.open(job.record.id, queued)
        self._runner.wake()
        self._runner.announce()
        return Ticket(job=job.record, queued=queued)

    async def _end_cancelled(self, job_id: str, *, told: bool) -> bool:
        ended = await self._store.abandon(
            job_id, state="cancelled", now=self._clock.time(), told=told
        )
        if ended:
            self._runner.end(job_id, CancelledEvent())
        return ended

    async def _mark(self, job_id: str, delivery: jobs.Delivered, message_id: int | None) -> None:
        async with self._store.database.transaction() as connection:
            await jobs.mark_delivered(
                connection,
                job_id=job_id,
                delivery=delivery,
                message_id=message_id,
                now=self._clock.time(),
            )
        hit("delivered_marked")

    async def _stream(self, job_id: str) -> AsyncIterator[JobEvent]:
        async for event in self._hub.stream(job_id):
            yield event
            if isinstance(event, TERMINAL):
                return
        ended = await self._ended(job_id)
        if ended is not None:
            yield ended

    async def _ended(self, job_id: str) -> JobEvent | None:
        """The terminal event of a job that is not live, from what is stored."""
        async with self._store.database.reader() as connection:
            record = await jobs.get(connection, job_id=job_id)
            made = await pictures.of_job(connection, job_id=job_id)
        if record is None or record.ended_at is None:
            return None
        if record.state == "failed":
            assert record.error is not None
            return Failed(error=error_from_json(record.error))
        if record.state == "cancelled":
            return CancelledEvent()
        return Completed(pictures=tuple(made), model=self.model)

    def _known_tags(self, request: GenerationRequest) -> list[str]:
        typed = ", ".join((request.prompt, request.tags, request.character, request.series))
        return [tag for tag in plain_tags(typed) if self._rules.category_of(tag) is not None]
