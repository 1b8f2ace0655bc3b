"""Shows a job's progress in its message, until its last event."""

import asyncio
import logging
from contextvars import copy_context

from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from bot.client.client import EkakiBot
from bot.client.wire import Wire
from bot.jobs.values import JobEvent, Progress, Queued, Terminal
from cogs.common.pictures import preview_jpeg
from cogs.drawing import render
from cogs.drawing.delivery import Delivery
from data.jobs.jobs import JobRecord

_log = logging.getLogger(__name__)

_ON_ITS_WAY_S = 10.0  # timeout of a request to Discord


class Follower:
    """Follows one job. `shown` is what its message already shows."""

    def __init__(
        self, bot: EkakiBot, job: JobRecord, delivery: Delivery, *, shown: JobEvent | None
    ) -> None:
        self._services = bot.services
        self._job = job
        self._delivery = delivery
        self._shown = shown

    async def follow(self) -> Terminal | None:
        """Show progress, at most once per interval, to the last event. None: it was deleted."""
        mailbox = await self._services.jobs.watch(self._job.id)
        if mailbox is None:
            return None
        event, interval_s = None, self._services.settings.progress_interval_s
        while True:
            event = await mailbox.newer(event)
            if isinstance(event, Terminal):
                return event
            if event != self._shown:
                self._shown = event
                await self._update(event, mailbox.over)
                await _wait(mailbox.over, interval_s)

    async def _update(self, event: Queued | Progress, over: asyncio.Event) -> None:
        """Show `event`, unless the end comes, which waits for no rate limit or preview."""
        wire, context = Wire(), copy_context()
        context.run(wire.take)
        # discord.py's adapter queues requests with the same token; the end must not wait.
        context.run(async_context.set, AsyncWebhookAdapter())
        showing = asyncio.create_task(self._show(event), context=context)
        ending = asyncio.create_task(over.wait())
        try:
            await asyncio.wait({showing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not showing.done():
                # A request on its way might arrive after the end if that were sent now.
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


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until `event` is set, at most `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
