"""Whatever one destination refuses, everything else goes on, and somebody is told."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.doctor.outbox import check_outbox
from bot.guilds.moderators import Desk
from bot.outbox import verdict as verdicts
from bot.outbox.kinds import Kind
from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.gateway import GUILDS
from bot.playground.simulator.payloads import channel_json
from bot.playground.simulator.world import Channel, ChannelType, Guild, Member, Role
from cogs.common.gallery_gates import gate_of
from cogs.common.sent_before import sent_before
from data.guilds import audit, guild_settings, outbox
from data.guilds.audit import AuditEntry, AuditEvent, AuditKind
from data.guilds.outbox import OutboxItem
from data.guilds.server_settings import GuildSettings
from tests.cogs.gallery.helpers import (
    FORUM,
    add_forum,
    choose,
    dispatcher,
    entries,
    gallery_house,
    nothing_more,
    picture,
    share,
    shown,
    until_shown,
)
from tests.cogs.running import Discord, Running
from tests.cogs.settings.test_panel import choose as choose_in
from tests.cogs.settings.test_panel import opened
from tests.cogs.visitors import Visitor, open_house, whole
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until

OTHER = 500000000000000001
OTHER_LOG = 500000000000000002
THREAD = 500000000000000003


def other_server(place: Discord) -> None:
    """A second server that the bot is in, with one channel."""
    world = place.world
    guild = Guild(id=OTHER, name="Other", owner_id=IDS.owner)
    guild.roles[OTHER] = Role(id=OTHER, name="@everyone", permissions=p.EVERYONE)
    for user_id in (IDS.owner, IDS.bot):
        guild.members[user_id] = Member(user_id=user_id, joined_at=world.time())
    world.guilds[OTHER] = guild
    world.channels[OTHER_LOG] = Channel(
        id=OTHER_LOG, type=ChannelType.TEXT, name="log", guild_id=OTHER
    )


async def settle(running: Running, guild_id: int, **settings: Any) -> None:
    async with running.services.database.transaction() as connection:
        await guild_settings.put(connection, guild_id=guild_id, settings=GuildSettings(**settings))


async def note(running: Running, guild_id: int) -> None:
    await running.services.audit.record(AuditEvent(kind=AuditKind.LIMITS_RESET, guild_id=guild_id))


async def parked(running: Running) -> list[OutboxItem]:
    return await running.services.outbox.parked(limit=100)


async def until_parked(running: Running) -> OutboxItem:
    found = await until(lambda: parked(running))
    return found[0]


async def undelivered(running: Running) -> list[AuditEntry]:
    async with running.services.database.reader() as reader:
        return await audit.page(
            reader, guild_id=IDS.guild, kinds=["undelivered"], offset=0, limit=100
        )


def posts_in(place: Discord, channel_id: int) -> int:
    return sum(bool(message.embeds) for message in place.world.messages_in(channel_id))


# -- the log channel


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
    async with open_house(place) as running:
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
    async with open_house(place) as running:
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
    async with open_house(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await note(running, IDS.guild)
        await until(lambda: posts_in(place, IDS.art))


async def test_what_was_sent_is_found_though_our_clock_was_ahead(place: Discord) -> None:
    async with open_house(place) as running:
        channel = running.bot.get_partial_messageable(IDS.art)
        await channel.send("what became of it")
        item = OutboxItem(
            id=1, kind="report_answer", key="", lane="", guild_id=None, payload={}, changes=1,
            state="waiting", attempts=0, due_at=0, put_at=place.clock.time() + 3600,
            last_error=None,
        )  # fmt: skip
        assert await sent_before(running.bot, channel, item, content="what became of it")
        assert not await sent_before(running.bot, channel, item, content="another")


@pytest.mark.parametrize("shift_s", [-86400, 0, 86400])
async def test_what_may_be_said_again_is_told_from_what_was_said_without_our_clock(
    place: Discord, shift_s: int
) -> None:
    async with open_house(place) as running:
        services, channel = running.services, running.bot.get_partial_messageable(IDS.art)
        place.clock.shift_s += shift_s  # this machine's clock alone
        await dispatcher(running).stop()
        for _ in range(2):
            await services.outbox.put(Kind.ANNOUNCEMENT, "restart", lane="art")
            for was_sent in (False, True):  # killed between the send and its entry
                (item,) = await services.outbox.due_in("art")
                found = await sent_before(running.bot, channel, item, content="soon", repeats=True)
                assert found == was_sent
                if not found:
                    await channel.send("soon")
            await services.outbox.done(item)


async def test_a_log_in_a_thread_that_is_closed_to_us_is_parked(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "CLOSED_S", 0.05)
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.05)
    closed = Fault(method="GET", path=f"/channels/{THREAD}$", times=99, status=403, code=50001)
    place.loopback.faults.add(closed)
    async with open_house(place) as running:
        await settle(running, IDS.guild, log_channel_id=THREAD)
        await note(running, IDS.guild)
        assert (await until_parked(running)).kind == "audit_log"


async def test_a_log_that_was_refused_is_posted_when_it_is_allowed_again(place: Discord) -> None:
    channel = place.world.channel(IDS.art)
    channel.overwrites = [{"id": str(IDS.bot), "type": 1, "allow": "0",
                           "deny": str(p.SEND_MESSAGES)}]  # fmt: skip
    async with open_house(place) as running:
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
    async with open_house(place) as running:
        await settle(running, IDS.guild, log_channel_id=IDS.art)
        await note(running, IDS.guild)
        await until(lambda: attempts(running, f"log:{IDS.guild}"))
        moderator = Desk(actor_id=IDS.moderator, guild_id=IDS.guild, channel_id=IDS.art)
        await running.services.servers.change(
            moderator, lambda old: replace(old, log_channel_id=IDS.general)
        )
        await until(lambda: posts_in(place, IDS.general))  # the lane rested for minutes


async def attempts(running: Running, lane: str) -> int:
    async with running.services.database.reader() as reader:
        found = await outbox.due_in(reader, lane=lane, now=9e9, limit=1)
    return found[0].attempts if found else 0


# -- the gallery


@pytest.mark.parametrize("code", [20009, 50035, 160000])
async def test_one_entry_that_is_refused_stops_no_other_and_is_told(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor, code: int
) -> None:
    async with gallery_house(place) as running:
        _, bad = await picture(alice, running, "1girl, smile")
        _, good = await picture(alice, running, "1girl, hat")
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", status=400, code=code)
        )
        sent = await whole(await alice.member.press(bad, "Share"))
        assert "in the gallery now" not in sent.text, "nobody knows that yet"
        item = await until_parked(running)
        assert str(code) in (item.last_error or "")
        await whole(await alice.member.press(good, "Share"))
        await until_shown(bob, count=1)
        (entry,) = await undelivered(running)
        assert (entry.user_id, entry.details["what"]) == (IDS.alice, "gallery_entry")
        log = await moderator.answer("moderate log", kind="undelivered")
        assert str(code) in log.text
        await until(
            lambda: any("rejected" in m.content for m in place.world.messages_in(IDS.dm_alice))
        )  # its sharer is told, privately
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
    async with gallery_house(place, gallery_channel_id=FORUM) as running:
        _, message = await picture(alice, running)
        await whole(await alice.member.press(message, "Share"))
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
    async with gallery_house(place, gallery_channel_id=FORUM, gallery_tags=chosen) as running:
        _, message = await picture(alice, running)
        forum = place.world.channel(FORUM)
        forum.tags = forum.tags[:1]  # the gateway's word for it comes late
        await whole(await alice.member.press(message, "Share"))
        item = await until_parked(running)
        assert "10087" in (item.last_error or "")
        place.loopback.changes.set_tags(FORUM, forum.tags, required=True)
        async with asyncio.timeout(PATIENCE_S):
            while "40067" not in ((await until_parked(running)).last_error or ""):
                await asyncio.sleep(0.02)
        place.loopback.changes.set_tags(FORUM, forum.tags)
        await until(lambda: threads_of(place, FORUM))


def give_role(place: Discord) -> None:
    role = place.loopback.changes.add_role(IDS.guild, "painter")
    place.loopback.changes.set_roles(IDS.guild, IDS.bot, [IDS.bot_role, role.id])


def delete_role(place: Discord) -> None:
    place.loopback.changes.delete_role(IDS.guild, IDS.moderator_role)


def restrict(place: Discord) -> None:
    place.loopback.changes.set_age_restricted(IDS.gallery, on=True)


@pytest.mark.parametrize("change", [give_role, delete_role, restrict])
async def test_what_was_refused_is_tried_again_when_our_permissions_may_have_changed(
    place: Discord, alice: Visitor, bob: Visitor, change: Callable[[Discord], None]
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", status=400, code=50035)
        )
        await whole(await alice.member.press(message, "Share"))
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
    async with gallery_house(place, gallery_channel_id=other.id) as running:
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
    async with gallery_house(place) as running:
        panel = await opened(moderator, "gallery")
        panel = await choose_in(moderator, panel, "channels:gallery_channel", FORUM)
        assert "requires a tag" in panel.text
        panel = await choose_in(moderator, panel, f"tags:{FORUM}", 9000)
        assert "`sketch`" in panel.text
        made = await running.services.servers.settings(IDS.guild)
        assert made.gallery_tags == {9000}
        _, message = await picture(alice, running)
        await whole(await alice.member.press(message, "Share"))
        threads = await until(lambda: threads_of(place, FORUM))
        assert [thread.applied_tags for thread in threads] == [[9000]]


async def test_managers_and_the_doctor_see_what_discord_refuses(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        place.loopback.faults.add(
            Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", status=400, code=20009)
        )
        await whole(await alice.member.press(message, "Share"))
        await until_parked(running)
        panel = await opened(moderator, "gallery")
        assert "20009" in panel.text
        check = check_outbox(running.services.settings.data_dir)
        assert check.result == "warn"
        assert "1 gallery_entry" in check.found
        assert "20009" in check.found


def threads_of(place: Discord, forum_id: int) -> list[Channel]:
    return [each for each in place.world.channels.values() if each.parent_id == forum_id]


# -- messages to be removed


async def in_a_thread(place: Discord, running: Running) -> int:
    """A message of the bot in a thread of #general."""
    place.world.channels[THREAD] = Channel(
        id=THREAD, type=ChannelType.PUBLIC_THREAD, name="t", guild_id=IDS.guild,
        parent_id=IDS.general, owner_id=IDS.alice,
    )  # fmt: skip
    created = channel_json(place.world, place.world.channel(THREAD))
    place.loopback.gateway.dispatch("THREAD_CREATE", created, intent=GUILDS)
    sent = await running.bot.get_partial_messageable(THREAD).send("picture")
    return sent.id


