"""Measures how late the event loop runs what is due."""

import asyncio
from typing import Final, NoReturn

from bot.common.observer import Observer

EVERY_S: Final = 0.1
_MOST: Final = 600  # measurements of one delay


async def measure(observer: Observer) -> NoReturn:
    """Report the delay every EVERY_S, also for the times that passed during a longer one: all who
    came then had to wait."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        delay_s = max(0.0, loop.time() - due)
        for missed in range(min(_MOST, int(delay_s / EVERY_S) + 1)):
            observer.loop_delayed(delay_s - missed * EVERY_S)
