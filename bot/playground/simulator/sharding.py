"""How the servers of a bot are spread over its connections, and how fast these may identify."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from bot.playground.simulator.errors import Json

MOST_GUILDS: Final = 2500
"""Servers of one shard; Discord closes a connection that would have more (4011)."""
IDENTIFY_EVERY_S: Final = 5.0
"""Discord lets `max_concurrency` shards identify in this time."""
STARTS: Final = 1000  # sessions per day

_NAMED_BY_ID: Final = frozenset({"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"})


@dataclass(slots=True, kw_only=True)
class Sharding:
    """What Discord wants of the bot. `shards`: how many it recommends. `down`: shards that can't
    identify or resume, as when their part of Discord fails."""

    shards: int = 1
    max_concurrency: int = 1
    identify_every_s: float = IDENTIFY_EVERY_S
    most_guilds: int = MOST_GUILDS
    down: set[int] = field(default_factory=set[int])
    identified: list[int] = field(default_factory=list[int])  # shards, each time
    too_soon: list[int] = field(default_factory=list[int])  # shards that identified too early
    _last: dict[int, float] = field(default_factory=dict[int, float])

    def may_identify(self, shard_id: int) -> bool:
        """Whether this shard may identify now; counts it. Shards with the same rate limit key
        (id modulo `max_concurrency`) wait for each other."""
        key, now = shard_id % self.max_concurrency, time.monotonic()
        if now - self._last.get(key, float("-inf")) < self.identify_every_s:
            self.too_soon.append(shard_id)
            return False
        self._last[key] = now
        self.identified.append(shard_id)
        return True

    def start_limit(self) -> Json:
        """`session_start_limit` of `GET /gateway/bot`."""
        return {
            "total": STARTS,
            "remaining": max(STARTS - len(self.identified), 0),
            "reset_after": 0,
            "max_concurrency": self.max_concurrency,
        }


def shard_of(guild_id: int | None, shards: int) -> int:
    """The shard that gets a server's events; None: of direct messages."""
    return 0 if guild_id is None else (guild_id >> 22) % shards


def guild_id_of(name: str, data: Json) -> int | None:
    """The server of an event; None: of a direct channel."""
    found = data["id"] if name in _NAMED_BY_ID else data.get("guild_id")
    return None if found is None else int(found)


def read_shard(given: Any) -> tuple[int, int] | None:
    """(id, number of shards) as a bot identifies; None if that makes no sense."""
    if given is None:
        return 0, 1
    match given:
        case [int(shard_id), int(shards)] if 0 <= shard_id < shards:
            return shard_id, shards
        case _:
            return None