async def ask_removal(running: Running, channel_id: int, message_id: int) -> None:
    async with running.services.database.transaction() as connection:
        await outbox.put(
            connection, kind="message_removal", key=f"{channel_id}:{message_id}",
            lane=f"removal:{channel_id}", guild_id=IDS.guild,
            payload={"channel_id": channel_id, "message_id": message_id},
        )  # fmt: skip


@pytest.mark.parametrize("locked", [False, True])
async def test_a_message_in_a_closed_thread_is_removed_or_parked_and_others_go(
    place: Discord, *, locked: bool
) -> None:
    async with open_house(place) as running:
        message_id = await in_a_thread(place, running)
        place.loopback.changes.archive(THREAD, locked=locked)
        other = await running.bot.get_partial_messageable(IDS.general).send("another")
        await ask_removal(running, THREAD, message_id)
        await ask_removal(running, IDS.general, other.id)
        await until(lambda: place.world.messages[other.id].deleted_at is not None)
        if locked:
            await until(lambda: attempts(running, f"removal:{THREAD}"))
            assert place.world.messages[message_id].deleted_at is None
            place.loopback.changes.unlock(THREAD)
        await until(lambda: place.world.messages[message_id].deleted_at is not None)


# -- what is not known is not gone


async def test_an_outage_takes_nothing_out_of_the_gallery(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
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
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        place.loopback.changes.outage(IDS.guild)
        await until(lambda: getattr(running.bot.get_guild(IDS.guild), "unavailable", True))
        said = await whole(await alice.member.press(message, "Share"))
        assert "try again" in said.text
        place.loopback.changes.recover(IDS.guild)
        await until(lambda: not (getattr(running.bot.get_guild(IDS.guild), "unavailable", True)))
        await whole(await alice.member.press(message, "Share"))
        await until_shown(bob, count=1)


async def test_a_server_that_comes_late_is_reconciled_and_keeps_its_name(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        await nothing_more(running)
    for visitor in (bob, moderator):
        await visitor.member.react(message, "⭐")
    place.loopback.gateway.away.add(IDS.guild)
    async with open_house(place) as running:
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
    async with gallery_house(place, gallery_threshold=3) as running:
        _, message = await picture(alice, running)
        await bob.member.react(message, "⭐", burst=True)
        async with asyncio.timeout(PATIENCE_S):
            while [entry.votes for entry in await entries(running)] != [1]:
                await asyncio.sleep(0.02)
    await moderator.member.react(message, "⭐", burst=True)
    async with open_house(place) as running:
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
    async with gallery_house(
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
        said = await whole(await alice.member.press(message, "Share"))
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
