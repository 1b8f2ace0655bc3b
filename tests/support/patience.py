"""For how long tests wait for what should come. It only ends what hangs: a machine may be as busy
as it likes, so no test is about how long something takes."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

PATIENCE_S = 120.0
PATIENCE_MS = PATIENCE_S * 1000


async def until(found: Callable[[], Any]) -> Any:
    """The result of `found()`, awaited if needed, once it is true."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            value = found()
            if isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.005)
