"""Keeps a cancelled request from closing discord.py's gate for the global rate limit permanently.

discord.py 2.7 closes the gate when Discord answers with a global rate limit, and opens it at the
end of its own wait. A task that is cancelled in between (a progress update, an attempt that took
too long) never gets there, and every later request of the bot would wait forever.
"""

import asyncio
from typing import Any, Final

from discord.http import HTTPClient, Route

OPEN_AFTER_S: Final = 1.0
"""Until the gate is opened. Should the limit still hold, the next answer closes it again."""


def guard(http: HTTPClient) -> None:
    """Have the gate opened whenever a request is cancelled while it is closed."""
    request = http.request

    async def guarded(route: Route, **options: Any) -> Any:
        try:
            return await request(route, **options)
        except asyncio.CancelledError:
            gate = http._global_over  # pyright: ignore[reportPrivateUsage] - nothing else opens it
            if not gate.is_set():
                asyncio.get_running_loop().call_later(OPEN_AFTER_S, gate.set)
            raise

    http.request = guarded
