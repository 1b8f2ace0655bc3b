"""What READY of one shard does to what others do at that moment."""

import asyncio
from typing import Any

import discord

from bot.client.state import ShardedState
from tests.support.patience import until


def ready_of(shard_id: int) -> dict[str, Any]:
    user = {"id": "1", "username": "Ekaki", "discriminator": "0", "avatar": None, "bot": True}
    return {
        "shard": [shard_id, 2],
        "user": user,
        "guilds": [],
        "application": {"id": "1", "flags": 0},
    }


async def test_a_new_session_of_a_shard_does_not_keep_another_from_being_ready() -> None:
    """With discord.py's own waiting shard 1 is never ready, and new servers are not announced."""
    told: list[tuple[str, Any]] = []
    state = ShardedState(
        arrived=lambda _: None,
        dispatch=lambda name, *args: told.append((name, *args)),  # type: ignore[arg-type]
        handlers={},
        hooks={},
        http=None,  # type: ignore[arg-type]
        intents=discord.Intents(guilds=True),
        guild_ready_timeout=0.05,
    )
    state.shard_count, state.shard_ids = 2, range(2)
    for shard_id in (0, 1):
        state.parse_ready(ready_of(shard_id))
    await asyncio.sleep(0)  # now it waits for both
    state.parse_ready(ready_of(0))
    await until(lambda: ("ready",) in told)
    assert {each for each in told if each[0] == "shard_ready"} == {
        ("shard_ready", 0),
        ("shard_ready", 1),
    }
    state.parse_guild_create({"id": str(1 << 22), "name": "new"})  # type: ignore[arg-type]
    assert told[-1][0] == "guild_join"
