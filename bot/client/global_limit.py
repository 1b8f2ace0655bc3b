"""Keeps a cancelled request from blocking all others after a global rate limit.

discord.py 2.7 clears its event `_global_over` when Discord answers with a global rate limit, and
sets it at the end of its own wait. A task that is cancelled in between (a progress update, an
attempt that took too long) never sets it, and every later request of the bot would wait forever.
"""

import asyncio
from typing import Any, Final

from discord.http import HTTPClient, Route

OPEN_AFTER_S: Final = 1.0
"""Wait, then set the event. If the limit still applies, the next response clears it again."""


def guard(http: HTTPClient) -> None:
    """Set the event again whenever a request is cancelled while it is cleared."""
    request = http.request

    async def guarded(route: Route, **options: Any) -> Any:
        try:
            return await request(route, **options)
        except asyncio.CancelledError:
            gate = http._global_over  # pyright: ignore[reportPrivateUsage] - nothing else sets it
            if not gate.is_set():
                asyncio.get_running_loop().call_later(OPEN_AFTER_S, gate.set)
            raise

    http.request = guarded
