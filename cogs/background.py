"""A task that works through what waits in the database whenever there may be something new."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bot.client import EkakiBot
from cogs.errors import UNREACHABLE
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

SETTLE_S: Final = 0.5
"""From the word that there is something to the look: until the transaction is committed, and so
that things which come together are done together."""
_LOOK_AGAIN_S: Final = 60.0


class Background:
    """Calls `work` at the start, whenever `fresh` is set, and once a minute."""

    def __init__(
        self, bot: EkakiBot, *, name: str, fresh: asyncio.Event, work: Callable[[], Awaitable[None]]
    ) -> None:
        self._bot = bot
        self._name = name
        self._fresh = fresh
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        await self._bot.wait_until_ready()
        while True:
            self._fresh.clear()
            try:
                await self._work()
            except (StorageError, *UNREACHABLE) as error:  # what is left is done the next time
                _log.warning("%s: %s", self._name, error)
            except Exception:  # noqa: BLE001 - a fault in one entry must not end the work
                _log.exception("%s", self._name)
            try:
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await self._fresh.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(SETTLE_S)
