"""Events of a job, for the code that shows it. A new event replaces the previous one: a slow reader
misses superseded events, but never the last."""

import asyncio

from bot.jobs.values import JobEvent, Terminal


class Mailbox:
    """The latest event of one job. No event follows a terminal one, which sets `over`. Any number
    of readers. Used only on the event loop."""

    def __init__(self, event: JobEvent) -> None:
        self.event = event
        self.over = asyncio.Event()
        self._changed = asyncio.Event()
        if isinstance(event, Terminal):
            self.over.set()

    def put(self, event: JobEvent) -> None:
        """Publish `event` to the readers, unless it equals the previous one."""
        if self.over.is_set() or event == self.event:
            return
        self.event = event
        if isinstance(event, Terminal):
            self.over.set()
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer(self, seen: JobEvent | None) -> JobEvent:
        """Wait for an event other than `seen`. Don't wait for one after a terminal event."""
        while self.event is seen:
            await self._changed.wait()
        return self.event
