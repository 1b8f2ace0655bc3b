"""Stars and votes under a picture count one for each person, and bring it into the gallery."""

from bot.playground.simulator.default_world import IDS
from tests.cogs.gallery.helpers import (
    STAR,
    choose,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    share,
    shown,
    until_entries,
    until_shown,
    until_stars,
)
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, whole


async def test_stars_reach_the_threshold_and_are_counted_live(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        await bob.member.react(message, STAR)
        await nothing_more(running)
        assert shown(bob) == []
        await moderator.member.react(message, STAR)
        await until_stars(bob, 2)
        (posted,) = shown(bob)
        sent = await bob.member.press(posted, "ekaki:vote")  # has a vote: takes it back
        assert "was removed" in (await whole(sent)).text
        await until_stars(bob, 1)
        await moderator.member.react(message, STAR, add=False)
        await until_shown(bob, count=0)
        assert [entry.state for entry in await entries(running)] == ["candidate"]
        await moderator.member.react(message, STAR)
        await bob.press(message, "Vote")
        await until_shown(bob, count=1)


async def test_stars_under_a_picture_brought_back_count_as_well(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
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
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        await alice.member.react(message, STAR)
        sent = await alice.press(message, "Vote")
        assert "can't star your own" in (await whole(sent)).text
        await bob.member.react(message, STAR)
        await nothing_more(running)
        await whole(await alice.press(message, "Share"))
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
    async with gallery_bot(place, gallery_self_votes=True, gallery_threshold=1) as running:
        _, message = await picture(alice, running)
        await alice.member.react(message, STAR)
        await until_stars(alice, 1)


async def test_a_number_is_a_vote_for_that_picture(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place, gallery_threshold=1) as running:
        job, message = await picture(alice, running, count=3)
        await bob.member.react(message, "2️⃣")
        await until_shown(bob, count=1)
        _, pictures = await running.services.results.pictures_of(job.id)
        assert [entry.picture_id for entry in await entries(running)] == [pictures[1].id]
        await bob.member.press(await bob.more(message, 3), "Vote")
        await until_shown(bob, count=2)


async def test_a_star_given_and_taken_in_one_moment_is_taken(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        for _ in range(5):
            await bob.member.react(message, STAR)
            await bob.member.react(message, STAR, add=False)
        await nothing_more(running)
        assert [entry.votes for entry in await entries(running)] == [0]


async def test_the_count_is_edited_seldom(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place, edit_every_s=0.5) as running:
        _, posted = await share(alice, running, seen_by=bob)
        for visitor in (bob, moderator) * 5:
            await visitor.member.press(posted, "ekaki:vote")
        await bob.member.press(posted, "ekaki:vote")
        await until_stars(bob, 1)
        await nothing_more(running)
        edits = place.loopback.log.find("PATCH", rf"/messages/{posted.id}$")
        assert 1 <= len(edits) <= 4, "eleven votes, one edit in half a second"


async def test_a_lower_threshold_posts_what_reaches_it_and_a_higher_takes_nothing(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place, gallery_threshold=5) as running:
        _, message = await picture(alice, running)
        await bob.member.react(message, STAR)
        await nothing_more(running)
        assert shown(bob) == []
        await choose(running, gallery_threshold=1)
        await until_shown(bob, count=1)
        await choose(running, gallery_threshold=50)
        await nothing_more(running)
        assert len(shown(bob)) == 1


async def test_how_many_stars_are_needed_is_said_only_on_the_way_there(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place, gallery_threshold=2) as running:
        _, message = await picture(alice, running)
        first = (await whole(await bob.press(message, "Vote"))).text
        assert "with 2 goes into the gallery" in first
        assert "is in the gallery" not in first
        second = (await whole(await moderator.press(message, "Vote"))).text
        assert "With 2" not in second
        assert "The picture is in the gallery" in second
        back = (await whole(await moderator.press(message, "Vote"))).text
        assert "⭐ 1." in back
        assert "The picture is in the gallery" in back
        await whole(await bob.press(message, "Vote"))
        again = (await whole(await bob.press(message, "Vote"))).text
        assert "with 2 goes into the gallery" in again, "taken out: on its way anew"
