"""Downloads files from Discord, with limits on size, time and number at once."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import discord

from bot.jobs.keep.uploads import FORMATS, MAX_UPLOAD_BYTES
from pipeline.errors import InputError

_AT_ONCE: Final = 4  # so downloads hold at most four times the limit
_BLOCK: Final = 64 * 1024
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".jfif", ".webp")
_MAX_FILES: Final = 10  # per message; Discord's own limit is the same
_DISCORD: Final = frozenset(
    {"media.discordapp.net", "images-ext-1.discordapp.net", "images-ext-2.discordapp.net"}
)


_ADDRESS = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)


class RemoteFile(Protocol):
    """What a download needs to know, as `discord.Attachment` does."""

    @property
    def filename(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A picture of an embed; Discord does not say how large it is."""

    filename: str
    url: str
    size: int = 0


def attachments_of(message: discord.Message) -> list[discord.Attachment]:
    """The files of a message, and of the one that it forwards."""
    forwarded = (each for part in message.message_snapshots for each in part.attachments)
    return [*message.attachments, *forwarded]


def pictures_of(message: discord.Message) -> list[RemoteFile]:
    """The PNG files of a message, of its embeds and of what it forwards, each once."""
    embeds = [*message.embeds, *(e for part in message.message_snapshots for e in part.embeds)]
    files: list[RemoteFile] = [*attachments_of(message), *_embedded(embeds)]
    pngs = {file.url.partition("?")[0]: file for file in reversed(files) if _is_png(file)}
    return list(reversed(pngs.values()))[:_MAX_FILES]


def shown_files(message: discord.Message) -> list[RemoteFile]:
    """The pictures of any kind of a message, of its embeds and of what it forwards: those that can
    be read first, then other files, so that an error can say why."""
    embeds = [*message.embeds, *(e for part in message.message_snapshots for e in part.embeds)]
    files: list[RemoteFile] = [*attachments_of(message), *_embedded(embeds)]
    return sorted(files, key=lambda file: not file.filename.lower().endswith(_PICTURES))


def _is_png(file: RemoteFile) -> bool:
    return file.filename.lower().endswith(".png")


def _embedded(embeds: list[discord.Embed]) -> Iterator[EmbeddedFile]:
    """Pictures on Discord's servers: the bot never requests other addresses."""
    ours = _DISCORD | {urlsplit(discord.Asset.BASE).hostname}
    for embed in embeds:
        for picture in (embed.image, embed.thumbnail):
            for url in (picture.url, picture.proxy_url):
                if url and _host(url) in ours:
                    yield EmbeddedFile(urlsplit(url).path.rpartition("/")[2], url)
                    break


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def linked_file(typed: str) -> EmbeddedFile | None:
    """The file that a typed link leads to; None if it is no link. InputError `link_elsewhere` if it
    is not on Discord's servers."""
    found = _ADDRESS.search(typed)
    if found is None:
        return None
    url = found[0]
    on_discord = url.startswith((discord.Asset.BASE, *(f"https://{host}/" for host in _DISCORD)))
    if not on_discord:
        raise InputError("link_elsewhere")
    return EmbeddedFile(urlsplit(url).path.rpartition("/")[2], url)


class Downloads:
    """Downloads of one cog. `at_once` of them run, the others wait."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def fetch(
        self,
        attachment: RemoteFile,
        *,
        timeout_s: float,
        enough: Callable[[bytes], bool] | None = None,
        limit_bytes: int = MAX_UPLOAD_BYTES,
    ) -> bytes:
        """The file, or its start as soon as `enough` returns True (called in a thread).

        InputError if it is no picture or too large, by Discord's metadata (then nothing is
        downloaded) or by its content, if it was deleted, or after `timeout_s`.
        """
        check_announced(attachment, limit_bytes=limit_bytes)
        return await self.fetch_any(
            attachment, timeout_s=timeout_s, enough=enough, limit_bytes=limit_bytes
        )

    async def fetch_any(
        self,
        attachment: RemoteFile,
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


def check_announced(attachment: RemoteFile, *, limit_bytes: int) -> None:
    """Raises InputError if Discord's metadata says that it can't be used. The downloaded file is
    checked anyway."""
    if not attachment.filename.lower().endswith(_PICTURES):
        raise InputError("image_not_supported", formats=", ".join(FORMATS))
    if attachment.size > limit_bytes:
        raise _too_large(limit_bytes)


def _too_large(limit_bytes: int) -> InputError:
    return InputError("file_too_large", limit=limit_bytes // 2**20)


@asynccontextmanager
async def _opened(url: str) -> AsyncGenerator[AsyncIterator[bytes]]:
    """The file's bytes, block by block. A server may compress them although it is asked not to;
    aiohttp inflates at most a block ahead, so sizes stay bounded."""
    async with (
        aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as session,
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
            ask_at = 2 * len(got)  # don't scan a long file for every block
    return bytes(got)
