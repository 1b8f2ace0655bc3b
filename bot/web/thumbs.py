"""Thumbnails and signed originals for the page, made in threads: two at a time, each once."""

import asyncio
from typing import Final

from data.files.picture_files import PictureFiles
from data.files.thumbnails import Thumbnails

AT_ONCE: Final = 2
MAX_WAITING: Final = 200  # more is an attack, or a page that nobody waits for


class TooBusyError(Exception):
    """Too many thumbnails are being made."""


class ThumbnailMaker:
    """Thumbnails by content hash and width."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        self._room = asyncio.Semaphore(AT_ONCE)
        self._making: dict[tuple[str, int], asyncio.Task[tuple[bytes, bool]]] = {}

    @property
    def signer(self) -> str:
        """Who signs them; "" for nobody."""
        return self._thumbnails.sign.name

    async def get(self, content_hash: str, width: int) -> tuple[bytes, bool]:
        """The thumbnail, and whether it may be kept: not one that can't be signed now. Raises
        StorageError `picture_missing`, TooBusyError."""
        found = await asyncio.to_thread(self._thumbnails.read, content_hash, width)
        if found is not None:
            return found, True
        key = (content_hash, width)
        task = self._making.get(key)
        if task is None:
            if len(self._making) >= MAX_WAITING:
                raise TooBusyError
            task = asyncio.create_task(self._make(content_hash, width))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)  # others may wait for it after this one has gone

    async def original(self, content_hash: str) -> tuple[PictureFiles, bool]:
        """The folder that has the picture as it is given out, and whether it may be kept, as `get`.
        StorageError `picture_missing`."""
        if not self.signer:
            return self._thumbnails.pictures, True
        is_there = await asyncio.to_thread(self._thumbnails.has_original, content_hash)
        if not is_there:
            async with self._room:
                is_there = await asyncio.to_thread(self._thumbnails.make_original, content_hash)
        return self._thumbnails.originals if is_there else self._thumbnails.pictures, is_there

    async def _make(self, content_hash: str, width: int) -> tuple[bytes, bool]:
        async with self._room:
            return await asyncio.to_thread(self._thumbnails.make, content_hash, width)
