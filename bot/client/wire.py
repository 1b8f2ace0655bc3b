"""Tells whether a request is on its way to Discord or only waits for a rate limit. A request on its
way may still arrive, so nothing that must follow it may be sent yet.

discord.py waits for rate limits inside its requests; aiohttp reports when one really runs.
"""

import asyncio
from contextvars import ContextVar

import aiohttp

_current: ContextVar["Wire | None"] = ContextVar("wire", default=None)


class Wire:
    """The requests of one task and of the tasks it starts. `take` it in that task's context."""

    def __init__(self) -> None:
        self.idle = asyncio.Event()
        self.idle.set()

    def take(self) -> None:
        """Watch the requests of this context."""
        _current.set(self)


def tracing() -> aiohttp.TraceConfig:
    """Reports requests to their `Wire`; for discord.py's `http_trace`."""
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_begins)
    trace.on_request_end.append(_ended)
    trace.on_request_exception.append(_ended)
    return trace


async def _begins(*_: object) -> None:
    wire = _current.get()
    if wire is not None:
        wire.idle.clear()


async def _ended(*_: object) -> None:
    wire = _current.get()
    if wire is not None:
        wire.idle.set()
