"""How fast shards may identify."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

EVERY_S: Final = 5.25
"""Discord lets `max_concurrency` shards identify in 5 s, and answers earlier ones with an invalid
session; the rest is for the way there. Source: Gateway, "Rate Limiting Identifies"."""


class Turns:
    """Shards with the same rate limit key (id modulo `max_concurrency`) identify one after another,
    in the order in which they asked; others do not wait for them."""

    def __init__(self, max_concurrency: int) -> None:
        self._keys = [asyncio.Semaphore() for _ in range(max_concurrency)]

    @asynccontextmanager
    async def of(self, shard_id: int) -> AsyncGenerator[None]:
        """Wait for the turn of a shard, which then identifies inside the block."""
        key = self._keys[shard_id % len(self._keys)]
        await key.acquire()
        try:
            yield
        finally:
            asyncio.get_running_loop().call_later(EVERY_S, key.release)
