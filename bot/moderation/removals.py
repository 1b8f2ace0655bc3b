"""Messages of ours that are to go from Discord: asked for with what is deleted, done by a cog."""

import asyncio
from typing import Final

from aiosqlite import Connection

from bot.clock import Clock
from data import message_removals
from data.database import Database

AT_ONCE: Final = 50


class Removals:
    """What waits to be removed. `fresh` is set whenever there may be something."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.fresh = asyncio.Event()

    async def ask_in(self, connection: Connection, *, channel_id: int, message_id: int) -> None:
        """Have a message removed once the open transaction is committed."""
        await message_removals.ask(
            connection, channel_id=channel_id, message_id=message_id, now=self._clock.time()
        )
        self.fresh.set()  # before the commit: whoever waits looks again a moment later

    async def waiting(self) -> list[tuple[int, int]]:
        """(channel, message), the oldest first; not more than can be done soon."""
        async with self._database.reader() as connection:
            return await message_removals.waiting(connection, limit=AT_ONCE)

    async def done(self, *, channel_id: int, message_id: int) -> None:
        """The message is gone, or nothing of ours can remove it."""
        async with self._database.transaction() as connection:
            await message_removals.done(connection, channel_id=channel_id, message_id=message_id)
