"""An entry that Discord rejects blocks no other, and is reported."""

import asyncio
from collections.abc import Callable

import pytest

from bot.doctor.outbox import check_outbox
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Channel, ChannelType
from cogs.common.gallery_gates import gate_of
from tests.cogs.gallery.helpers import (
    FORUM,
    add_forum,
    choose,
    gallery_bot,
    nothing_more,
    picture,
    share,
    shown,
    until_shown,
)
from tests.cogs.gallery.posting.test_outages import threads_of
from tests.cogs.refusals import (
    OTHER_LOG,
    delete_role,
    give_role,
    parked,
    restrict,
    undelivered,
    until_parked,
)
from tests.cogs.running import Discord
from tests.cogs.settings.test_panel import choose as choose_in
from tests.cogs.settings.test_panel import opened
from tests.cogs.visitors import Visitor, whole
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until


@pytest.mark.parametrize("code", [20009, 50035, 160000])
async def test_one_entry_that_is_refused_stops_no_other_and_is_told(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor, code: int
) -> None:
    async with gallery_bot(place) as running:
        _, bad = await picture(alice, running, "1girl, smile")
        _, good = await picture(alice, running, "1girl, hat")
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", status=400, code=code)
        )
        sent = await whole(await alice.press(bad, "Share"))
        assert "in the gallery now" not in sent.text, "nobody knows that yet"
        item = await until_parked(running)
        assert str(code) in (item.last_error or "")
        await whole(await alice.press(good, "Share"))
        await until_shown(bob, count=1)
        (entry,) = await undelivered(running)
        assert (entry.user_id, entry.details["what"]) == (IDS.alice, "gallery_entry")
        log = await moderator.answer("moderate log", kind="undelivered")
        assert str(code) in log.text
        await until(
            lambda: any("rejected" in m.content for m in place.world.messages_in(IDS.dm_alice))
        )  # the person who shared it is notified privately
        # Settings that change try again what is parked.
        await choose(running, gallery_threshold=5)
        await until_shown(bob, count=2)
        async with asyncio.timeout(PATIENCE_S):
            while await parked(running):
                await asyncio.sleep(0.02)


def tagged_forum(place: Discord) -> None:
    """A forum whose posts need a tag."""
    add_forum(place)
    forum = place.world.channel(FORUM)
    forum.require_tag = True
    forum.tags = [
        {"id": str(9000 + number), "name": name, "moderated": False, "emoji_id": None,
         "emoji_name": None}
        for number, name in enumerate(("sketch", "finished"))
    ]  # fmt: skip


async def test_a_forum_that_requires_tags_gets_those_that_were_chosen(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    tagged_forum(place)
    async with gallery_bot(place, gallery_channel_id=FORUM) as running:
        _, message = await picture(alice, running)
        await whole(await alice.press(message, "Share"))
        item = await until_parked(running)
        assert "40067" in (item.last_error or "")
        await choose(running, gallery_channel_id=FORUM, gallery_tags=frozenset({9001}))
        threads = await until(lambda: threads_of(place, FORUM))
        assert [thread.applied_tags for thread in threads] == [[9001]]


async def test_a_tag_that_was_deleted_is_told_and_posts_come_when_none_is_needed(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    tagged_forum(place)
    chosen = frozenset({9001})
    async with gallery_bot(place, gallery_channel_id=FORUM, gallery_tags=chosen) as running:
        _, message = await picture(alice, running)
        forum = place.world.channel(FORUM)
        forum.tags = forum.tags[:1]  # the gateway's word for it comes late
        await whole(await alice.press(message, "Share"))
        item = await until_parked(running)
        assert "10087" in (item.last_error or "")
        place.loopback.changes.set_tags(FORUM, forum.tags, required=True)
        async with asyncio.timeout(PATIENCE_S):
            while "40067" not in ((await until_parked(running)).last_error or ""):
                await asyncio.sleep(0.02)
        place.loopback.changes.set_tags(FORUM, forum.tags)
        await until(lambda: threads_of(place, FORUM))


@pytest.mark.parametrize("change", [give_role, delete_role, restrict])
async def test_what_was_refused_is_tried_again_when_our_permissions_may_have_changed(
    place: Discord, alice: Visitor, bob: Visitor, change: Callable[[Discord], None]
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", status=400, code=50035)
        )
        await whole(await alice.press(message, "Share"))
        await until_parked(running)
        assert shown(bob) == []
        change(place)
        await until_shown(bob, count=1)


async def test_a_gallery_channel_of_another_kind_is_none_and_holds_up_nothing(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    other = place.world.channels[OTHER_LOG] = Channel(
        id=OTHER_LOG, type=ChannelType.CATEGORY, name="stage", guild_id=IDS.guild
    )
    async with gallery_bot(place, gallery_channel_id=other.id) as running:
        assert (await gate_of(running.bot, IDS.guild)).allowed is None
        await choose(running)
        await share(alice, running, seen_by=bob)
        await choose(running, gallery_channel_id=other.id)
        await nothing_more(running)
        assert len(shown(bob)) == 1


async def test_managers_choose_the_tags_of_a_forum_when_they_choose_the_forum(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    tagged_forum(place)
    async with gallery_bot(place) as running:
        panel = await opened(moderator, "gallery")
        panel = await choose_in(moderator, panel, "channel:gallery_channel", FORUM)
        assert "requires a tag" in panel.text
        panel = await choose_in(moderator, panel, f"tags:{FORUM}", 9000)
        assert "`sketch`" in panel.text
        made = await running.services.servers.settings(IDS.guild)
        assert made.gallery_tags == {9000}
        _, message = await picture(alice, running)
        await whole(await alice.press(message, "Share"))
        threads = await until(lambda: threads_of(place, FORUM))
        assert [thread.applied_tags for thread in threads] == [[9000]]


async def test_managers_and_the_doctor_see_what_discord_refuses(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", status=400, code=20009)
        )
        await whole(await alice.press(message, "Share"))
        await until_parked(running)
        panel = await opened(moderator, "gallery")
        assert "20009" in panel.text
        check = check_outbox(running.services.settings.data_dir)
        assert check.result == "warn"
        assert "1 gallery_entry" in check.found
        assert "20009" in check.found
