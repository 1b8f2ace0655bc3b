"""Shows jobs: throttled progress in their message, then the end. One task a job."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Protocol, cast

from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from bot.client.client import EkakiBot
from bot.client.wire import Wire
from bot.jobs.keep.finish import is_withheld
from bot.jobs.values import CancelledEvent, Completed, Failed, JobEvent, Progress, Queued
from cogs.common.errors import UNREACHABLE
from cogs.common.gallery_gates import offers_gallery
from cogs.common.known import GuildChannel, PlaceClosedError, PlaceUnknownError, channel_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.pictures import fit, preview_jpeg
from cogs.common.places import place_of_channel
from cogs.drawing import render
from cogs.drawing.delivery import BACKOFF_S, EXPLICIT, Delivery, Sent, TooLarge, Unwanted
from data.jobs.jobs import JobRecord
from data.shipped.text import speaking
from pipeline.errors import EkakiError, EngineError, RefusedError, StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

DEFAULT_FILE_LIMIT = 10 * 1024 * 1024  # bytes a file, Discord's limit where nothing is boosted
_SMALL_FILE_LIMIT = 2 * 1024 * 1024  # where even that was refused
_PLACE_WAIT_S = 600.0  # for a server of which Discord tells nothing at the moment
_MODEL_WAIT_S = 60.0  # for the model's notice, when a job from before a restart is delivered
_ENTER_AGAIN_S = 5.0  # between tries to enter a delivery
STORAGE_PAUSES_S = (1.0, 5.0, 20.0, 60.0)  # between tries to read what is to be delivered
_PARTING_S = 10.0  # for deliveries that are under way when the bot stops

_ON_ITS_WAY_S = 10.0  # for a request that Discord does not answer

Terminal = Completed | Failed | CancelledEvent


@dataclass(frozen=True, slots=True)
class Told:
    """`sent`: the message that ends the job, None where its user can't be reached. `calls`: it has
    what the user waits for."""

    sent: Sent | None
    calls: bool = False


class Feed:
    """The latest event of a job, and whether it is the last."""

    def __init__(self, events: AsyncIterator[JobEvent]) -> None:
        self._events = events
        self._fresh = asyncio.Event()
        self._latest: JobEvent | None = None
        self.over = asyncio.Event()

    async def pump(self) -> None:
        """Read the events to their end."""
        try:
            async for event in self._events:
                self._latest = event
                self._fresh.set()
        finally:
            self.over.set()
            self._fresh.set()

    async def fresh(self) -> None:
        """Until there is something new."""
        await self._fresh.wait()

    def take(self) -> JobEvent | None:
        """The latest event; None if there was none at all."""
        if not self.over.is_set():
            self._fresh.clear()
        return self._latest


class Presenter:
    """Follows one job from its first message to its end."""

    def __init__(
        self, bot: EkakiBot, job: JobRecord, delivery: Delivery, *, file_limit: int
    ) -> None:
        self._bot = bot
        self._services = bot.services
        self._job = job
        self._delivery = delivery
        self._file_limit = file_limit
        self._shown: JobEvent | None = None
        self._unknown: Exception | None = None
        self._is_late = job.delivery == "kept"
        self.ending = False
        self.told: Told | None = None

    @property
    def closed(self) -> Exception | None:
        """What the end of the job could not be told for, if that may change."""
        return self._unknown or self._delivery.refusal

    async def run(self, shown: JobEvent | None) -> None:
        """Show everything that comes. `shown` is what the message shows already.

        In the job's language, whoever asked for the task or after a restart.
        """
        with speaking(self._job.locale):
            await self._run(shown)

    async def _run(self, shown: JobEvent | None) -> None:
        self._shown = shown
        end = await self._follow()
        self.ending = True
        if end is None:
            return
        try:
            told = await self._tell_patiently(end)
        except PlaceUnknownError as error:
            self._unknown, told = error, Told(None)
        except Exception:  # noqa: BLE001 - whatever it is, no message may promise a picture for ever
            _log.exception("The end of job %s could not be shown", self._job.id)
            told = Told(await self._deliver(self._apology(end)))
        await self._settle(told.sent)
        self.told = told
        if told.sent is not None and told.calls and not told.sent.new and self._took_long():
            await self._delivery.mention(told.sent)

    async def _follow(self) -> Terminal | None:
        """Show progress, at most once an interval, until the last event."""
        feed = Feed(self._services.jobs.stream(self._job.id))
        pump = asyncio.create_task(feed.pump())
        interval_s = self._services.settings.progress_interval_s
        try:
            while True:
                await feed.fresh()
                event = feed.take()
                if event is None or isinstance(event, Completed | Failed | CancelledEvent):
                    return event
                if feed.over.is_set():
                    return None  # the bot stops
                if event != self._shown:
                    self._shown = event
                    await self._update(event, feed.over)
                    await _wait(feed.over, interval_s)
        finally:
            pump.cancel()
            for trouble in await asyncio.gather(pump, return_exceptions=True):
                if isinstance(trouble, Exception):
                    _log.error("The events of job %s broke off", self._job.id, exc_info=trouble)

    async def _update(self, event: Queued | Progress, over: asyncio.Event) -> None:
        """Show `event`, unless the end comes meanwhile: that waits for no rate limit and no preview
        of what it replaces."""
        wire, context = Wire(), copy_context()
        context.run(wire.take)
        # discord.py's adapter lets one request of a token wait for another: let the end not.
        context.run(async_context.set, AsyncWebhookAdapter())
        showing = asyncio.create_task(self._show(event), context=context)
        ending = asyncio.create_task(over.wait())
        try:
            await asyncio.wait({showing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not showing.done():
                # What is on its way may arrive after the end if that is sent now.
                await _wait(wire.idle, _ON_ITS_WAY_S)
        finally:
            ending.cancel()
            showing.cancel()
            for trouble in await asyncio.gather(showing, return_exceptions=True):
                if isinstance(trouble, Exception):
                    _log.error("Job %s: no progress is shown", self._job.id, exc_info=trouble)

    async def _show(self, event: Queued | Progress) -> None:
        if isinstance(event, Queued):
            message = render.waiting(self._job, event)
        else:
            message = render.progress(self._job, event, await self._preview(event))
        await self._delivery.update(message)

    async def _preview(self, event: Progress) -> bytes | None:
        if event.preview is None or not self._services.settings.previews:
            return None
        try:
            image = await asyncio.to_thread(event.preview)
            if image is None or not await self._services.jobs.may_preview(self._job, image):
                return None
            return await asyncio.to_thread(preview_jpeg, image)
        except Exception:  # noqa: BLE001 - no preview is worth a lost picture
            _log.exception("The preview of job %s could not be made", self._job.id)
            return None

    async def _tell_patiently(self, end: Terminal) -> "Told":
        """Tell the end; a disk or database that is busy is no reason to tell another one."""
        for pause_s in (*STORAGE_PAUSES_S, None):
            try:
                return await self._tell(end)
            except StorageError as error:
                if pause_s is None or not _may_pass(error):
                    raise
                _log.warning("Job %s is not delivered yet: %s", self._job.id, error)
                await asyncio.sleep(pause_s)
        raise AssertionError("the last one returns or raises")

    async def _tell(self, end: Terminal) -> "Told":
        match end:
            case Completed():
                return await self._tell_pictures(end)
            case Failed(error=error) if self._is_for_one(error):
                message = render.failed(self._job, error, now=self._services.clock.time())
                told = not self._is_late and await self._delivery.whisper(message)
                return Told(await self._deliver(render.failed_quietly(told=told)))
            case Failed(error=error):
                message = render.failed(self._job, error, now=self._services.clock.time())
                return Told(await self._deliver(message))
            case CancelledEvent():
                # Who cancels knows it already; a failure is told to somebody who waits for hours.
                cancelled = render.cancelled(self._job)
                return Told(await self._deliver(cancelled, may_send=False))

    async def _tell_pictures(self, end: Completed) -> "Told":
        rating = max(picture.rating for picture in end.pictures)
        if not await self._still_fits(rating):
            # They stay in /history, which shows them only where they fit.
            return await self._tell_kept(RefusedError("place_changed", rating=rating))
        # What only this person was to see goes on as a direct message, which has bounds of its own.
        may_send = not self._job.private or rating <= Rating.SENSITIVE
        notice, gallery = await self._notice(end), await offers_gallery(self._bot, self._job)
        for limit in (self._file_limit, _SMALL_FILE_LIMIT):
            try:
                attachments = await self._attachments(end, limit)
                message = render.completed(
                    self._job,
                    end.pictures,
                    attachments,
                    notice=notice,
                    withheld=end.withheld,
                    gallery=gallery,
                )
                sent = await self._delivery.deliver(message, may_send=may_send)
            except TooLarge:
                _log.warning("The files of job %s are too large for Discord", self._job.id)
            except Unwanted as error:
                key = "picture_explicit" if error.code == EXPLICIT else "picture_not_taken"
                _log.warning("The pictures of job %s are not taken: %s", self._job.id, error)
                return await self._tell_kept(RefusedError(key))
            except EkakiError as error:  # the file is gone or unreadable
                if _may_pass(error):
                    raise
                failed = render.failed(self._job, error, now=self._services.clock.time())
                return Told(await self._deliver(failed))
            else:
                if sent is not None:
                    return Told(sent, calls=True)
                # Perhaps words get where files may not.
                return await self._tell_kept(RefusedError("picture_not_taken"))
        return await self._tell_kept(RefusedError("picture_too_large"))

    async def _tell_kept(self, error: EkakiError) -> "Told":
        """The pictures are stored, and can't be shown here."""
        message = render.kept(error, now=self._services.clock.time())
        return Told(await self._deliver(message))

    async def _deliver(self, message: Outgoing, *, may_send: bool = True) -> Sent | None:
        """Words alone; None also where Discord does not take even these."""
        try:
            return await self._delivery.deliver(message, may_send=may_send)
        except (TooLarge, Unwanted) as error:
            _log.error("Discord does not take the words that end job %s: %s", self._job.id, error)
            return None

    def _apology(self, end: Terminal) -> Outgoing:
        """What is said where the end itself could not be."""
        now = self._services.clock.time()
        match end:
            case Completed():
                return render.kept(RefusedError("picture_not_taken"), now=now)
            case Failed():
                return render.failed(self._job, EngineError("engine_failed"), now=now)
            case CancelledEvent():
                return render.cancelled(self._job)

    def _is_for_one(self, error: EkakiError) -> bool:
        """Whether others see the message, and are not to know what came out."""
        is_public = not self._job.private and self._job.guild_id is not None
        return is_public and is_withheld(error)

    async def _still_fits(self, rating: Rating) -> bool:
        """Whether the channel still allows it: its age restriction may be gone since, or it may be.
        Of a thread the channel it belongs to counts, also where the thread is closed."""
        guild_id = self._job.guild_id
        if rating <= Rating.SENSITIVE or guild_id is None:
            return True
        channel = await self._known_channel(guild_id)
        if channel is None:
            return False
        ceiling, _ = await self._services.jobs.ceiling(
            place=place_of_channel(channel),
            guild_id=self._job.guild_id,
            channel_id=self._job.rules_channel_id or self._job.channel_id,
        )
        return rating <= ceiling.rating

    async def _known_channel(self, guild_id: int) -> GuildChannel | None:
        """The channel whose settings count, waited for while Discord does not tell of the server;
        None: it is gone, or closed to us. PlaceUnknownError where it stays unknown."""
        channel_id = self._job.rules_channel_id or self._job.channel_id
        trouble: Exception | None = None
        for _ in range(1 if self._is_late else int(_PLACE_WAIT_S)):
            try:
                return await channel_of(self._bot, guild_id, channel_id)
            except (PlaceUnknownError, *UNREACHABLE) as error:
                _log.info("Job %s waits for its server: %s", self._job.id, error)
                trouble = error
                await asyncio.sleep(1.0)
        if isinstance(trouble, PlaceClosedError):
            return None
        raise PlaceUnknownError(guild_id) from trouble  # the outbox goes on waiting

    async def _attachments(self, end: Completed, limit: int) -> list[Attachment]:
        made: list[Attachment] = []
        for picture in end.pictures:
            png = await self._services.jobs.read_picture(picture)
            content, suffix = await asyncio.to_thread(fit, png, limit)
            made.append(render.picture_attachment(self._job, picture, content, suffix))
        return made

    async def _notice(self, end: Completed) -> str:
        """The model's notice, which every result must show: so wait a while for the model."""
        model = end.model
        for _ in range(int(_MODEL_WAIT_S)):
            model = model or self._services.jobs.model
            if model is not None:
                return model.notice
            await asyncio.sleep(1.0)
        return ""

    async def _settle(self, sent: Sent | None) -> None:
        """Enter that the end was told, so that it is told once. A full disk or a locked database is
        waited out."""
        if sent is None and not self._is_late:
            _log.warning("Job %s can't reach its user; it is kept", self._job.id)
        while True:
            try:
                await self._enter(sent)
            except StorageError as error:
                _log.warning("The delivery of job %s is not entered: %s", self._job.id, error)
                await asyncio.sleep(_ENTER_AGAIN_S)
            else:
                return

    async def _enter(self, sent: Sent | None) -> None:
        jobs = self._services.jobs
        if sent is None:
            # Late ends are in the outbox already, which counts their attempts.
            again = self.closed is not None and not self._is_late
            await jobs.mark_kept(job_id=self._job.id, again=again)
        else:
            await jobs.mark_delivered(job_id=self._job.id, message_id=sent.message_id)

    def _took_long(self) -> bool:
        took_s = self._services.clock.time() - self._job.accepted_at
        wanted_minutes = self._services.settings.mention_after_minutes
        return not self._job.private and 0 < wanted_minutes * 60 <= took_s


