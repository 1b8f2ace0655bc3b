"""Shows jobs: throttled progress in their message, then the end. One task per job."""

import asyncio
import logging
from dataclasses import dataclass

from bot.client.client import EkakiBot
from bot.common.logs import about
from bot.jobs.keep.finish import is_withheld
from bot.jobs.values import CancelledEvent, Completed, Failed, JobEvent, Terminal
from cogs.common.errors import UNREACHABLE
from cogs.common.known import GuildChannel, PlaceClosedError, PlaceUnknownError, channel_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.places import place_of_channel
from cogs.drawing import render
from cogs.drawing.credit import credit_of
from cogs.drawing.delivery import Delivery, Sent
from cogs.drawing.following import Follower
from cogs.drawing.reading import read_attachments
from cogs.drawing.verdicts import EXPLICIT, TooLarge, Unwanted
from data.jobs.jobs import JobRecord
from data.shipped.text import speaking
from pipeline.errors import EkakiError, EngineError, RefusedError, StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

_SMALL_FILE_LIMIT = 2 * 1024 * 1024  # if even that was rejected
_PLACE_WAIT_S = 600.0  # for a server that is not known at the moment
_MODEL_WAIT_S = 60.0  # for the model's notice, when a job from before a restart is delivered
ENTER_AGAIN_S = 5.0  # between attempts to record a delivery
STORAGE_PAUSES_S = (1.0, 5.0, 20.0, 60.0)  # between attempts to read what has to be delivered


