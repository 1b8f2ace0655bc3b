"""Tells whether a request is on its way to Discord or only waits for a rate limit. A request on its
way may still arrive, so nothing that must follow it may be sent yet.

discord.py waits for rate limits inside its requests; aiohttp reports when one really runs.
"""

import asyncio
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

from bot.client.traffic import Traffic

_current: ContextVar["Wire | None"] = ContextVar("wire", default=None)


class Wire:
    """The requests of one task and of the tasks it starts. `take` it in that task's context."""

    def __init__(self) -> None:
        self.idle = asyncio.Event()
        self.idle.set()

    def take(self) -> None:
        """Watch the requests of this context."""
        _current.set(self)


def tracing(traffic: Traffic) -> aiohttp.TraceConfig:
    """Reports requests to their `Wire` and to `traffic`; for discord.py's `http_trace`."""

    async def begins(_: aiohttp.ClientSession, about: SimpleNamespace, __: object) -> None:
        about.began = traffic.now()
        wire = _current.get()
        if wire is not None:
            wire.idle.clear()

    async def ended(
        _: aiohttp.ClientSession,
        about: SimpleNamespace,
        ended: aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams,
    ) -> None:
        wire = _current.get()
        if wire is not None:
            wire.idle.set()
        response = ended.response if isinstance(ended, aiohttp.TraceRequestEndParams) else None
        traffic.responded(
            method=ended.method,
            path=ended.url.path,
            status=None if response is None else response.status,
            headers={} if response is None else response.headers,
            began=about.began,
        )

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begins)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(ended)
    return trace
