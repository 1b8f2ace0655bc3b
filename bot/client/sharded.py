"""discord.py's sharded bot, whose shards connect on their own."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, cast

import aiohttp
import discord
from discord.backoff import ExponentialBackoff
from discord.ext import commands
from discord.shard import EventItem, Shard
from yarl import URL

from bot.client.shard import SteadyShard
from bot.client.turns import Turns

_log = logging.getLogger(__name__)

_UNREACHABLE = (OSError, aiohttp.ClientError, TimeoutError, discord.GatewayNotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardView:
    """A shard at this moment. `latency_s`: None if unknown. `servers`: those that it has, of which
    `unknown` are not known now."""

    id: int
    connected: bool
    latency_s: float | None
    servers: int
    unknown: int


class ShardedBot(commands.AutoShardedBot):
    """As many shards as Discord recommends, in one process. An outage of one is none of others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._shards: list[SteadyShard] = []

    def shard_of(self, guild_id: int | None) -> int:
        """The shard of a server, or of direct messages (None). Only after the first READY."""
        return 0 if guild_id is None else (guild_id >> 22) % (self.shard_count or 1)

    def shard_views(self) -> list[ShardView]:
        """All shards, by id."""
        guilds = self.guilds
        servers = Counter(guild.shard_id for guild in guilds)
        unknown = Counter(guild.shard_id for guild in guilds if guild.unavailable)
        return [
            ShardView(
                id=shard.id,
                connected=shard.connected,
                latency_s=shard.latency_s,
                servers=servers[shard.id],
                unknown=unknown[shard.id],
            )
            for shard in self._shards
        ]

    async def launch_shards(self) -> None:
        """Called by discord.py. Returns immediately: each shard then connects in its own task."""
        count, url, max_concurrency = await self._sharding()
        if self.is_closed():
            return
        self.shard_count = self._connection.shard_count = count
        self._connection.shard_ids = range(count)
        if count > 1:
            _log.info("The servers are spread over %d shards", count)
        turns, inner = Turns(max_concurrency), vars(self)
        known = cast("dict[int, Shard]", inner["_AutoShardedClient__shards"])
        queue = cast("asyncio.PriorityQueue[EventItem]", inner["_AutoShardedClient__queue"])

        def opened(shard: SteadyShard) -> None:
            known[shard.id] = shard

        for shard_id in range(count):
            shard = SteadyShard(
                self, shard_id, gateway=URL(url), turns=turns, opened=opened, ends=queue.put_nowait
            )
            self._shards.append(shard)
            shard.launch()

    async def _sharding(self) -> tuple[int, str, int]:
        """(number of shards, address of the gateway, `max_concurrency`), once Discord says so.
        GatewayNotFound if it refuses."""
        backoff: ExponentialBackoff[Literal[False]] = ExponentialBackoff()
        while True:
            try:
                count, url, limit = await self.http.get_bot_gateway()
            except _UNREACHABLE as error:
                cause = error.__cause__
                if isinstance(cause, discord.HTTPException) and cause.status < 500:
                    raise
                pause_s = backoff.delay()
                _log.warning("Discord's gateway is asked for again in %.1f s: %r", pause_s, error)
                await asyncio.sleep(pause_s)
            else:
                return count, url, limit["max_concurrency"]

    async def close(self) -> None:
        await super().close()
        for shard in self._shards:  # discord.py knows only those that were connected
            shard.stop()
