"""What happens to jobs, told to whoever shows them. The latest event wins: a slow reader misses
superseded ones, never the last. Lives on the event loop."""

import asyncio
from collections.abc import AsyncIterator

from bot.jobs.values import CancelledEvent, Completed, Failed, JobEvent

TERMINAL = (Completed, Failed, CancelledEvent)


class _Channel:
    """The latest event of one job and a way to wait for the next."""

    def __init__(self) -> None:
        self.event: JobEvent | None = None
        self.version = 0
        self.changed = asyncio.Event()


class Hub:
    """One channel a live job."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def open(self, job_id: str, event: JobEvent) -> None:
        """Begin the channel of a job with its current state."""
        self._channels[job_id] = _Channel()
        self.publish(job_id, event)

    def publish(self, job_id: str, event: JobEvent) -> None:
        """Tell `event`; a terminal one closes the channel. Unknown jobs are ignored: they ended."""
        channel = self._channels.get(job_id)
        if channel is None:
            return
        channel.event = event
        channel.version += 1
        channel.changed.set()
        channel.changed = asyncio.Event()
        if isinstance(event, TERMINAL):
            del self._channels[job_id]

    def latest(self, job_id: str) -> JobEvent | None:
        """The last event of a live job."""
        channel = self._channels.get(job_id)
        return None if channel is None else channel.event

    async def stream(self, job_id: str) -> AsyncIterator[JobEvent]:
        """Events of a live job from the current one to the terminal one; nothing if not live."""
        channel = self._channels.get(job_id)
        if channel is None:
            return
        seen = 0
        while True:
            changed = channel.changed
            if channel.version == seen:
                await changed.wait()
                continue
            seen, event = channel.version, channel.event
            assert event is not None
            yield event
            if isinstance(event, TERMINAL):
                return
