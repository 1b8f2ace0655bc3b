"""Pictures come into the gallery channel by button or by stars, once, and leave it again."""

from typing import Any

import pytest

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from data.gallery import posts
from data.guilds import audit, blocks, place_settings
from data.guilds.audit import AuditEntry
from data.guilds.blocks import Block
from data.store.connection import Connection
from pipeline.errors import StorageError
from pipeline.rating import Rating
from tests.cogs.gallery.helpers import (
    FORUM,
    STAR,
    add_forum,
    choose,
    entries,
    gallery_house,
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
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, whole
from tests.support.faults import Fault
from tests.support.patience import until
from tests.support.views import MessageView


async def test_the_owner_shares_with_a_button(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with gallery_house(place) as running:
        job, message = await picture(alice, running)
        sent = await alice.member.press(message, "Share")
        assert (await whole(sent)).ephemeral
        assert "appears in the gallery" in sent.text
        (entry,) = await until_shown(bob, count=1)
        assert f"<@{IDS.alice}>" in entry.text
        assert "1girl, smile" in entry.text
        assert entry.mention_ids == []
        assert entry.attachments[0].data == message.attachments[0].data
        (stored,) = await entries(running)
        assert (stored.maker_id, stored.maker_name, stored.job_id) == (IDS.alice, "Alice", job.id)
        again = await alice.member.press(message, "Share")
        assert "already" in (await whole(again)).text
        await nothing_more(running)
        assert len(shown(bob)) == 1


async def test_others_may_not_share_and_moderators_may(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        refused = await bob.member.press(message, "Share")
        assert "Only the person who made" in (await whole(refused)).text
        assert await entries(running) == []
        await whole(await moderator.member.press(message, "Share"))
        await until_shown(bob, count=1)


async def test_stars_reach_the_threshold_and_are_counted_live(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        await bob.member.react(message, STAR)
        await nothing_more(running)
        assert shown(bob) == []
        await moderator.member.react(message, STAR)
        await until_stars(bob, 2)
        (posted,) = shown(bob)
        sent = await bob.member.press(posted, "ekaki:vote")  # has a vote: takes it back
        assert "taken back" in (await whole(sent)).text
        await until_stars(bob, 1)
        await moderator.member.react(message, STAR, add=False)
        await until_shown(bob, count=0)
        assert [entry.state for entry in await entries(running)] == ["candidate"]
        await moderator.member.react(message, STAR)
        await bob.member.press(message, "⭐ Vote")
        await until_shown(bob, count=1)


async def test_stars_under_a_picture_brought_back_count_as_well(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place) as running:
        job, _ = await picture(alice, running, count=2)
        again = await alice.answer("show", id=job.id)
        assert not again.ephemeral
        for visitor in (bob, moderator):
            await visitor.member.react(again, "2\u20e3")
        await until_shown(bob, count=1)
        await until_entries(running, ("posted", 2))
        _, pictures = await running.services.results.pictures_of(job.id)
        one = await alice.answer("show", id=pictures[0].id)
        await bob.member.react(one, STAR)
        await until_entries(running, ("posted", 2), ("candidate", 1))
        place.loopback.actions.delete(IDS.moderator, one.id)
        await until_entries(running, ("posted", 2), ("candidate", 0))


async def test_one_person_has_one_vote_and_none_for_their_own(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        await alice.member.react(message, STAR)
        sent = await alice.member.press(message, "⭐ Vote")
        assert "can't star your own" in (await whole(sent)).text
        await bob.member.react(message, STAR)
        await nothing_more(running)
        await whole(await alice.member.press(message, "Share"))
        (posted,) = await until_shown(bob, count=1)
        await bob.member.react(posted, STAR)
        await nothing_more(running)
        assert [entry.votes for entry in await entries(running)] == [1]
        await bob.member.react(message, STAR, add=False)
        await nothing_more(running)
        assert [entry.votes for entry in await entries(running)] == [1], "a star is left"
        await bob.member.react(posted, STAR, add=False)
        await until_stars(bob, 0)


async def test_self_votes_where_the_server_wants_them(place: Discord, alice: Visitor) -> None:
    async with gallery_house(place, gallery_self_votes=True, gallery_threshold=1) as running:
        _, message = await picture(alice, running)
        await alice.member.react(message, STAR)
        await until_stars(alice, 1)


async def test_a_number_is_a_vote_for_that_picture(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place, gallery_threshold=1) as running:
        job, message = await picture(alice, running, count=3)
        await bob.member.react(message, "2️⃣")
        await until_shown(bob, count=1)
        _, pictures = await running.services.results.pictures_of(job.id)
        assert [entry.picture_id for entry in await entries(running)] == [pictures[1].id]
        sent = await bob.member.press(message, "⭐ Vote")
        which = await whole(sent)
        await bob.member.press(which, "3")
        await until_shown(bob, count=2)


async def test_a_star_given_and_taken_in_one_moment_is_taken(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        for _ in range(5):
            await bob.member.react(message, STAR)
            await bob.member.react(message, STAR, add=False)
        await nothing_more(running)
        assert [entry.votes for entry in await entries(running)] == [0]


async def test_the_count_is_edited_seldom(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place, edit_every_s=0.5) as running:
        _, posted = await share(alice, running, seen_by=bob)
        for visitor in (bob, moderator) * 5:
            await visitor.member.press(posted, "ekaki:vote")
        await bob.member.press(posted, "ekaki:vote")
        await until_stars(bob, 1)
        await nothing_more(running)
        edits = place.loopback.log.find("PATCH", rf"/messages/{posted.id}$")
        assert 1 <= len(edits) <= 4, "eleven votes, one edit in half a second"


async def test_a_deleted_message_takes_its_entry_along(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        message, _ = await share(alice, running, seen_by=bob)
        place.loopback.actions.delete(IDS.moderator, message.id)
        await until_shown(bob, count=0)
        assert [entry.state for entry in await entries(running)] == ["removed"]


async def test_a_deleted_picture_is_gone_everywhere(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        message, _ = await share(alice, running, seen_by=bob)
        asked = await alice.member.press(message, "Delete")
        await alice.member.press(await whole(asked), "Delete permanently")
        await until_shown(bob, count=0)
        assert await entries(running) == []


async def test_a_moderator_who_deletes_the_gallerys_message_takes_the_entry_out(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        message, posted = await share(alice, running, seen_by=bob)
        place.loopback.changes.purge([place.world.messages[posted.id]])
        await nothing_more(running)
        assert [entry.state for entry in await entries(running)] == ["removed"]
        sent = await alice.member.press(message, "Share")
        assert "taken out" in (await whole(sent)).text
        assert shown(bob) == []


async def test_a_moderator_takes_out_and_features(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place) as running:
        _, posted = await share(alice, running, seen_by=bob)
        seen = await whole(await bob.member.press(posted, "Details"))
        assert [b["label"] for b in seen.buttons] == []
        tools = await whole(await moderator.member.press(posted, "Details"))
        await moderator.member.press(tools, "Feature")
        await bob.member.wait_for(lambda: "Featured" in shown(bob)[0].text)
        assert shown(bob)[0].attachments[0].filename == posted.attachments[0].filename
        tools = await whole(await moderator.member.press(posted, "Details"))
        await moderator.member.press(tools, "Remove from gallery")
        await until_shown(bob, count=0)
        kinds = [entry.kind for entry in await audit_log(running)]
        assert kinds.count("gallery_added") == 1
        assert kinds.count("gallery_removed") == 1


async def audit_log(running: Running) -> list[AuditEntry]:

    async with running.services.database.reader() as connection:
        return await audit.page(connection, guild_id=IDS.guild, offset=0, limit=99)


async def test_approval_comes_first_where_the_server_wants_it(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place, gallery_approval=True) as running:
        _, message = await picture(alice, running)
        sent = await alice.member.press(message, "Share")
        assert "as soon as a moderator" in (await whole(sent)).text
        await nothing_more(running)
        assert shown(bob) == []
        tools = await whole(await moderator.member.press(message, "Share"))
        assert "waiting for approval" in tools.text
        (entry,) = await entries(running)
        details = await details_of(moderator, entry.picture_id, message, place)
        await moderator.member.press(details, "Approve")
        await until_shown(bob, count=1)


async def details_of(
    visitor: Visitor, picture_id: str, message: MessageView, place: Discord
) -> MessageView:
    """Details, as a gallery message has them, pressed under another message."""
    raw = place.world.messages[message.id].components[0]["components"][0]
    raw["custom_id"] = f"ekaki:details:{picture_id}"
    return await whole(await visitor.member.press(message, raw["custom_id"]))


async def test_an_excluded_channel_stays_out(place: Discord, alice: Visitor, bob: Visitor) -> None:
    excluded = frozenset({IDS.general})
    async with gallery_house(place, gallery_excluded=excluded, gallery_threshold=1) as running:
        _, message = await picture(alice, running)
        sent = await alice.member.press(message, "Share")
        assert "stay out" in (await whole(sent)).text
        await bob.member.react(message, STAR)
        await nothing_more(running)
        assert await entries(running) == []
        await choose(running, gallery_threshold=1)
        sent = await alice.member.press(message, "Share")
        await until_shown(bob, count=1)


async def test_a_lower_threshold_posts_what_reaches_it_and_a_higher_takes_nothing(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place, gallery_threshold=5) as running:
        _, message = await picture(alice, running)
        await bob.member.react(message, STAR)
        await nothing_more(running)
        assert shown(bob) == []
        await choose(running, gallery_threshold=1)
        await until_shown(bob, count=1)
        await choose(running, gallery_threshold=50)
        await nothing_more(running)
        assert len(shown(bob)) == 1


async def test_a_block_hides_and_its_end_shows_again(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        await share(alice, running, seen_by=bob)
        block = Block(
            guild_id=IDS.guild, subject="user", subject_id=IDS.alice, reason="",
            blocked_by=IDS.moderator, blocked_at=place.clock.time(), until=None,
        )  # fmt: skip
        async with running.services.database.transaction() as connection:
            await blocks.put(connection, block=block)
        await until_shown(bob, count=0)
        async with running.services.database.transaction() as connection:
            await blocks.remove(
                connection, guild_id=IDS.guild, subject="user", subject_id=IDS.alice
            )
        await until_shown(bob, count=1)


async def test_a_lower_ceiling_takes_away_what_is_above_it(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        await set_ceiling(running, Rating.SENSITIVE)
        _, message = await picture(alice, running, rating="sensitive")
        await whole(await alice.member.press(message, "Share"))
        await until_shown(bob, count=1)
        await set_ceiling(running, Rating.SAFE)
        await until_shown(bob, count=0)
        assert [entry.state for entry in await entries(running)] == ["hidden"]
        await set_ceiling(running, Rating.SENSITIVE)
        await until_shown(bob, count=1)


async def test_a_private_picture_asks_first_and_is_then_everybodys(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        await alice.draw(running, "1girl, secret", steps=2, private=True)
        (message,) = [m for m in alice.member.visible_messages(IDS.general) if m.ephemeral]
        assert "⭐ Vote" not in [b["label"] for b in message.buttons]
        asked = await whole(await alice.member.press(message, "Share"))
        assert "private" in asked.text
        assert await entries(running) == []
        await alice.member.press(asked, "Share anyway")
        (posted,) = await until_shown(bob, count=1)
        form = await bob.member.press(posted, "🎨 Remix")
        assert form.modal is not None, "what everybody sees, everybody may remix"


async def test_a_forum_gets_a_post_for_each(place: Discord, alice: Visitor, bob: Visitor) -> None:
    add_forum(place)
    async with gallery_house(place, gallery_channel_id=FORUM, gallery_kind="forum") as running:
        _, message = await picture(alice, running)
        await whole(await alice.member.press(message, "Share"))

        def threads() -> list[int]:
            return [c.id for c in place.world.channels.values() if c.parent_id == FORUM]

        (thread,) = await bob.member.wait_for(threads)
        assert place.world.channels[thread].name == "1girl, smile"
        (posted,) = await until_shown(bob, count=1, channel=thread)
        await bob.member.react(posted, STAR)
        await until_stars(bob, 1, channel=thread)
        place.world.channels[thread].archived = True
        sent = await bob.member.press(posted, "ekaki:vote")
        assert "taken back" in (await whole(sent)).text
        await until_stars(bob, 0, channel=thread)
        await whole(await alice.member.press(message, "Share"))
        (entry,) = await entries(running)
        tools = await whole(await alice.member.press(message, "Share"))
        await alice.member.press(tools, f"ekaki:takeout:{entry.id}")
        await until_shown(bob, count=0, channel=thread)
        await nothing_more(running)
        assert place.world.channels[thread].archived, "an empty post is closed"


async def test_higher_ratings_go_into_the_age_restricted_channel_only(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    """`nsfw` needs an output check; `sensitive` above the first channel's own ceiling shows it."""
    async with gallery_house(place, gallery_adult_channel_id=IDS.age_restricted) as running:
        await set_ceiling(running, Rating.SENSITIVE)
        async with running.services.database.transaction() as connection:
            await place_settings.set_ratings(
                connection, scope="channel", id=IDS.gallery, guild_id=IDS.guild,
                ceiling=Rating.SAFE, default=None,
            )  # fmt: skip
        _, safe = await picture(alice, running)
        _, higher = await picture(alice, running, rating="sensitive")
        await whole(await alice.member.press(safe, "Share"))
        await whole(await alice.member.press(higher, "Share"))
        await until_shown(bob, count=1)
        await until_shown(bob, count=1, channel=IDS.age_restricted)
        place.loopback.changes.set_age_restricted(IDS.age_restricted, on=False)
        await until_shown(bob, count=0, channel=IDS.age_restricted)
        assert len(shown(bob)) == 1
        sent = await alice.member.press(higher, "Share")
        assert "already" in (await whole(sent)).text


@pytest.mark.parametrize("count", [1, 2])
async def test_only_where_there_is_a_gallery_are_its_buttons_offered(
    place: Discord, alice: Visitor, count: int
) -> None:
    async with gallery_house(place) as running:
        job, message = await picture(alice, running, count=count)
        assert {"⭐ Vote", "Share"} <= labels(message).keys()
        shown = await alice.answer("show", id=job.id)
        assert {"⭐ Vote", "Share"} <= labels(shown).keys()
        await choose(running, gallery_channel_id=None)
        _, message = await picture(alice, running, count=count)
        assert not {"⭐ Vote", "Share"} & labels(message).keys()
        shown = await alice.answer("show", id=job.id)
        assert not {"⭐ Vote", "Share"} & labels(shown).keys()


@pytest.mark.parametrize("count", [1, 2])
async def test_buttons_that_outlive_the_gallery_say_so(
    place: Discord, alice: Visitor, count: int
) -> None:
    async with gallery_house(place) as running:
        _, message = await picture(alice, running, count=count)
        await choose(running, gallery_channel_id=None)
        for label in ("Share", "⭐ Vote"):
            sent = await alice.member.press(message, label)
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
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        sent = await alice.member.press(message, "Share")
        words = (await whole(sent)).text
        assert "#gallery" in words
        assert "Send Messages" in words
        assert "Attach Files" in words
        assert await entries(running) == []


async def test_a_picture_that_could_not_be_posted_comes_when_it_is_allowed(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    channel = place.world.channels[IDS.gallery]
    async with gallery_house(place, gallery_threshold=1) as running:
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
    async with gallery_house(place) as running:
        _, message = await picture(alice, running)
        fault = Fault(method="POST", path=f"/channels/{IDS.gallery}/messages", times=6, cut=cut)  # pyright: ignore[reportArgumentType]
        place.loopback.faults.add(fault)
        await whole(await alice.member.press(message, "Share"))
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
    async with gallery_house(place) as running:
        await share(alice, running, seen_by=bob)
    assert next(locked, None) is None, "it was locked once"


async def test_another_channel_that_is_deleted_leaves_the_entries(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_house(place) as running:
        await share(alice, running, seen_by=bob)
        place.loopback.changes.delete_channel(IDS.gallery)
        await nothing_more(running)
        assert [entry.state for entry in await entries(running)] == ["posted"]
        await choose(running, gallery_channel_id=IDS.art)
        await nothing_more(running)
        assert shown(bob, IDS.art) == [], "old ones don't flood the new channel"


async def test_how_many_stars_are_needed_is_said_only_on_the_way_there(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_house(place, gallery_threshold=2) as running:
        _, message = await picture(alice, running)
        first = (await whole(await bob.member.press(message, "⭐ Vote"))).text
        assert "With 2 a picture goes into the gallery" in first
        assert "is in the gallery" not in first
        second = (await whole(await moderator.member.press(message, "⭐ Vote"))).text
        assert "With 2" not in second
        assert "The picture is in the gallery" in second
        back = (await whole(await moderator.member.press(message, "⭐ Vote"))).text
        assert "⭐ 1." in back
        assert "The picture is in the gallery" in back
        await whole(await bob.member.press(message, "⭐ Vote"))
        again = (await whole(await bob.member.press(message, "⭐ Vote"))).text
        assert "With 2 a picture goes into the gallery" in again, "taken out: on its way anew"
