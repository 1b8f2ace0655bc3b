"""What happens to a job, for whoever shows it. A new event replaces the one before: a slow reader
misses superseded ones, never the last."""

import asyncio

from bot.jobs.values import JobEvent, Terminal


class Mailbox:
    """The latest event of one job; after a terminal one, which sets `over`, comes no other. Any
    number of readers. Lives on the event loop."""

    def __init__(self, event: JobEvent) -> None:
        self.event = event
        self.over = asyncio.Event()
        self._changed = asyncio.Event()
        if isinstance(event, Terminal):
            self.over.set()

    def put(self, event: JobEvent) -> None:
        """Tell `event` to those who wait, unless it is what they know already."""
        if self.over.is_set() or event == self.event:
            return
        self.event = event
        if isinstance(event, Terminal):
            self.over.set()
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer(self, seen: JobEvent | None) -> JobEvent:
        """The latest event, once it is another than `seen`. Don't wait for one that follows a
        terminal event."""
        while self.event is seen:
            await self._changed.wait()
        return self.event
