"""A log that Discord refuses stops no other, and is posted once it is allowed."""

import asyncio
from dataclasses import replace

import pytest

from bot.common.actor import Actor
from bot.outbox import verdict as verdicts
from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from tests.cogs.refusals import (
    OTHER,
    OTHER_LOG,
    THREAD,
    attempts,
    note,
    other_server,
    parked,
    posts_in,
    settle,
    until_parked,
)
from tests.cogs.running import Discord
from tests.cogs.visitors import open_bot
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until


@pytest.mark.parametrize(
    ("status", "code"), [(400, 50035), (400, 20009), (403, 50001), (403, 50013), (500, 0), (404, 0)]
)
async def test_one_servers_refused_log_stops_no_other(
    place: Discord, status: int, code: int
) -> None:
    other_server(place)
    place.loopback.faults.add(
        Fault(
            method="POST", path=f"/channels/{IDS.art}/messages", times=99, status=status, code=code
        )
    )
    async with open_bot(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await settle(running, OTHER, log_channel_id=OTHER_LOG)
        await note(running, IDS.guild)
        await note(running, OTHER)
        await until(lambda: posts_in(place, OTHER_LOG))
        assert posts_in(place, IDS.art) == 0


@pytest.mark.parametrize("body", ['{"id"', "<html>", "[]"])
async def test_an_answer_that_is_not_discords_posts_no_log_twice(place: Discord, body: str) -> None:
    kind = "text/html" if body.startswith("<") else "application/json"
    fault = Fault(method="POST", path="/messages$", garble=body, garble_type=kind)
    place.loopback.faults.add(fault)
    async with open_bot(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await note(running, IDS.guild)
        async with asyncio.timeout(PATIENCE_S):
            while fault.times or (await running.services.outbox.counts())["waiting"]:
                await asyncio.sleep(0.02)
        assert posts_in(place, IDS.art) == 1
        assert not await parked(running)


async def test_a_log_channel_that_can_not_be_read_is_written_to(place: Discord) -> None:
    path = f"/channels/{IDS.art}/messages"
    place.loopback.faults.add(Fault(method="GET", path=path, times=99, status=403, code=50001))
    async with open_bot(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await note(running, IDS.guild)
        await until(lambda: posts_in(place, IDS.art))


async def test_a_log_in_a_thread_that_is_closed_to_us_is_parked(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "CLOSED_S", 0.05)
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.05)
    closed = Fault(method="GET", path=f"/channels/{THREAD}$", times=99, status=403, code=50001)
    place.loopback.faults.add(closed)
    async with open_bot(place) as running:
        await settle(running, IDS.guild, log_channel_id=THREAD)
        await note(running, IDS.guild)
        assert (await until_parked(running)).kind == "audit_log"


async def test_a_log_that_was_refused_is_posted_when_it_is_allowed_again(place: Discord) -> None:
    channel = place.world.channel(IDS.art)
    channel.overwrites = [{"id": str(IDS.bot), "type": 1, "allow": "0",
                           "deny": str(p.SEND_MESSAGES)}]  # fmt: skip
    async with open_bot(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await note(running, IDS.guild)
        await until(lambda: attempts(running, f"log:{IDS.guild}"))
        channel.overwrites = []
        place.loopback.changes.set_age_restricted(IDS.art, on=True)
        await until(lambda: posts_in(place, IDS.art))


async def test_what_a_place_refused_is_told_once_settings_change(place: Discord) -> None:
    place.loopback.faults.add(
        Fault(method="POST", path=f"/channels/{IDS.art}/messages", times=99, status=403, code=50013)
    )
    async with open_bot(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await note(running, IDS.guild)
        await until(lambda: attempts(running, f"log:{IDS.guild}"))
        moderator = Actor(user_id=IDS.moderator, guild_id=IDS.guild, channel_id=IDS.art)
        await running.services.servers.change(
            moderator, lambda old: replace(old, log_channel_id=IDS.general)
        )
        await until(lambda: posts_in(place, IDS.general))  # the lane rested for minutes
