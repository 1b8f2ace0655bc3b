"""What discord.py knows of servers and channels, where several shards tell it."""

import asyncio
from typing import Any

from bot.common.languages import ListeningState


class ShardedState(ListeningState):
    """Forgets what a new session of a shard no longer has, as discord.py does without shards, and
    lets a session of one shard begin while others still do."""

    def parse_ready(self, data: Any) -> None:
        """The servers that READY lists are not known yet; others of the shard were left."""
        shard_id, listed = data["shard"][0], {int(guild["id"]) for guild in data["guilds"]}
        for guild in self.guilds:
            if guild.shard_id == shard_id and guild.id not in listed:
                self._remove_guild(guild)
        super().parse_ready(data)

    async def _delay_ready(self) -> None:
        # A READY cancels this task, and `gather`, with which discord.py waits, would cancel the
        # tasks of all shards: those would never be ready, nor any server announced that they join.
        if self._ready_tasks:
            await asyncio.wait(self._ready_tasks.values())
        await super()._delay_ready()
