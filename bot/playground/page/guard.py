"""The guard of the page: who may connect, and the headers of its answers."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.playground.simulator.origins import is_allowed

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def guard(bound: str) -> Middleware:
    """A middleware before every route of a server bound to the address `bound`."""

    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_allowed(request.host, request.headers.get("Origin"), bound=bound):
            return web.Response(status=403, text="Only from the playground's own page.")
        response = await handler(request)
        if not response.prepared and not request.path.startswith("/api/"):
            response.headers.update(PAGE_HEADERS)
        return response

    return keep
