"""The LoRAs that members can choose, as the running bot sees them.

`python -m bot lora` changes the folder beside a running bot, which looks for changes every few
seconds. What is asked here is in memory; weights are not.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.loras.names import key_of, nearest
from bot.loras.scan import LoraEntry, Scanner

__all__ = ["LoraEntry", "LoraLibrary"]

_log = logging.getLogger(__name__)

REFRESH_S: Final = 5.0
LOOK_S: Final = 2.0
"""A file server that does not answer must not hold up those who wait for a look."""


class LoraLibrary:
    """The library in `folder`, which need not exist. Empty until `refresh` was called. `family`:
    of the layers of the model in use (`pipeline.prepare.lora.linear_layers`), "" if unknown."""

    def __init__(self, folder: Path, *, family: str = "") -> None:
        self.folder = folder
        self._scanner = Scanner(folder, family=family)
        self._entries: tuple[LoraEntry, ...] = ()
        self._by_key: dict[str, LoraEntry] = {}
        self._problem = ""
        self._is_read = False
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._look: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "LoraLibrary":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def entries(self) -> Sequence[LoraEntry]:
        """All LoRAs by name, also those with a problem."""
        return self._entries

    def get(self, name: str) -> LoraEntry | None:
        """The LoRA of that name, in any case."""
        return self._by_key.get(key_of(name))

    @property
    def draft(self) -> LoraEntry | None:
        """The one that drafts are drawn with: the first that says so, preferably one that can be
        used."""
        marked = [entry for entry in self._entries if entry.draft]
        return min(marked, key=lambda entry: bool(entry.problem), default=None)

    def may_return(self, name: str) -> bool:
        """Whether a LoRA of that name, which was there, may be there again: nobody can tell while
        the folder or its files can't be read."""
        entry = self.get(name)
        return not self._is_read or (entry is not None and entry.may_pass)

    def nearest(self, name: str) -> list[str]:
        """At most three names that look like `name`, of LoRAs that can be used."""
        return nearest(name, [entry.name for entry in self._entries if not entry.problem])

    async def refresh(self) -> None:
        """See what changed on disk. If the folder can't be read, what was known stays."""
        async with self._turn:
            try:
                entries = await asyncio.to_thread(self._scanner.scan)
            except OSError as error:
                self._warn(f"The LoRAs in {self.folder} can't be read: {error.strerror or error}")
                self._is_read = False
                return
        self._problem = ""
        self._is_read = self._scanner.is_library
        if entries is not self._entries:
            self._tell(entries)
            self._entries = entries
            self._by_key = {key_of(entry.name): entry for entry in entries}

    async def look(self) -> bool:
        """Refresh before something depends on it; whether that was done within seconds. One that
        hangs goes on, and is joined by the next."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self.refresh(), name="look at loras")
        done, _ = await asyncio.wait({self._look}, timeout=LOOK_S)
        for task in done:
            task.result()
        return bool(done)

    async def start(self) -> None:
        """Read the folder, and look for changes until `stop`."""
        await self.refresh()
        self._task = asyncio.create_task(self._refresh_often(), name="loras")

    async def stop(self) -> None:
        """End."""
        tasks = [task for task in (self._task, self._look) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = self._look = None

    async def _refresh_often(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001 - an unforeseen error must not end the task
                _log.exception("The LoRAs can't be read now; tried again")

    def _tell(self, entries: Sequence[LoraEntry]) -> None:
        """Log each new problem once."""
        known = {(entry.name, entry.problem) for entry in self._entries}
        for entry in entries:
            if entry.problem and (entry.name, entry.problem) not in known:
                _log.warning("The LoRA %r can't be used: %s", entry.name, entry.problem)

    def _warn(self, problem: str) -> None:
        if problem != self._problem:
            _log.warning("%s", problem)
        self._problem = problem
