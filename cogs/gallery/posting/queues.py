"""The gallery's work per server: events in the order of arrival, rereading when there are none."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import discord

from cogs.common.errors import UNREACHABLE
from cogs.common.known import PlaceUnknownError
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

Step: TypeAlias = Callable[[], Awaitable[None]]
_TRIES: Final = 30
_AGAIN_S: Final = 1.0  # a locked database or a problem of Discord's passes


class GuildQueues:
    """A queue for each server, with a task while it is not empty: servers don't wait."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def put(self, guild_id: int, step: Step) -> None:
        """Run `step`, an event, after all events that this server queued before."""
        waiting = self._started(guild_id)
        waiting.events.append(step)
        waiting.arrived.set()

    def put_later(self, guild_id: int, step: Step) -> None:
        """Run `step`, which reads Discord again, when no event waits. After a restart there may be
        hundreds of those, at about one request per second."""
        self._started(guild_id).rereads.append((step, 1))

    def _started(self, guild_id: int) -> "_Waiting":
        waiting = self._waiting.setdefault(guild_id, _Waiting())
        if guild_id not in self._tasks:
            self._tasks[guild_id] = asyncio.create_task(
                self._work(guild_id), name=f"gallery events of {guild_id}"
            )
        return waiting

    async def settled(self) -> None:
        """Wait until everything queued so far is done."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def stop(self) -> None:
        """Stop. Discord is read again at the next start."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, guild_id: int) -> None:
        waiting = self._waiting[guild_id]
        try:
            while waiting.events or waiting.rereads:
                waiting.arrived.clear()
                if waiting.events:
                    await patiently(waiting.events.pop(0))
                    continue
                step, tries = waiting.rereads.pop(0)
                if not await _done(step) and tries < _TRIES:
                    waiting.rereads.append((step, tries + 1))
                    await waiting.pause()
        finally:
            del self._tasks[guild_id], self._waiting[guild_id]


@dataclass(slots=True)
class _Waiting:
    """What a server queued. `rereads` have the number of their next try."""

    events: list[Step] = field(default_factory=list[Step])
    rereads: list[tuple[Step, int]] = field(default_factory=list[tuple[Step, int]])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self) -> None:
        """Wait before the next try, or until an event arrives."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                await self.arrived.wait()


async def patiently(step: Step) -> None:
    """Run `step`, and repeat it after temporary problems. Other exceptions are only logged."""
    for _ in range(_TRIES):
        if await _done(step):
            return
        await asyncio.sleep(_AGAIN_S)


async def _done(step: Step) -> bool:
    """Run `step` once. False: it should be tried again."""
    try:
        await step()
    except PlaceUnknownError:  # everything is read again when the server is known
        _log.info("The gallery leaves out an event of a server that is not known now")
    except (StorageError, *UNREACHABLE) as error:
        if not isinstance(error, discord.HTTPException) or error.status >= 500:
            _log.warning("The gallery tries again: %s", error)
            return False
        _log.info("The gallery leaves out what Discord refuses: %s", error)
    except Exception:  # noqa: BLE001 - one event must not end the queue
        _log.exception("The gallery can't take an event")
    return True
