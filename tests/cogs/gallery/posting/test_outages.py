"""An outage of Discord takes nothing out of the gallery, and what changed meanwhile counts."""

import asyncio

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Channel
from tests.cogs.gallery.helpers import (
    dispatcher,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    share,
    shown,
    until_shown,
)
from tests.cogs.refusals import THREAD, in_a_thread
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import PATIENCE_S, until


def threads_of(place: Discord, forum_id: int) -> list[Channel]:
    return [each for each in place.world.channels.values() if each.parent_id == forum_id]


async def test_an_outage_takes_nothing_out_of_the_gallery(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, seen_by=bob)
        await nothing_more(running)
        changes = place.loopback.changes
        changes.outage(IDS.guild)
        await running.services.gallery.ask_check(IDS.guild)
        await until_it_rests(running, f"gallery:{IDS.guild}")
        assert len(shown(bob)) == 1
        changes.recover(IDS.guild)
        await nothing_more(running)
        assert len(shown(bob)) == 1
        assert [entry.state for entry in await entries(running)] == ["posted"]


async def until_it_rests(running: Running, lane: str) -> None:
    """Until an attempt in a lane had to wait for the server."""
    await until(lambda: lane in dispatcher(running).resting)


async def test_what_is_shared_during_an_outage_is_posted_after_it(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        place.loopback.changes.outage(IDS.guild)
        await until(lambda: getattr(running.bot.get_guild(IDS.guild), "unavailable", True))
        said = await whole(await alice.press(message, "Share"))
        assert "try again" in said.text
        place.loopback.changes.recover(IDS.guild)
        await until(lambda: not (getattr(running.bot.get_guild(IDS.guild), "unavailable", True)))
        await whole(await alice.press(message, "Share"))
        await until_shown(bob, count=1)


async def test_a_server_that_comes_late_is_reconciled_and_keeps_its_name(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        await nothing_more(running)
    for visitor in (bob, moderator):
        await visitor.member.react(message, "⭐")
    place.loopback.gateway.away.add(IDS.guild)
    async with open_bot(place) as running:
        await until(running.bot.is_ready)
        assert await guild_name(running) not in {None, ""}
        place.loopback.changes.recover(IDS.guild)
        await until_shown(bob, count=1)
        assert await guild_name(running) not in {None, ""}


async def guild_name(running: Running) -> str | None:
    async with (
        running.services.database.reader() as reader,
        reader.execute("SELECT name FROM gallery_guilds") as cursor,
    ):
        row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def test_super_reactions_count_while_the_bot_is_there_and_after_it_was_away(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place, gallery_threshold=3) as running:
        _, message = await picture(alice, running)
        await bob.member.react(message, "⭐", burst=True)
        async with asyncio.timeout(PATIENCE_S):
            while [entry.votes for entry in await entries(running)] != [1]:
                await asyncio.sleep(0.02)
    await moderator.member.react(message, "⭐", burst=True)
    async with open_bot(place) as running:
        async with asyncio.timeout(PATIENCE_S):
            while [entry.votes for entry in await entries(running)] != [2]:
                await asyncio.sleep(0.02)
        # Their ordinary reaction is left when a super reaction goes.
        await bob.member.react(message, "⭐")
        await bob.member.react(message, "⭐", add=False, burst=True)
        await nothing_more(running)
        assert [entry.votes for entry in await entries(running)] == [2]


async def test_a_closed_thread_of_an_excluded_channel_stays_excluded(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(
        place, gallery_threshold=1, gallery_excluded=frozenset({IDS.general})
    ) as running:
        await in_a_thread(place, running)
        await until(lambda: running.bot.get_guild(IDS.guild).get_thread(THREAD) is not None)  # type: ignore[union-attr]
        job = await drawn_in(alice, running, THREAD)
        place.loopback.changes.archive(THREAD)
        await until(lambda: running.bot.get_guild(IDS.guild).get_thread(THREAD) is None)  # type: ignore[union-attr]
        brought = await alice.member.slash("show", {"id": job}, channel=IDS.art)
        message = await whole(brought)
        await bob.member.react(message, "⭐")
        said = await whole(await alice.press(message, "Share"))
        assert "gallery" in said.text
        await nothing_more(running)
        assert shown(bob) == []
        assert not any(entry.state == "posted" for entry in await entries(running))


async def drawn_in(visitor: Visitor, running: Running, channel_id: int) -> str:
    sent = await visitor.member.slash(
        "imagine", {"prompt": "1girl", "steps": 2}, channel=channel_id
    )
    await whole(sent)
    job = await running.delivery("delivered")
    return job.id
