"""What happens to every API request: log, token, faults, rate limits, errors as JSON."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator.errors import ApiError
from bot.playground.simulator.faults import Fault, Faults
from bot.playground.simulator.ratelimit import ROUTES, RateLimiter, Verdict
from bot.playground.simulator.requestlog import Entry, RequestLog

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ENTRY = web.RequestKey("loopback_entry", Entry)
BEARER = web.RequestKey("loopback_bearer", object)
API = "/api/v10"
_OF_USERS = frozenset({f"{API}/users/@me", f"{API}/users/@me/guilds"})
"""What a person's own token opens (scopes `identify` and `guilds`)."""
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


class Gatekeeper:
    """The middleware of the API routes."""

    def __init__(
        self, *, token: str, log: RequestLog, faults: Faults, now: Callable[[], float]
    ) -> None:
        self.token = token
        self.log = log
        self.faults = faults
        self.limiter = RateLimiter()
        self.bearer: Callable[[str], object | None] = lambda _token: None
        self._now = now

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/cdn/"):
            return await self._file(request, handler)
        if not request.path.startswith("/api/"):
            return await handler(request)
        entry = Entry(at=self._now(), method=request.method, path=request.path)
        request[ENTRY] = entry
        self.log.entries.append(entry)
        began = time.monotonic()
        try:
            response = await self._pass(request, handler, entry)
        except ApiError as error:
            response = reply(error.body(), status=error.status)
        except web.HTTPNotFound:
            response = reply(errors.not_found().body(), status=404)
        except web.HTTPMethodNotAllowed:
            response = reply({"message": "405: Method Not Allowed", "code": 0}, status=405)
        entry.status = response.status
        entry.elapsed_s = time.monotonic() - began
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            entry.response = _read(response.body)
        return response

    async def _file(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A file of the content network: no token, no limits, only faults."""
        fault = self.faults.take(
            request.method, request.path, files=request.content_type.startswith("multipart/")
        )
        response = None if fault is None else await self._misbehave(request, fault)
        return await handler(request) if response is None else response

    async def _pass(
        self, request: web.Request, handler: Handler, entry: Entry
    ) -> web.StreamResponse:
        if not _BY_TOKEN.match(request.path) and request.path not in _OPEN:
            self._authorize(request)
        fault = self.faults.take(
            request.method, request.path, files=request.content_type.startswith("multipart/")
        )
        if fault is not None:
            response = await self._misbehave(request, fault)
            if response is not None:
                return response
        verdict = self._count(request)
        if verdict.retry_after_s is not None:
            return too_many(verdict)
        try:
            response = await handler(request)
        except ApiError as error:
            response = reply(error.body(), status=error.status)
        response.headers.update(verdict.headers)
        if fault is not None and fault.cut == "after":
            entry.status = response.status
            _cut(request)
        if fault is not None and fault.garble is not None:
            response = web.Response(text=fault.garble)
            response.headers["Content-Type"] = fault.garble_type
        return response

    def _authorize(self, request: web.Request) -> None:
        """The bot by its token; a person by theirs, where that counts."""
        authorization = request.headers.get("Authorization", "")
        if authorization == f"Bot {self.token}":
            return
        kind, _, token = authorization.partition(" ")
        bearer = self.bearer(token) if kind == "Bearer" else None
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

    async def _misbehave(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.until is not None:
            await fault.until.wait()
        if fault.cut == "before":
            await request.read()
            _cut(request)
        if fault.status == 429:
            return too_many(
                Verdict(headers={}, retry_after_s=fault.retry_after_s, is_global=fault.is_global)
            )
        if fault.status is not None:
            body = {"code": fault.code, "message": fault.message}
            return reply(body, status=fault.status)
        return None


def too_many(verdict: Verdict) -> web.Response:
    """429. Without `Via` discord.py takes it for a ban by the content network."""
    wait = verdict.retry_after_s or 0.0
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(wait, 3),
        "global": verdict.is_global,
    }
    headers = {**verdict.headers, "Via": "1.1 loopback", "Retry-After": str(int(wait) + 1)}
    return reply(body, status=429, headers=headers)


def _read(body: bytes) -> Any:
    """JSON, or the text that a fault put in its place."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _cut(request: web.Request) -> None:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("the loopback cut this connection on order")
