"""Reads init pictures while earlier pictures are drawn."""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial

from PIL.Image import Image

from bot.common.work_thread import in_a_thread
from bot.jobs.keep.files import KeptFiles

_log = logging.getLogger(__name__)


class InitImages:
    """Keeps what was read ahead while it is expected to be needed. Used on the event loop."""

    def __init__(self, files: KeptFiles) -> None:
        self._files = files
        self._ahead: dict[str, asyncio.Task[Image | None]] = {}

    def foresee(self, content_hashes: Iterable[str]) -> None:
        """Read these in the background ("" is skipped), and forget all others."""
        wanted = set(content_hashes) - {""}
        for content_hash in self._ahead.keys() - wanted:
            del self._ahead[content_hash]  # what still reads it ends by itself
        for content_hash in wanted - self._ahead.keys():
            self._ahead[content_hash] = asyncio.create_task(self._read_ahead(content_hash))

    async def get(self, content_hash: str) -> Image | None:
        """The picture, read now if it was not read ahead; None for "".

        Others may also hold it: don't change it. StorageError `init_picture_missing`.
        """
        if not content_hash:
            return None
        ahead = self._ahead.get(content_hash)
        image = None if ahead is None else await ahead
        return await self._read(content_hash) if image is None else image

    async def _read(self, content_hash: str) -> Image:
        return await in_a_thread(partial(self._files.image, content_hash))

    async def _read_ahead(self, content_hash: str) -> Image | None:
        """None if it can't be read: the caller that needs it tries again and gets the error."""
        try:
            return await self._read(content_hash)
        except Exception as error:  # noqa: BLE001 - see above
            _log.info("A picture to begin from could not be read ahead: %s", error)
            return None
