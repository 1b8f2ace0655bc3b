"""What happens to every API request: token, rate limits, errors as JSON."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator.errors import ApiError
from bot.playground.simulator.ratelimit import ROUTES, RateLimiter, Verdict

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BEARER = web.RequestKey("loopback_bearer", object)
API = "/api/v10"
_OF_USERS = frozenset({f"{API}/users/@me", f"{API}/users/@me/guilds"})
"""The routes for a person's own token (scopes `identify` and `guilds`)."""
_OPEN = frozenset({f"{API}/gateway", f"{API}/oauth2/token"})
_BY_TOKEN = re.compile(r"/api/v10/(interactions|webhooks)/")


def reply(
    payload: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """JSON with exactly `application/json`: discord.py compares the whole header."""
    body = json.dumps(payload).encode()
    response = web.Response(body=body, status=status, headers=headers)
    response.headers["Content-Type"] = "application/json"
    return response


class Authorizer:
    """The middleware of the API routes. `bearer` returns the person of a token."""

    def __init__(self, *, token: str, bearer: Callable[[str], object | None]) -> None:
        self.token = token
        self.limiter = RateLimiter()
        self._bearer = bearer

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        try:
            if not _BY_TOKEN.match(request.path) and request.path not in _OPEN:
                self._authorize(request)
            return await self.limited(request, handler)
        except ApiError as error:
            return reply(error.body(), status=error.status)
        except web.HTTPNotFound:
            return reply(errors.not_found().body(), status=404)
        except web.HTTPMethodNotAllowed:
            return reply({"message": "405: Method Not Allowed", "code": 0}, status=405)

    async def limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer, unless the rate limit is reached; its headers say how many may follow."""
        verdict = self._count(request)
        if verdict.retry_after_s is not None:
            return too_many(verdict)
        try:
            response = await handler(request)
        except ApiError as error:
            response = reply(error.body(), status=error.status)
        response.headers.update(verdict.headers)
        return response

    def _authorize(self, request: web.Request) -> None:
        """The bot by its token; a person by theirs, where that counts."""
        authorization = request.headers.get("Authorization", "")
        if authorization == f"Bot {self.token}":
            return
        kind, _, token = authorization.partition(" ")
        bearer = self._bearer(token) if kind == "Bearer" else None
        if bearer is None or request.path not in _OF_USERS:
            raise errors.unauthorized()
        request[BEARER] = bearer

    def _count(self, request: web.Request) -> Verdict:
        info = request.match_info
        resource = info.route.resource
        path = resource.canonical.removeprefix(API) if resource else request.path
        route = ROUTES.get((request.method, path), f"{request.method} {path}")
        names = ("channel", "guild", "token")
        major = ":".join(info[name] for name in names if name in info)
        return self.limiter.take(route, major, counts_globally=not _BY_TOKEN.match(request.path))


def too_many(verdict: Verdict) -> web.Response:
    """429. Without `Via` discord.py treats it as a ban by the CDN."""
    wait = verdict.retry_after_s or 0.0
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(wait, 3),
        "global": verdict.is_global,
    }
    headers = {**verdict.headers, "Via": "1.1 loopback", "Retry-After": str(int(wait) + 1)}
    return reply(body, status=429, headers=headers)
