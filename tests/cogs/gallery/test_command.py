"""`/gallery`: two members make, star and find pictures; what may not be shown is never shown."""

import re
from typing import Any

import pytest

from bot.common.actor import Actor
from bot.playground.simulator.default_world import IDS
from cogs.common.gallery_gates import gate_for
from cogs.gallery.cursor import TEMPLATE, Looking
from data.guilds import place_settings
from pipeline.rating import Rating
from tests.cogs.gallery.helpers import (
    STAR,
    choose,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    set_ceiling,
    shown,
    until_entries,
    until_shown,
)
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, whole
from tests.support.views import MessageView

NOTHING = "No picture in this server's gallery matches"


async def share(visitor: Visitor, running: Running, prompt: str, **options: object) -> MessageView:
    """A picture in the gallery; its own message."""
    _, message = await picture(visitor, running, prompt, **options)
    await whole(await visitor.press(message, "Share"))
    return message


async def test_two_members_make_star_and_find_pictures(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, "1girl, umbrella")
        await share(bob, running, "1boy, sword")
        await share(alice, running, "cat, window")
        posted = {m.text.splitlines()[-1]: m for m in await until_shown(bob, count=3)}
        await bob.member.react(posted["1girl, umbrella"], STAR)
        await until_entries(running, ("posted", 1), ("posted", 0), ("posted", 0))

        top = await bob.answer("gallery top")
        assert top.ephemeral
        assert "1girl, umbrella" in top.text
        assert "⭐ 1" in top.text
        new = await bob.answer("gallery new")
        assert "cat, window" in new.text
        assert labels(new)["◀ Previous"] is False
        await bob.member.press(new, "Next ▶")
        await bob.member.wait_for(lambda: "1boy, sword" in bob.member.message(new.id).text)
        await bob.member.press(new, "◀ Previous")
        await bob.member.wait_for(lambda: "cat, window" in bob.member.message(new.id).text)
        searches: list[tuple[dict[str, Any], str]] = [
            ({"words": "umbrella"}, "1girl, umbrella"),
            ({"words": "swo*"}, "1boy, sword"),
            ({"maker": IDS.bob}, "1boy, sword"),
            ({"words": "-cat -sword"}, "1girl, umbrella"),
            ({"shape": "portrait", "words": "window"}, "cat, window"),
            ({"period": "day", "top": True}, "1girl, umbrella"),
        ]
        for options, expected in searches:
            found = await bob.answer("gallery search", **options)
            assert expected in found.text, options
        assert NOTHING in (await bob.answer("gallery search", words="dragon")).text
        assert "1boy, sword" in (await alice.answer("gallery by", maker=IDS.bob)).text
        assert "1boy, sword" in (await bob.answer("gallery mine")).text
        any_one = (await bob.answer("gallery random")).text
        assert any(name in any_one for name in ("umbrella", "sword", "window"))

        tools = await whole(await moderator.member.press(posted["1boy, sword"], "Details"))
        await moderator.member.press(tools, "Remove from gallery")
        await until_shown(bob, count=2)
        assert NOTHING in (await bob.answer("gallery search", words="sword")).text
        assert NOTHING in (await bob.answer("gallery mine")).text


async def test_from_the_browser_one_remixes_marks_votes_and_looks_closer(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, "1girl, umbrella")
        page = await bob.answer("gallery new")
        form = await bob.press(page, "Remix")
        assert "umbrella" in str(form.modal)
        marked = await bob.press(page, "Favourite")
        assert "favourites" in (await whole(marked)).text
        voted = await bob.press(page, "Vote")
        assert "⭐ 1" in (await whole(voted)).text
        details = await whole(await bob.member.press(page, "Details"))
        assert "1girl, umbrella" in details.text


