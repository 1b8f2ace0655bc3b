"""The running presenters: started, resumed after a restart, stopped."""

import asyncio
import logging
from collections.abc import Sequence

from bot.client.client import EkakiBot
from bot.jobs.values import JobEvent
from bot.outbox.kinds import Kind
from cogs.common.known import PlaceUnknownError, channel_of
from cogs.drawing.delivery import BACKOFF_S, Delivery
from cogs.drawing.presenter import ENTER_AGAIN_S, Presenter
from data.guilds.outbox import OutboxItem
from data.jobs.jobs import JobRecord
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

_PARTING_S = 3.0  # for deliveries under way when the bot stops; systems kill it after 10 s

DEFAULT_FILE_LIMIT = 10 * 1024 * 1024  # bytes per file, Discord's limit where nothing is boosted


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
        """Show `job` until its end. A job that is already shown is left alone; with `resumed` its
        end is then delivered again, because it may have another picture now. While the bot stops
        nothing is shown: the next start finds the job."""
        if self._stopping:
            return
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
        """After a restart: resume jobs that were not delivered."""
        for job in jobs:
            try:
                # Only the end of an ended job may have been sent before the restart.
                self.start(job, message_id=job.message_id, resumed=job.ended_at is not None)
            except Exception:  # noqa: BLE001 - the others wait as well
                _log.exception("Job %s can't be shown", job.id)

    async def tell_late(self, job: JobRecord) -> Exception | None:
        """Deliver the end of a kept job. Returns why it could not be delivered, if that may change.

        PlaceUnknownError if the bot stops, TimeoutError if it can't be read now. The delivery
        continues if this is cancelled.
        """
        if self._stopping:
            raise PlaceUnknownError(job.guild_id or 0)
        if job.id not in self._running:
            self.start(job, message_id=job.message_id, resumed=True)
        presenter, task = self._running[job.id]
        await asyncio.wait({task})
        if task.cancelled():
            raise PlaceUnknownError(job.guild_id or 0)
        if presenter.delivered is None:  # the events broke off, or the job was deleted
            raise TimeoutError
        return None if presenter.delivered.sent is not None else presenter.closed

    def enter_sender(self) -> None:
        """Register the outbox's sender for jobs whose place was closed when they ended: it delivers
        them once the place opens. The pictures are in /history meanwhile."""
        self._bot.services.outbox.senders[Kind.JOB_END] = self._send_late

    async def _send_late(self, item: OutboxItem) -> None:
        job = await self._bot.services.jobs.job(item.key)
        # A missing job was deleted; one in another state was delivered or is being delivered.
        if job is None or job.delivery != "kept" or await self._place_is_gone(job):
            return
        refusal = await self.tell_late(job)
        if refusal is not None:
            raise refusal

    async def _place_is_gone(self, job: JobRecord) -> bool:
        """Raises PlaceUnknownError if the server is not known now."""
        if job.private or job.guild_id is None:
            return False
        return await channel_of(self._bot, job.guild_id, job.channel_id) is None

    async def ended(self, job_id: str) -> None:
        """Wait until a deleted job is no longer shown."""
        while job_id in self._running:
            _, task = self._running[job_id]
            await asyncio.wait({task})
            await asyncio.sleep(0)  # it is removed in a callback of its own

    async def stop(self) -> None:
        """Give running deliveries a moment, then stop. The rest resumes at the next start."""
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
                await asyncio.sleep(ENTER_AGAIN_S)
        if job is not None and job.ended_at is not None:
            self.start(job, message_id=job.message_id, resumed=True)
