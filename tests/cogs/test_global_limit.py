"""A global rate limit, and who is cancelled while it holds."""

import asyncio
from contextlib import suppress

import pytest

from bot.client import global_limit
from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord
from tests.cogs.visitors import open_bot
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until


async def test_a_request_that_is_cancelled_in_a_global_limit_stops_no_other(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(global_limit, "OPEN_AFTER_S", 0.01)
    async with open_bot(place) as running:
        channel = running.bot.get_partial_messageable(IDS.general)
        place.loopback.faults.add(
            Fault(method="POST", path="/messages", status=429, retry_after_s=3600, is_global=True)
        )
        first = asyncio.create_task(channel.send("limited"))
        gate = running.bot.http._global_over  # pyright: ignore[reportPrivateUsage] - to see it close
        await until(lambda: not (gate.is_set()))
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        async with asyncio.timeout(PATIENCE_S):
            await channel.send("and on")
