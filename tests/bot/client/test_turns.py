"""Shards identify in turns, as fast as Discord allows."""

import asyncio

import pytest

from bot.client import turns
from bot.client.turns import Turns
from bot.playground.simulator.sharding import IDENTIFY_EVERY_S
from tests.support.patience import until


def test_the_pause_is_longer_than_discord_demands() -> None:
    assert turns.EVERY_S > IDENTIFY_EVERY_S


async def test_shards_of_a_key_identify_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "EVERY_S", 0.05)
    order, given = list[int](), Turns(2)

    async def identify(shard_id: int) -> None:
        async with given.of(shard_id):
            order.append(shard_id)

    tasks = [asyncio.create_task(identify(each)) for each in range(6)]
    await until(lambda: len(order) >= 2)
    assert order[:2] == [0, 1]
    await asyncio.gather(*tasks)
    assert [each for each in order if each % 2 == 0] == [0, 2, 4]
    assert [each for each in order if each % 2] == [1, 3, 5]


async def test_a_shard_that_fails_or_is_stopped_does_not_keep_the_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "EVERY_S", 0.0)
    given = Turns(1)

    async def hang() -> None:
        async with given.of(0):
            await asyncio.Event().wait()

    hanging, waiting = asyncio.create_task(hang()), asyncio.create_task(hang())
    await asyncio.sleep(0)
    waiting.cancel()
    hanging.cancel()
    with pytest.raises(ConnectionError):
        async with given.of(0):
            raise ConnectionError
    async with given.of(0):
        pass