async def test_from_the_browser_one_reports_to_the_moderators(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        secret = await alice.draw(running, "1girl, umbrella", steps=2, private=True)
        (posted,) = await shared_by_hand(running, secret.id, bob)
        page = await bob.answer("gallery new")
        form = await bob.member.press(page, "Report")
        thanks = await whole(await bob.member.submit_modal(form, {"reason": "traced"}))
        assert "moderators" in thanks.text
        queue = await moderator.answer("moderate reports")
        assert "traced" in queue.text
        assert f"/{IDS.gallery}/{posted.id}" in queue.text, "leads to the message that all see"
        own = await alice.member.press(await alice.answer("gallery new"), "Report")
        refused = await whole(await alice.member.submit_modal(own, {"reason": ""}))
        assert "your own" in refused.text
        form = await bob.member.press(page, "Report")
        await moderator.member.press(queue, "Delete picture")
        await until_shown(bob, count=0)
        late = await whole(await bob.member.submit_modal(form, {"reason": "late"}))
        assert "any more" in late.text or "no picture" in late.text.lower()


async def shared_by_hand(running: Running, job_id: str, eye: Visitor) -> list[MessageView]:
    """The first picture of a job in the gallery, whoever was asked."""
    job, pictures = await running.services.results.pictures_of(job_id)
    actor = Actor(user_id=job.user_id, guild_id=IDS.guild, channel_id=job.channel_id)
    gate = await gate_for(running.bot, IDS.guild, job)
    await running.services.gallery.share(pictures[0].id, actor=actor, gate=gate)
    return await until_shown(eye, count=1)


async def test_details_lead_to_the_web_page_where_it_is_on_it(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place, gallery_web=True, web_url="https://g.example.org") as running:
        await share(alice, running, "1girl, umbrella")
        (posted,) = await until_shown(bob, count=1)
        details = await whole(await bob.member.press(posted, "Details"))
        assert not details.buttons
        await alice.answer("gallery public", on=True)
        details = await whole(await bob.member.press(posted, "Details"))
        (entry,) = await entries(running)
        assert [b["url"] for b in details.buttons] == [f"https://g.example.org/p/{entry.id}"]


async def test_the_ceiling_of_the_place_holds_always(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await set_ceiling(running, Rating.SENSITIVE)
        async with running.services.database.transaction() as connection:
            await place_settings.set_ratings(
                connection, scope="channel", id=IDS.art, guild_id=IDS.guild,
                ceiling=Rating.SAFE, default=None,
            )  # fmt: skip
        await share(alice, running, "1girl, swimsuit", rating="sensitive")
        await until_shown(bob, count=1)
        page = await bob.answer("gallery new")
        assert "swimsuit" in page.text
        for command in ("gallery new", "gallery top", "gallery random", "gallery search"):
            assert NOTHING in (await bob.answer(command, channel=IDS.art)).text, command
        assert NOTHING in (await alice.answer("gallery mine", channel=IDS.art)).text
        await set_ceiling(running, Rating.SAFE)
        await until_shown(bob, count=0)
        turned = await bob.member.press(page, "ekaki:vote")
        assert turned.state == "acknowledged"
        assert NOTHING in (await bob.answer("gallery new")).text


async def test_a_public_page_is_turned_by_who_asked_and_others_get_their_own(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, "1girl, umbrella")
        await share(alice, running, "1boy, sword")
        await until_shown(bob, count=2)
        page = await bob.answer("gallery new", show=True)
        assert not page.ephemeral
        sent = await alice.member.press(page, "Next ▶")
        own = await whole(sent)
        assert own.ephemeral
        assert "umbrella" in own.text
        assert "sword" in bob.member.message(page.id).text


async def test_a_page_speaks_the_language_of_whoever_reads_it(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    """The server's if everybody does, also when it was turned; else that of who asked."""
    guild = place.world.guilds[IDS.guild]
    guild.features, guild.preferred_locale = ["COMMUNITY"], "ja"
    async with gallery_bot(place) as running:
        for prompt in ("1girl, umbrella", "1boy, sword"):
            _, message = await picture(alice, running, prompt)
            panel = await whole(await alice.member.press(message, "その他"))
            await alice.member.press(panel, "Share")
        await until_shown(bob, count=2)
        page = await bob.answer("gallery new", show=True)
        assert "次へ ▶" in labels(page)
        await bob.member.press(page, "次へ ▶")
        await bob.member.wait_for(lambda: "umbrella" in bob.member.message(page.id).text)
        assert "次へ ▶" in labels(bob.member.message(page.id))
        assert "Next ▶" in labels(await bob.answer("gallery new"))


async def test_what_waits_is_for_moderators(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place, gallery_approval=True) as running:
        await share(alice, running, "1girl, umbrella")
        assert "umbrella" not in (await bob.answer("gallery waiting")).text
        page = await moderator.answer("gallery waiting")
        assert "umbrella" in page.text
        await moderator.member.press(page, "Approve")
        await until_shown(bob, count=1)
        assert "Nothing waits" in (await moderator.answer("gallery waiting")).text


async def test_a_makers_word_about_the_web_page(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place, gallery_web=True) as running:
        await share(alice, running, "1girl, umbrella")
        await until_shown(bob, count=1)
        assert [entry.on_web for entry in await entries(running)] == [False]
        await alice.answer("gallery public", on=True)
        assert [entry.on_web for entry in await entries(running)] == [True]
        await choose(running, gallery_web=False)
        assert [entry.on_web for entry in await entries(running)] == [False]


async def test_tags_are_suggested(place: Discord, alice: Visitor) -> None:
    async with gallery_bot(place):
        found = await alice.member.autocomplete(
            "gallery search", {"words": "umbr"}, "words", channel=IDS.general
        )
        assert "umbrella" in [choice["value"] for choice in found]


@pytest.mark.parametrize("way", ["first", "after", "before"])
def test_a_button_holds_where_one_is(way: str) -> None:
    looking = Looking(
        order="top", words="x" * 42, rating=Rating.NSFW, shape="square", period="month",
        maker_id=2**63 - 1, entry="a" * 26,
    )  # fmt: skip
    custom_id = looking.custom_id(way)  # pyright: ignore[reportArgumentType]
    assert len(custom_id) <= 100
    match = re.fullmatch(TEMPLATE, custom_id)
    assert match is not None
    assert Looking.parse(match) == (looking, way)


async def test_nothing_twice_after_a_restart(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, "1girl, umbrella")
        (posted,) = await until_shown(bob, count=1)
    async with gallery_bot(place) as running:
        await nothing_more(running)
        assert [m.id for m in shown(bob)] == [posted.id]
        page = await bob.answer("gallery new")
        assert "umbrella" in page.text
