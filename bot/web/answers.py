"""Headers of every answer: what a browser may do with it, and how long it may keep it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, Literal

from aiohttp import web

from data.files.picture_files import PictureFiles
from pipeline.errors import StorageError

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Server": "Ekaki",  # naming versions only helps attackers
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Keeping = Literal["page", "public", "private", "for_ever", "never"]
_KEEPING: Final[dict[Keeping, str]] = {
    # Revalidated each time, which is cheap (304): what a moderator removed disappears immediately.
    "page": "private, no-cache",
    "public": "public, max-age=60, must-revalidate",
    "private": "private, no-cache",
    "for_ever": "public, max-age=31536000, immutable",
    "never": "no-store",
}


SEND_S: Final = 120.0  # per answer, or per piece of one: a picture at 20 kB/s


async def send(request: web.Request, response: web.StreamResponse, piece: bytes = b"") -> bool:
    """Send `response`, or a `piece` of a streamed one. Returns whether that worked.

    Clients that read too slowly are disconnected, because aiohttp would wait forever. So are
    clients whose file is deleted meanwhile.
    """
    with suppress(ConnectionError):  # they have disconnected; aiohttp notices as well
        try:
            async with asyncio.timeout(SEND_S):
                await response.prepare(request)
                await (response.write(piece) if piece else response.write_eof())
        except (TimeoutError, StorageError):
            if request.transport is not None:
                request.transport.abort()
        else:
            return True
    return False


PIECE: Final = 128 * 1024  # bytes in memory per client that reads a large file


class Pieces:
    """A stored picture of `size` bytes, read from the disk as it is sent: 6 MB for each of hundreds
    of slow clients would use up the memory."""

    def __init__(self, files: PictureFiles, content_hash: str, size: int) -> None:
        self.size = size
        self._files = files
        self._content_hash = content_hash

    @classmethod
    async def of(cls, files: PictureFiles, content_hash: str) -> "Pieces":
        """StorageError `picture_missing`."""
        return cls(files, content_hash, await asyncio.to_thread(files.size, content_hash))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for offset in range(0, self.size, PIECE):
            yield await asyncio.to_thread(self._files.read_piece, self._content_hash, offset, PIECE)


def etag_of(*parts: str | bytes) -> str:
    """A strong ETag of `parts`."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return f'"{digest.hexdigest()[:32]}"'


def known(request: web.Request, etag: str) -> bool:
    """Whether the browser has exactly this version."""
    wanted = request.headers.get("If-None-Match", "")
    return etag in {part.strip().removeprefix("W/") for part in wanted.split(",")}


def answer(
    request: web.Request,
    body: bytes | Pieces,
    *,
    kind: str,
    keeping: Keeping,
    etag: str = "",
    status: int = 200,
) -> web.Response:
    """`body`, or 304 if the browser has it. `etag`: computed from the body if not given."""
    if not etag and isinstance(body, bytes):
        etag = etag_of(body)
    headers = {"ETag": etag, "Cache-Control": _KEEPING[keeping]}
    if keeping in {"page", "private"}:
        headers["Vary"] = "Cookie, Accept-Language"
    if status == 200 and known(request, etag):
        return web.Response(status=304, headers=headers)
    if isinstance(body, Pieces):
        headers["Content-Length"] = str(body.size)
    charset = "utf-8" if kind.startswith("text/") or kind == "image/svg+xml" else None
    return web.Response(
        body=body, status=status, content_type=kind, charset=charset, headers=headers
    )