@dataclass(frozen=True, slots=True)
class DeliveredEnd:
    """`sent`: the message that ends the job, None if its user can't be reached. `calls`: it has
    what the user is waiting for."""

    sent: Sent | None
    calls: bool = False


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
        self._unknown: Exception | None = None
        self._told: tuple[str, ...] = ()
        self._is_late = job.delivery == "kept"
        self.ending = False
        self.delivered: DeliveredEnd | None = None

    @property
    def closed(self) -> Exception | None:
        """Why the end of the job could not be delivered, if that may change."""
        return self._unknown or self._delivery.refusal

    async def run(self, shown: JobEvent | None) -> None:
        """Show all events. `shown` is what the message already shows.

        In the job's language, whoever asked for the task or after a restart.
        """
        job = self._job
        with speaking(job.locale), about(job=job.id, guild=job.guild_id):
            await self._run(shown)

    async def _run(self, shown: JobEvent | None) -> None:
        end = await Follower(self._bot, self._job, self._delivery, shown=shown).follow()
        self.ending = True
        if end is None:
            return
        try:
            ended = await self._deliver_patiently(end)
        except PlaceUnknownError as error:
            self._unknown, ended = error, DeliveredEnd(None)
        except Exception:  # noqa: BLE001 - whatever happens, no message may promise a picture forever
            _log.exception("The end of job %s could not be shown", self._job.id)
            ended = DeliveredEnd(await self._deliver(self._apology(end)))
        await self._settle(ended.sent)
        self.delivered = ended
        if ended.sent is not None and ended.calls and not ended.sent.new and self._took_long():
            await self._delivery.mention(ended.sent)

    async def _deliver_patiently(self, end: Terminal) -> "DeliveredEnd":
        """Deliver the end; a busy disk or database must not change it."""
        for pause_s in (*STORAGE_PAUSES_S, None):
            try:
                return await self._deliver_end(end)
            except StorageError as error:
                if pause_s is None or not _may_pass(error):
                    raise
                _log.warning("Job %s is not delivered yet: %s", self._job.id, error)
                await asyncio.sleep(pause_s)
        raise AssertionError("the last one returns or raises")

    async def _deliver_end(self, end: Terminal) -> "DeliveredEnd":
        match end:
            case Completed():
                self._told = tuple(picture.id for picture in end.pictures)
                return await self._deliver_pictures(end)
            case Failed(error=error) if self._is_for_one(error):
                message = render.failed(self._job, error, now=self._services.clock.time())
                notified = not self._is_late and await self._delivery.whisper(message)
                return DeliveredEnd(await self._deliver(render.failed_quietly(notified=notified)))
            case Failed(error=error):
                message = render.failed(self._job, error, now=self._services.clock.time())
                return DeliveredEnd(await self._deliver(message))
            case CancelledEvent():
                # A person who cancels knows it already; of a failure, the waiting person is
                # notified.
                cancelled = render.cancelled(self._job)
                return DeliveredEnd(await self._deliver(cancelled, may_send=False))

    async def _deliver_pictures(self, end: Completed) -> "DeliveredEnd":
        rating = max(picture.rating for picture in end.pictures)
        if not await self._still_fits(rating):
            # They stay in /history, which shows them only where they fit.
            return await self._deliver_kept(RefusedError("place_changed", rating=rating))
        # What only this person may see is sent as a direct message, which has its own limits.
        may_send = not self._job.private or rating <= Rating.SENSITIVE
        notice, credit = await self._notice(end), await credit_of(self._bot, self._job)
        for limit in (self._file_limit, _SMALL_FILE_LIMIT):
            try:
                attachments = await self._attachments(end, limit)
                message = render.completed(
                    self._job,
                    end.pictures,
                    attachments,
                    notice=notice,
                    withheld=end.withheld,
                    credit=credit,
                )
                sent = await self._delivery.deliver(message, may_send=may_send)
            except TooLarge:
                _log.warning("The files of job %s are too large for Discord", self._job.id)
            except Unwanted as error:
                key = "picture_explicit" if error.code == EXPLICIT else "picture_not_taken"
                _log.warning("The pictures of job %s are not taken: %s", self._job.id, error)
                return await self._deliver_kept(RefusedError(key))
            except EkakiError as error:  # the file is gone or unreadable
                if _may_pass(error):
                    raise
                failed = render.failed(self._job, error, now=self._services.clock.time())
                return DeliveredEnd(await self._deliver(failed))
            else:
                if sent is not None:
                    return DeliveredEnd(sent, calls=True)
                # Text may be accepted where files are not.
                return await self._deliver_kept(RefusedError("picture_not_taken"))
        return await self._deliver_kept(RefusedError("picture_too_large"))

    async def _deliver_kept(self, error: EkakiError) -> "DeliveredEnd":
        """The pictures are stored, and can't be shown here."""
        message = render.kept(error, now=self._services.clock.time())
        return DeliveredEnd(await self._deliver(message))

    async def _deliver(self, message: Outgoing, *, may_send: bool = True) -> Sent | None:
        """Only text; None also if Discord rejects even that."""
        try:
            return await self._delivery.deliver(message, may_send=may_send)
        except (TooLarge, Unwanted) as error:
            _log.error("Discord does not take the words that end job %s: %s", self._job.id, error)
            return None

    def _apology(self, end: Terminal) -> Outgoing:
        """What is sent if the end itself could not be."""
        now = self._services.clock.time()
        match end:
            case Completed():
                return render.kept(RefusedError("picture_not_taken"), now=now)
            case Failed():
                return render.failed(self._job, EngineError("engine_failed"), now=now)
            case CancelledEvent():
                return render.cancelled(self._job)

    def _is_for_one(self, error: EkakiError) -> bool:
        """Whether others see the message, though they must not see the result."""
        is_public = not self._job.private and self._job.guild_id is not None
        return is_public and is_withheld(error)

    async def _still_fits(self, rating: Rating) -> bool:
        """Whether the channel still allows it: the channel or its age restriction may have been
        removed. For a thread its parent counts, even if the thread is closed."""
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
        """The channel whose settings apply, waiting while the server is not known; None: it was
        deleted, or the bot can't see it. PlaceUnknownError if it stays unknown."""
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
        raise PlaceUnknownError(guild_id) from trouble  # the outbox keeps waiting

    async def _attachments(self, end: Completed, limit: int) -> list[Attachment]:
        return await read_attachments(self._services, self._job, end.pictures, limit_bytes=limit)

    async def _notice(self, end: Completed) -> str:
        """The model's notice, which every result must show, so wait a while for the model."""
        model = end.model
        for _ in range(int(_MODEL_WAIT_S)):
            model = model or self._services.jobs.model
            if model is not None:
                return model.notice
            await asyncio.sleep(1.0)
        return ""

    async def _settle(self, sent: Sent | None) -> None:
        """Record that the end was delivered, so that it is delivered once. A full disk or a locked
        database is waited out."""
        if sent is None and not self._is_late:
            _log.warning("Job %s can't reach its user; it is kept", self._job.id)
        while True:
            try:
                await self._enter(sent)
            except StorageError as error:
                _log.warning("The delivery of job %s is not entered: %s", self._job.id, error)
                await asyncio.sleep(ENTER_AGAIN_S)
            else:
                return

    async def _enter(self, sent: Sent | None) -> None:
        jobs = self._services.jobs
        if sent is None:
            # Late ends are already in the outbox, which counts their attempts.
            again = self.closed is not None and not self._is_late
            await jobs.mark_kept(self._job, told=self._told, again=again)
        else:
            await jobs.mark_delivered(self._job, message_id=sent.message_id, told=self._told)

    def _took_long(self) -> bool:
        took_s = self._services.clock.time() - self._job.accepted_at
        wanted_minutes = self._services.settings.mention_after_minutes
        return not self._job.private and 0 < wanted_minutes * 60 <= took_s


def _may_pass(error: EkakiError) -> bool:
    """Whether a retry may succeed in a moment."""
    return isinstance(error, StorageError) and error.key != "picture_missing"
