"""The page's server in its own thread, with the world saved to a folder while it runs.

In a thread, so that the page answers while the bot is imported and loads its tags, and so that
saving the world delays neither.
"""

import asyncio
import logging
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Self

from bot.playground.page.page import Page
from bot.playground.simulator.feed import FeedEvent
from bot.playground.simulator.state import save_world

_log = logging.getLogger(__name__)

SAVE_EVERY_S: Final = 2.0


class Serving:
    """`with Serving(page, folder):` serves until the block ends, then saves the world again.

    Raises OSError if the address can't be bound.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="playground")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._changed = False

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            if self._ready.done():
                _log.exception("The playground's page stopped")
            else:
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.page.feed.listen(self._note)
        async with self.page:
            self._ready.set_result(None)
            keeping = asyncio.create_task(self._keep())
            await self._stop.wait()
            keeping.cancel()
        self._save()

    def _note(self, event: FeedEvent) -> None:
        self._changed = self._changed or event.kind.startswith("message_")

    async def _keep(self) -> None:
        """Save changes, so that a power cut loses only seconds."""
        commands = -1
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._changed or commands != len(self.page.world.commands):
                self._changed, commands = False, len(self.page.world.commands)
                self._save()

    def _save(self) -> None:
        try:
            save_world(self.page.world, self.folder)
        except OSError:
            _log.exception("The playground's messages could not be kept")
