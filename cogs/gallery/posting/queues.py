"""The gallery's work, done in the order of arrival, per server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
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
        self._waiting: dict[int, list[Step]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def put(self, guild_id: int, step: Step) -> None:
        """Run `step` after everything that this server queued before."""
        self._waiting.setdefault(guild_id, []).append(step)
        if guild_id not in self._tasks:
            self._tasks[guild_id] = asyncio.create_task(
                self._work(guild_id), name=f"gallery events of {guild_id}"
            )

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
            while waiting:
                await patiently(waiting.pop(0))
        finally:
            del self._tasks[guild_id], self._waiting[guild_id]


async def patiently(step: Step) -> None:
    """Run `step`, and repeat it after temporary problems. Other exceptions are only logged."""
    for _ in range(_TRIES):
        try:
            await step()
        except PlaceUnknownError:  # everything is read again when the server is known
            _log.info("The gallery leaves out an event of a server that is not known now")
            return
        except (StorageError, *UNREACHABLE) as error:
            if isinstance(error, discord.HTTPException) and error.status < 500:
                _log.info("The gallery leaves out what Discord refuses: %s", error)
                return
            _log.warning("The gallery tries again: %s", error)
            await asyncio.sleep(_AGAIN_S)
        except Exception:  # noqa: BLE001 - one event must not end the queue
            _log.exception("The gallery can't take an event")
            return
        else:
            return