class Presenters:
    """The running presenters."""

    def __init__(self, bot: EkakiBot, *, backoff_s: tuple[float, ...] = BACKOFF_S) -> None:
        self._bot = bot
        self.backoff_s = backoff_s
        self._running: dict[str, tuple[Presenter, asyncio.Task[None]]] = {}
        self._again: set[str] = set()
        self._restarts: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(
        self,
        job: JobRecord,
        *,
        message_id: int | None,
        shown: JobEvent | None = None,
        file_limit: int | None = None,
        resumed: bool = False,
    ) -> None:
        """Show `job` until its end. A job that is being shown already is left alone; with `resumed`
        its end is told once more after that, as it may have another picture now."""
        if job.id in self._running:
            if resumed:
                self._again.add(job.id)
            return
        delivery = Delivery(
            self._bot, job, message_id=message_id, resumed=resumed, backoff_s=self.backoff_s
        )
        presenter = Presenter(
            self._bot, job, delivery, file_limit=file_limit or self._file_limit(job)
        )
        task = asyncio.create_task(presenter.run(shown), name=f"presenter {job.id}")
        self._running[job.id] = (presenter, task)
        task.add_done_callback(lambda done: self._ended(job.id, done))

    def resume(self, jobs: Sequence[JobRecord]) -> None:
        """After a restart: take up jobs whose end was not told."""
        for job in jobs:
            try:
                # Only the end of an ended job may have been sent before the restart.
                self.start(job, message_id=job.message_id, resumed=job.ended_at is not None)
            except Exception:  # noqa: BLE001 - the others wait as well
                _log.exception("Job %s can't be shown", job.id)

    async def tell_late(self, job: JobRecord) -> Exception | None:
        """Tell the end of a kept job. Gives what it could not be told for, if that may change.

        PlaceUnknownError where the bot stops, TimeoutError where it can't be read now. The delivery
        goes on where this is cancelled.
        """
        if self._stopping:
            raise PlaceUnknownError(job.guild_id or 0)
        if job.id not in self._running:
            self.start(job, message_id=job.message_id, resumed=True)
        presenter, task = self._running[job.id]
        await asyncio.wait({task})
        if task.cancelled():
            raise PlaceUnknownError(job.guild_id or 0)
        if presenter.told is None:  # the events broke off, or the job was deleted
            raise TimeoutError
        return None if presenter.told.sent is not None else presenter.closed

    async def stop(self) -> None:
        """Give deliveries that are under way a moment, then end. The rest resumes at next start."""
        self._stopping = True
        self._again.clear()  # the next start finds them undelivered
        tasks = [task for _, task in self._running.values()]
        ending = [task for presenter, task in self._running.values() if presenter.ending]
        if ending:
            await asyncio.wait(ending, timeout=_PARTING_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _file_limit(self, job: JobRecord) -> int:
        guild = None if job.guild_id is None else self._bot.get_guild(job.guild_id)
        return DEFAULT_FILE_LIMIT if guild is None else guild.filesize_limit

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(job_id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("Job %s could not be shown", job_id, exc_info=task.exception())
        if job_id in self._again and not task.cancelled():
            self._again.discard(job_id)
            restart = asyncio.create_task(self._tell_again(job_id), name=f"once more {job_id}")
            self._restarts.add(restart)
            restart.add_done_callback(self._restarts.discard)

    async def _tell_again(self, job_id: str) -> None:
        while True:
            try:
                job = await self._bot.services.jobs.job(job_id)
                break
            except StorageError as error:
                _log.warning("Job %s is not told again yet: %s", job_id, error)
                await asyncio.sleep(_ENTER_AGAIN_S)
        if job is not None and job.ended_at is not None:
            self.start(job, message_id=job.message_id, resumed=True)


class _Holder(Protocol):
    presenters: Presenters


def presenters_of(bot: EkakiBot) -> Presenters:
    """The running presenters; RefusedError while the bot stops."""
    # By name: discord.py loads extensions as modules of its own, so their classes are others.
    cog = bot.get_cog("Inference")
    if cog is None:
        raise RefusedError("engine_closed")
    return cast("_Holder", cog).presenters


def _may_pass(error: EkakiError) -> bool:
    """Whether the disk or the database may have it in a moment."""
    return isinstance(error, StorageError) and error.key != "picture_missing"


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Until `event` is set, `timeout_s` at the longest."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
