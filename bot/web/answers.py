"""Headers of every answer: what a browser may do with it, and how long it may keep it."""

import hashlib
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
