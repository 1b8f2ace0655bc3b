"""Votes are exact: from a hundred people at once, across restarts, and while the bot is offline."""

import asyncio

import pytest

from bot.outbox import verdict as verdicts
from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Member as GuildMember
from bot.playground.simulator.world import User
from tests.cogs.gallery.helpers import (
    FORUM,
    STAR,
    add_forum,
    dispatcher,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    shown,
    until_entries,
    until_shown,
    until_stars,
)
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.faults import Fault
from tests.support.member import Member
from tests.support.patience import PATIENCE_S

FIRST = 100000000000001000


def crowd(place: Discord, count: int) -> list[Member]:
    """So many more members of the server."""
    members: list[Member] = []
    for user_id in range(FIRST, FIRST + count):
        place.world.users[user_id] = User(id=user_id, username=f"m{user_id % 1000}")
        place.world.guilds[IDS.guild].members[user_id] = GuildMember(user_id=user_id)
        members.append(Member(place.loopback, user_id))
    return members


async def forget_marks(running: Running, *, sent: bool) -> None:
    """As after a crash between the send and the row."""
    assert sent
    async with running.services.database.transaction() as connection:
        await connection.execute("UPDATE gallery_posts SET message_id = NULL, thread_id = NULL")
        await connection.execute(
            "INSERT INTO outbox_put (kind, key, lane, guild_id)"
            " SELECT 'gallery_entry', entry_id, 'gallery:' || guild_id, guild_id"
            " FROM gallery_posts"
        )


