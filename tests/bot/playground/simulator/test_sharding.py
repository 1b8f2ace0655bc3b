"""What Discord's gateway asks of the shards of a bot, whatever its library is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from bot.playground.simulator import gateway, limits, ratelimit
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.posting import Body
from bot.playground.simulator.ratelimit import RateLimiter
from bot.playground.simulator.sharding import Sharding, read_shard, shard_of
from tests.support.patience import PATIENCE_S
from tests.support.second_server import OTHER, OTHER_GENERAL, add_other
from tests.support.simulator import Loopback

IDENTIFY, RESUME, INVALID_SESSION = 2, 6, 9
ALL_EVENTS = 1 << 0 | 1 << 9 | 1 << 12  # servers, messages, direct messages


class Socket:
    """A connection that has got HELLO."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token

    async def send(self, op: int, **data: Any) -> None:
        await self.socket.send_json({"op": op, "d": {"token": self.token, **data}})

    async def identify(self, shard: Any = None) -> None:
        given = {} if shard is None else {"shard": shard}
        await self.send(IDENTIFY, intents=ALL_EVENTS, **given)

    async def next(self) -> dict[str, Any]:
        return await self.socket.receive_json(timeout=PATIENCE_S)

    async def closed(self) -> int | None:
        """The code with which the other side closes."""
        assert (await self.socket.receive(timeout=PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE
        return self.socket.close_code


@asynccontextmanager
async def serving(**sharding: Any) -> AsyncGenerator[Loopback]:
    async with Loopback(sharding=Sharding(**sharding)) as loopback:
        add_other(loopback.world)
        yield loopback


@asynccontextmanager
async def connected(loopback: Loopback) -> AsyncGenerator[Socket]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(loopback.gateway.url) as socket,
    ):
        assert (await socket.receive_json(timeout=PATIENCE_S))["op"] == 10
        yield Socket(socket, loopback.token)


@pytest.mark.parametrize("shard", [[2, 2], [-1, 2], [0, 0], [0], "0/2", {"0": 2}, [0.5, 2]])
async def test_an_impossible_shard_is_rejected(shard: object) -> None:
    assert read_shard(shard) is None
    async with serving() as loopback, connected(loopback) as socket:
        await socket.identify(shard)
        assert await socket.closed() == 4010


@pytest.mark.parametrize(("shard", "code"), [(None, 4011), ([0, 1], 4011), ([1, 2], None)])
async def test_too_many_servers_of_a_shard_are_rejected(shard: Any, code: int | None) -> None:
    async with serving(most_guilds=1) as loopback, connected(loopback) as socket:
        await socket.identify(shard)
        if code is None:
            assert (await socket.next())["t"] == "READY"
        else:
            assert await socket.closed() == code


async def test_each_shard_gets_its_own_servers_and_the_first_direct_messages() -> None:
    assert [shard_of(each, 2) for each in (IDS.guild, OTHER, None)] == [0, 1, 0]
    async with (
        serving(shards=2, identify_every_s=0.0) as loopback,
        connected(loopback) as first,
        connected(loopback) as second,
    ):
        for shard_id, socket, guild_id in ((0, first, IDS.guild), (1, second, OTHER)):
            await socket.identify([shard_id, 2])
            ready = (await socket.next())["d"]
            assert ready["shard"] == [shard_id, 2]
            assert ready["guilds"] == [{"id": str(guild_id), "unavailable": True}]
            created = await socket.next()
            assert (created["t"], created["d"]["id"]) == ("GUILD_CREATE", str(guild_id))
        for channel_id in (OTHER_GENERAL, IDS.dm_alice, IDS.general):
            loopback.actions.say(IDS.alice, channel_id, "hello")
        got = [(await socket.next())["d"]["channel_id"] for socket in (second, first, first)]
        assert got == [str(OTHER_GENERAL), str(IDS.dm_alice), str(IDS.general)]


async def test_sessions_resume_with_a_sequence_of_their_own() -> None:
    async with serving(shards=2, identify_every_s=0.0) as loopback:
        async with connected(loopback) as second:
            await second.identify([1, 2])
            ready = await second.next()
            assert ready["s"] == 1
            assert (await second.next())["s"] == 2
        loopback.actions.say(IDS.alice, IDS.general, "not of this shard")
        missed = loopback.actions.say(IDS.alice, OTHER_GENERAL, "missed")
        async with connected(loopback) as second:
            await second.send(RESUME, session_id=ready["d"]["session_id"], seq=2)
            replayed, resumed = await second.next(), await second.next()
            assert (replayed["s"], replayed["d"]["id"]) == (3, str(missed.id))
            assert (resumed["s"], resumed["t"]) == (4, "RESUMED")


async def test_shards_of_a_key_that_identify_too_soon_get_an_invalid_session() -> None:
    async with (
        serving(shards=4, max_concurrency=2, identify_every_s=3600.0) as loopback,
        connected(loopback) as one,
        connected(loopback) as two,
        connected(loopback) as three,
    ):
        await one.identify([0, 4])
        await two.identify([1, 4])
        for socket in (one, two):
            assert (await socket.next())["t"] == "READY"
        await three.identify([2, 4])
        assert await three.next() == {"op": INVALID_SESSION, "d": False}
        sharding = loopback.gateway.sharding
        assert (sharding.identified, sharding.too_soon) == ([0, 1], [2])
        sharding.identify_every_s = 0.0
        await three.identify([2, 4])
        assert (await three.next())["t"] == "READY"


async def test_the_api_says_how_many_shards_and_how_fast() -> None:
    async with (
        serving(shards=3, max_concurrency=16, identify_every_s=0.0) as loopback,
        aiohttp.ClientSession(headers={"Authorization": f"Bot {loopback.token}"}) as session,
    ):
        async with connected(loopback) as socket:
            await socket.identify([0, 3])
            await socket.next()
        async with session.get(f"{loopback.url}/api/v10/gateway/bot") as response:
            found = await response.json()
        assert found["shards"] == 3
        limit = found["session_start_limit"]
        assert (limit["max_concurrency"], limit["total"] - limit["remaining"]) == (16, 1)
        async with session.ws_connect(found["url"]) as again:
            assert (await again.receive_json(timeout=PATIENCE_S))["op"] == 10


async def test_a_shard_that_is_down_can_neither_identify_nor_resume() -> None:
    async with serving(shards=2, identify_every_s=0.0) as loopback:
        loopback.gateway.sharding.down.add(1)
        async with connected(loopback) as socket:
            await socket.identify([1, 2])
            assert await socket.closed() == 1001
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{loopback.gateway.url}/1")
            async with (
                asyncio.timeout(PATIENCE_S),
                session.ws_connect(f"{loopback.gateway.url}/0") as other,
            ):
                assert (await other.receive_json())["op"] == 10


async def test_a_session_that_missed_too_much_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "KEPT", 3)
    async with serving(shards=1, identify_every_s=0.0) as loopback:
        async with connected(loopback) as socket:
            await socket.identify([0, 1])
            ready = await socket.next()
            for _ in loopback.world.guilds:
                await socket.next()
        (session,) = loopback.gateway.sessions.values()
        for number in range(5):
            loopback.actions.say(IDS.alice, IDS.general, f"missed {number}")
        assert len(session.sent) == 3
        async with connected(loopback) as socket:
            await socket.send(RESUME, session_id=ready["d"]["session_id"], seq=ready["s"])
            assert (await socket.next())["op"] == INVALID_SESSION
        async with connected(loopback) as socket:
            await socket.send(RESUME, session_id=session.id, seq=session.seq - 3)
            names = [(await socket.next())["t"] for _ in range(4)]
            assert names == ["MESSAGE_CREATE"] * 3 + ["RESUMED"]


async def test_limits_and_nonces_whose_time_is_over_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ratelimit, "_CROWDED", 10)
    limiter = RateLimiter()
    limiter.rates["webhook"] = ratelimit.Rate(limit=5, per_s=0.0)
    for token in range(100):
        limiter.take("webhook", str(token), counts_globally=False)
    assert len(vars(limiter)["_windows"]) <= 21
    async with serving(shards=1) as loopback:
        channel = loopback.world.channel(IDS.general)
        for number in range(5):
            body = Body(json={"content": "hello", "nonce": number, "enforce_nonce": True})
            loopback.posting.create(channel, body, author_id=IDS.bot)
            loopback.world.advance(limits.NONCE_LIFETIME_S / 2)
        assert len(vars(loopback.posting)["_nonces"]) <= 3
