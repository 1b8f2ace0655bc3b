"""The loopback Discord with what tests look at and what they order: requests, faults, changes."""

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from bot.playground.simulator.bodies import BODY
from bot.playground.simulator.middleware import Authorizer, Handler, reply, too_many
from bot.playground.simulator.ratelimit import Verdict
from bot.playground.simulator.server import Loopback as PlaygroundLoopback
from bot.playground.simulator.sharding import Sharding
from tests.support.changes import Changes
from tests.support.faults import Fault, Faults
from tests.support.requestlog import Entry, RequestLog

ENTRY = web.RequestKey("loopback_entry", Entry)


class Loopback(PlaygroundLoopback):
    """`log` has every request, `faults` what happens to the next ones, `changes` what a server's
    administrators do. `unreachable`: the gateway refuses new connections. A bot may identify again
    at once, as tests restart it so, unless `sharding` says otherwise."""

    unreachable = False

    def __init__(self, **options: Any) -> None:
        options.setdefault("sharding", Sharding(identify_every_s=0.0))
        super().__init__(**options)
        self.log = RequestLog()
        self.faults = Faults()
        self.changes = Changes(self.posting)
        self.authorizer = _Watching(self)


class _Watching(Authorizer):
    """Notes each request and does to it what was ordered."""

    def __init__(self, loopback: Loopback) -> None:
        super().__init__(token=loopback.token, bearer=loopback.oauth.bearer)
        self._loopback = loopback

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/cdn/"):
            return await self._file(request, handler)
        if request.path.startswith("/gateway") and self._loopback.unreachable:
            return web.Response(status=503)
        if not request.path.startswith("/api/"):
            return await handler(request)
        now = self._loopback.world.time()
        entry = request[ENTRY] = Entry(at=now, method=request.method, path=request.path)
        self._loopback.log.entries.append(entry)
        began = time.monotonic()
        try:
            response = await super().handle(request, handler)
        finally:
            body = request.get(BODY)
            if body is not None:
                entry.json = body.json
                entry.files = [(file.filename, len(file.data)) for file in body.uploads.values()]
        entry.status = response.status
        entry.elapsed_s = time.monotonic() - began
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            entry.response = _read(response.body)
        return response

    def _fault(self, request: web.Request) -> Fault | None:
        files = request.content_type.startswith("multipart/")
        return self._loopback.faults.take(request.method, request.path, files=files)

    async def _file(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A file of the content network: no token, no limits, only faults."""
        fault = self._fault(request)
        response = None if fault is None else await _misbehave(request, fault)
        return await handler(request) if response is None else response

    async def limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self._fault(request)
        if fault is None:
            return await super().limited(request, handler)
        response = await _misbehave(request, fault)
        if response is not None:
            return response
        response = await super().limited(request, handler)
        if fault.cut == "after":
            request[ENTRY].status = response.status
            _cut(request)
        if fault.garble is not None:
            response = web.Response(text=fault.garble)
            response.headers["Content-Type"] = fault.garble_type
        return response


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    if fault.delay_s:
        await asyncio.sleep(fault.delay_s)
    if fault.until is not None:
        await fault.until.wait()
    if fault.cut == "before":
        await request.read()
        _cut(request)
    if fault.status == 429:
        headers = {"X-RateLimit-Scope": "global" if fault.is_global else "user"}
        return too_many(
            Verdict(headers=headers, retry_after_s=fault.retry_after_s, is_global=fault.is_global)
        )
    if fault.status is not None:
        return reply({"code": fault.code, "message": fault.message}, status=fault.status)
    return None


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