async def test_votes_of_a_hundred_people_at_once_count_exactly(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    """Half of them star, half press the button, a fifth does both, and a tenth thinks again."""
    people = crowd(place, 100)
    async with gallery_bot(place, gallery_threshold=30) as running:
        _, message = await picture(alice, running)

        async def vote(number: int, member: Member) -> None:
            if number % 2 or number % 5 == 0:
                await member.react(message, STAR)
            if number % 2 == 0 and number % 5:
                panel = await whole(await member.press(message, "More"))
                await member.press(panel, "Vote")
            if number % 10 == 1:
                await member.react(message, STAR, add=False)

        await asyncio.gather(*(vote(n, member) for n, member in enumerate(people)))
        await until_entries(running, ("posted", 90))
        await nothing_more(running)
        await until_entries(running, ("posted", 90))
        await until_stars(bob, 90)
        posts = place.loopback.log.find("POST", f"/channels/{IDS.gallery}/messages")
        assert len(posts) == 1, "thirty stars were reached by many at once, and it was posted once"


async def test_a_restart_between_vote_and_post_posts_once(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        await dispatcher(running).stop()
        await bob.member.react(message, STAR)
        await moderator.member.react(message, STAR)
        await until_entries(running, ("posted", 2))
        assert shown(bob) == []
    async with open_bot(place) as running:
        await until_shown(bob, count=1)
        await nothing_more(running)
        assert [entry.votes for entry in await entries(running)] == [2]
        assert len(shown(bob)) == 1


@pytest.mark.parametrize("forum", [False, True])
async def test_a_post_that_was_sent_before_a_crash_is_found_and_not_sent_again(
    place: Discord, alice: Visitor, bob: Visitor, *, forum: bool
) -> None:
    add_forum(place)
    channel = FORUM if forum else IDS.gallery
    async with gallery_bot(place, gallery_channel_id=channel) as running:
        _, message = await picture(alice, running)
        await whole(await alice.press(message, "Share"))
        await nothing_more(running)
        sent = gallery_files(place)
        assert len(sent) == 1
        await dispatcher(running).stop()
        await forget_marks(running, sent=True)
    place.advance(limits.NONCE_LIFETIME_S + 1)  # the nonce no longer helps
    async with open_bot(place) as running:
        await nothing_more(running)
        assert gallery_files(place) == sent
        place.loopback.actions.react(IDS.bob, sent[0], STAR)
        await until_entries(running, ("posted", 1))
        await nothing_more(running)
        assert gallery_files(place) == sent


async def test_a_post_in_a_forum_is_found_though_our_clock_was_ahead(
    place: Discord, alice: Visitor
) -> None:
    add_forum(place)
    place.clock.shift_s += 3600
    async with gallery_bot(place, gallery_channel_id=FORUM) as running:
        _, message = await picture(alice, running)
        await whole(await alice.press(message, "Share"))
        await nothing_more(running)
        sent = gallery_files(place)
        await forget_marks(running, sent=len(sent) == 1)
        await nothing_more(running)
        assert gallery_files(place) == sent


async def test_where_a_forum_can_not_be_read_nothing_is_posted_a_second_time(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "CLOSED_S", 0.05)
    monkeypatch.setattr(verdicts, "CLOSED_REST_S", 0.05)
    add_forum(place)
    async with gallery_bot(place, gallery_channel_id=FORUM) as running:
        _, message = await picture(alice, running)
        await whole(await alice.press(message, "Share"))
        await nothing_more(running)
        sent = gallery_files(place)
        place.loopback.faults.add(
            Fault(method="GET", path="/messages/", status=403, code=50001, times=1000)
        )
        await forget_marks(running, sent=len(sent) == 1)
        await nothing_more(running)  # it is parked
        assert gallery_files(place) == sent
        place.loopback.faults.clear()
        await running.services.outbox.wake(IDS.guild)
        async with asyncio.timeout(PATIENCE_S):
            while (await running.services.outbox.counts())["parked"]:
                await asyncio.sleep(0.02)
        assert gallery_files(place) == sent


def gallery_files(place: Discord) -> list[int]:
    """Messages with an entry's file, anywhere."""
    return [
        message.id
        for message in place.world.messages.values()
        if message.deleted_at is None
        and any(file.filename.startswith("gallery-") for file in message.attachments)
    ]


async def test_stars_given_and_taken_while_the_bot_was_away_are_read_again(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, first = await picture(alice, running)
        _, second = await picture(alice, running)
        _, third = await picture(alice, running)
        for visitor in (bob, moderator):
            await visitor.member.react(second, STAR)
        await until_shown(bob, count=1)  # so that the other's post comes last
        await whole(await alice.press(third, "Share"))
        posted = await until_shown(bob, count=2)
        await nothing_more(running)
    for visitor in (bob, moderator):  # the first reaches the threshold, the second loses it
        await visitor.member.react(first, STAR)
        await visitor.member.react(second, STAR, add=False)
    last = posted[-1]
    await moderator.member.react(last, STAR)
    async with open_bot(place) as running:
        wanted = [("posted", 2), ("candidate", 0), ("posted", 1)]
        jobs = [job.id for job in await running.jobs()]
        states: dict[str, tuple[str, int]] = {}
        async with asyncio.timeout(PATIENCE_S):
            while [states.get(job) for job in jobs] != wanted:
                await asyncio.sleep(0.02)
                states = {e.job_id: (e.state, e.votes) for e in await entries(running)}
        await until_shown(bob, count=2)


async def test_messages_deleted_while_the_bot_was_away_take_their_entries_along(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, first = await picture(alice, running)
        _, second = await picture(alice, running)
        for message in (first, second):
            await whole(await alice.press(message, "Share"))
        posted = await until_shown(bob, count=2)
        for message in posted:
            await bob.member.react(message, STAR)
        await nothing_more(running)
    place.loopback.actions.delete(IDS.moderator, first.id)
    async with open_bot(place) as running:
        await until_shown(bob, count=1)
        await nothing_more(running)
        assert [entry.state for entry in await entries(running)] == ["removed", "posted"]


async def test_a_vote_by_button_survives_reading_again(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        await bob.press(message, "Vote")
        await moderator.member.react(message, STAR)
        await until_stars(bob, 2)
    await moderator.member.react(message, STAR, add=False)
    async with open_bot(place) as running:
        await until_stars(bob, 1)
        assert [entry.votes for entry in await entries(running)] == [1]
