"""For how long tests wait for what should come. It only ends what hangs: a machine may be as busy
as it likes, so no test is about how long something takes."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

PATIENCE_S = 120.0
PATIENCE_MS = PATIENCE_S * 1000


async def until(found: Callable[[], Any]) -> Any:
    """The result of `found()`, awaited if needed, once it is true."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            value = found()
            if isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(_pause_s(began))


def until_in_thread(found: Callable[[], Any]) -> Any:
    """`until` where there is no event loop."""
    began = time.monotonic()
    while not (value := found()):
        assert time.monotonic() - began < PATIENCE_S, "it did not come"
        time.sleep(_pause_s(began))
    return value


def _pause_s(began: float) -> float:
    """Longer, the longer it has taken: to look takes time from what is waited for."""
    return min(0.1, max(0.005, (time.monotonic() - began) / 10))
