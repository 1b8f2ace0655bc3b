"""Files from Discord, downloaded within bounds: of size, of time, and of how many at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import discord

from bot.jobs.uploads import FORMATS, MAX_UPLOAD_BYTES
from pipeline.errors import InputError

_AT_ONCE: Final = 4  # so at most four times the limit is held in downloads
_BLOCK: Final = 64 * 1024
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".jfif", ".webp")


class Downloads:
    """Downloads of one cog. `at_once` of them run, the others wait."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def fetch(
        self,
        attachment: discord.Attachment,
        *,
        timeout_s: float,
        enough: Callable[[bytes], bool] | None = None,
        limit_bytes: int = MAX_UPLOAD_BYTES,
    ) -> bytes:
        """The file, or its beginning as soon as `enough` says so (asked in a thread).

        InputError: it is no picture or too large by what Discord says (then nothing is downloaded)
        or by what comes, it is gone, or `timeout_s` are over.
        """
        check_announced(attachment, limit_bytes=limit_bytes)
        return await self.fetch_any(
            attachment, timeout_s=timeout_s, enough=enough, limit_bytes=limit_bytes
        )

    async def fetch_any(
        self,
        attachment: discord.Attachment,
        *,
        timeout_s: float,
        enough: Callable[[bytes], bool] | None = None,
        limit_bytes: int,
    ) -> bytes:
        """The same for a file of any kind."""
        if attachment.size > limit_bytes:
            raise _too_large(limit_bytes)
        try:
            async with asyncio.timeout(timeout_s), self._slots, _opened(attachment.url) as blocks:
                return await _read(blocks, enough, limit_bytes)
        except TimeoutError as error:
            raise InputError("download_slow") from error
        except (aiohttp.ClientError, OSError) as error:
            raise InputError("download_failed") from error


def check_announced(attachment: discord.Attachment, *, limit_bytes: int) -> None:
    """InputError where Discord's own words say that it can't be used. Nobody's word is trusted
    further: the file is looked at when it is there."""
    if not attachment.filename.lower().endswith(_PICTURES):
        raise InputError("image_not_supported", formats=", ".join(FORMATS))
    if attachment.size > limit_bytes:
        raise _too_large(limit_bytes)


def _too_large(limit_bytes: int) -> InputError:
    return InputError("file_too_large", limit=limit_bytes // 2**20)


@asynccontextmanager
async def _opened(url: str) -> AsyncGenerator[AsyncIterator[bytes]]:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url, raise_for_status=True, allow_redirects=False) as response,
    ):
        yield response.content.iter_chunked(_BLOCK)


async def _read(
    blocks: AsyncIterator[bytes], enough: Callable[[bytes], bool] | None, limit_bytes: int
) -> bytes:
    got, ask_at = bytearray(), 1
    async for block in blocks:
        got += block
        if len(got) > limit_bytes:
            raise _too_large(limit_bytes)
        if enough is not None and len(got) >= ask_at:
            if await asyncio.to_thread(enough, bytes(got)):
                break
            ask_at = 2 * len(got)  # a long file is not looked through for every block
    return bytes(got)
