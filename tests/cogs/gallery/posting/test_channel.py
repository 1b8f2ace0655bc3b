"""Pictures are posted in the gallery channel once, and only where they may be."""

from typing import Any

import pytest

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from data.gallery import posts
from data.guilds import place_settings
from data.store.connection import Connection
from pipeline.errors import StorageError
from pipeline.rating import Rating
from tests.cogs.gallery.helpers import (
    FORUM,
    STAR,
    add_forum,
    choose,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    set_ceiling,
    share,
    shown,
    stars_of,
    until_entries,
    until_shown,
    until_stars,
)
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, labels, whole
from tests.support.faults import Fault
from tests.support.patience import until


async def test_the_owner_shares_with_a_button(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with gallery_bot(place) as running:
        job, message = await picture(alice, running)
        sent = await alice.press(message, "Share")
        assert (await whole(sent)).ephemeral
        assert "appears in the gallery" in sent.text
        (entry,) = await until_shown(bob, count=1)
        assert f"<@{IDS.alice}>" in entry.text
        assert "1girl, smile" in entry.text
        assert entry.mention_ids == []
        assert entry.attachments[0].data == message.attachments[0].data
        (stored,) = await entries(running)
        assert (stored.maker_id, stored.maker_name, stored.job_id) == (IDS.alice, "Alice", job.id)
        again = await alice.press(message, "Share")
        assert "already" in (await whole(again)).text
        await nothing_more(running)
        assert len(shown(bob)) == 1


async def test_others_may_not_share_and_moderators_may(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        refused = await bob.press(message, "Share")
        assert "Only the person who made" in (await whole(refused)).text
        assert await entries(running) == []
        await whole(await moderator.press(message, "Share"))
        await until_shown(bob, count=1)


async def test_a_private_picture_asks_first_and_is_then_everybodys(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await alice.draw(running, "1girl, secret", steps=2, private=True)
        (message,) = [m for m in alice.member.visible_messages(IDS.general) if m.ephemeral]
        assert "Vote" not in [b["label"] for b in message.buttons]
        asked = await whole(await alice.press(message, "Share"))
        assert "private" in asked.text
        assert await entries(running) == []
        await alice.member.press(asked, "Share anyway")
        (posted,) = await until_shown(bob, count=1)
        form = await bob.press(posted, "Remix")
        assert form.modal is not None, "what everybody sees, everybody may remix"


async def test_a_forum_gets_a_post_for_each(place: Discord, alice: Visitor, bob: Visitor) -> None:
    add_forum(place)
    async with gallery_bot(place, gallery_channel_id=FORUM, gallery_kind="forum") as running:
        _, message = await picture(alice, running)
        await whole(await alice.press(message, "Share"))

        def threads() -> list[int]:
            return [c.id for c in place.world.channels.values() if c.parent_id == FORUM]

        (thread,) = await bob.member.wait_for(threads)
        assert place.world.channels[thread].name == "1girl, smile"
        (posted,) = await until_shown(bob, count=1, channel=thread)
        await bob.member.react(posted, STAR)
        await until_stars(bob, 1, channel=thread)
        place.world.channels[thread].archived = True
        sent = await bob.member.press(posted, "ekaki:vote")
        assert "was removed" in (await whole(sent)).text
        await until_stars(bob, 0, channel=thread)
        await whole(await alice.press(message, "Share"))
        (entry,) = await entries(running)
        tools = await whole(await alice.press(message, "Share"))
        await alice.member.press(tools, f"ekaki:takeout:{entry.id}")
        await until_shown(bob, count=0, channel=thread)
        await nothing_more(running)
        assert place.world.channels[thread].archived, "an empty post is closed"


async def test_higher_ratings_go_into_the_age_restricted_channel_only(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    """`nsfw` needs an output check; `sensitive` above the first channel's own ceiling shows it."""
    async with gallery_bot(place, gallery_adult_channel_id=IDS.age_restricted) as running:
        await set_ceiling(running, Rating.SENSITIVE)
        async with running.services.database.transaction() as connection:
            await place_settings.set_ratings(
                connection, scope="channel", id=IDS.gallery, guild_id=IDS.guild,
                ceiling=Rating.SAFE, default=None,
            )  # fmt: skip
        _, safe = await picture(alice, running)
        _, higher = await picture(alice, running, rating="sensitive")
        await whole(await alice.press(safe, "Share"))
        await whole(await alice.press(higher, "Share"))
        await until_shown(bob, count=1)
        await until_shown(bob, count=1, channel=IDS.age_restricted)
        place.loopback.changes.set_age_restricted(IDS.age_restricted, on=False)
        await until_shown(bob, count=0, channel=IDS.age_restricted)
        assert len(shown(bob)) == 1
        sent = await alice.press(higher, "Share")
        assert "already" in (await whole(sent)).text


@pytest.mark.parametrize(("count", "chosen"), [(1, None), (2, 2)])
async def test_only_where_there_is_a_gallery_are_its_buttons_offered(
    place: Discord, alice: Visitor, count: int, chosen: int | None
) -> None:
    async with gallery_bot(place) as running:
        job, message = await picture(alice, running, count=count)
        shown = await alice.answer("show", id=job.id)
        for each in (message, shown):
            assert {"Vote", "Share"} <= labels(await alice.more(each, chosen)).keys()
        await choose(running, gallery_channel_id=None)
        for each in (message, shown):
            assert not {"Vote", "Share"} & labels(await alice.more(each, chosen)).keys()


@pytest.mark.parametrize(("count", "chosen"), [(1, None), (2, 2)])
async def test_buttons_that_outlive_the_gallery_say_so(
    place: Discord, alice: Visitor, count: int, chosen: int | None
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running, count=count)
        panel = await alice.more(message, chosen)
        await choose(running, gallery_channel_id=None)
        for label in ("Share", "Vote"):
            sent = await alice.member.press(panel, label)
            assert "no gallery yet" in (await whole(sent)).text
        await alice.member.react(message, STAR)
        await nothing_more(running)
        assert await entries(running) == []


async def test_missing_permissions_are_named_and_nothing_is_shared(
    place: Discord, alice: Visitor
) -> None:
    deny = p.SEND_MESSAGES | p.ATTACH_FILES
    place.world.channels[IDS.gallery].overwrites = [
        {"id": str(IDS.bot), "type": 1, "allow": "0", "deny": str(deny)}
    ]
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        sent = await alice.press(message, "Share")
        words = (await whole(sent)).text
        assert "#gallery" in words
        assert "Send Messages" in words
        assert "Attach Files" in words
        assert await entries(running) == []


async def test_a_picture_that_could_not_be_posted_comes_when_it_is_allowed(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    channel = place.world.channels[IDS.gallery]
    async with gallery_bot(place, gallery_threshold=1) as running:
        channel.overwrites = [
            {"id": str(IDS.bot), "type": 1, "allow": "0", "deny": str(p.SEND_MESSAGES)}
        ]
        _, message = await picture(alice, running)
        await bob.member.react(message, STAR)
        await until_entries(running, ("posted", 1))
        assert shown(bob) == []
        channel.overwrites = []
        place.loopback.changes.set_age_restricted(IDS.gallery, on=True)
        await until_shown(bob, count=1)


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_lost_answer_posts_nothing_twice(
    place: Discord, alice: Visitor, bob: Visitor, cut: str
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        fault = Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", times=6, cut=cut)  # pyright: ignore[reportArgumentType]
        place.loopback.faults.add(fault)
        await whole(await alice.press(message, "Share"))
        await until(lambda: fault.times <= (3 if cut == "before" else 5))  # tried, and again
        place.loopback.faults.clear()
        await until_shown(bob, count=1)
        await nothing_more(running)
        assert len(shown(bob)) == 1
        assert stars_of(shown(bob)[0]) == "⭐ 0"


async def test_a_database_that_is_locked_for_a_moment_delays_a_post_no_longer(
    place: Discord, alice: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, locked = posts.begin, iter([True])

    async def once_locked(connection: Connection, **row: Any) -> None:
        if next(locked, False):
            raise StorageError("database_locked", path="ekaki.db")
        await begin(connection, **row)

    monkeypatch.setattr(posts, "begin", once_locked)
    async with gallery_bot(place) as running:
        await share(alice, running, seen_by=bob)
    assert next(locked, None) is None, "it was locked once"
