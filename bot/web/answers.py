"""Headers of every answer: what a browser may do with it, and how long it may keep it."""

import asyncio
import hashlib
from contextlib import suppress
from typing import Final, Literal

from aiohttp import web

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Server": "Ekaki",  # of which version, and of what else, helps nobody but attackers
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Keeping = Literal["page", "public", "private", "for_ever", "never"]
_KEEPING: Final[dict[Keeping, str]] = {
    # Asked again each time, which costs little (304): what a moderator removed is gone at once.
    "page": "private, no-cache",
    "public": "public, max-age=60, must-revalidate",
    "private": "private, no-cache",
    "for_ever": "public, max-age=31536000, immutable",
    "never": "no-store",
}


SEND_S: Final = 120.0  # for an answer, or a piece of one: a picture at 20 kB/s


async def send(request: web.Request, response: web.StreamResponse, piece: bytes = b"") -> bool:
    """Send all of `response`, or a `piece` of one that is sent in pieces; whether that worked.

    Who reads too slowly is cut off: aiohttp itself would wait for ever.
    """
    with suppress(ConnectionError):  # they have gone; aiohttp finds out as well
        try:
            async with asyncio.timeout(SEND_S):
                await response.prepare(request)
                await (response.write(piece) if piece else response.write_eof())
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        else:
            return True
    return False


def etag_of(*parts: str | bytes) -> str:
    """A strong ETag of what the parts say."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return f'"{digest.hexdigest()[:32]}"'


def known(request: web.Request, etag: str) -> bool:
    """Whether the browser has exactly this."""
    wanted = request.headers.get("If-None-Match", "")
    return etag in {part.strip().removeprefix("W/") for part in wanted.split(",")}


def answer(
    request: web.Request,
    body: bytes,
    *,
    kind: str,
    keeping: Keeping,
    etag: str | None = None,
    status: int = 200,
) -> web.Response:
    """`body`, or 304 where the browser has it. `etag`: of the body where not given."""
    etag = etag or etag_of(body)
    headers = {"ETag": etag, "Cache-Control": _KEEPING[keeping]}
    if keeping in {"page", "private"}:
        headers["Vary"] = "Cookie, Accept-Language"
    if status == 200 and known(request, etag):
        return web.Response(status=304, headers=headers)
    charset = "utf-8" if kind.startswith("text/") or kind == "image/svg+xml" else None
    return web.Response(
        body=body, status=status, content_type=kind, charset=charset, headers=headers
    )
