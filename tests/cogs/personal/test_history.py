"""`/history` and `/show` as their owner, another member and a moderator use them."""

import io
from collections.abc import AsyncGenerator

import pytest
from PIL import Image

from bot.common.actor import Actor
from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord, Running, running_bot
from tests.cogs.visitors import Visitor, labels, open_bot, whole


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def test_without_pictures_it_says_how_to_make_one(running: Running, alice: Visitor) -> None:
    message = await alice.answer("history")
    assert message.ephemeral
    assert "/imagine" in message.text
    assert message.attachments == []


async def test_a_page_shows_ones_own_pictures_only_the_newest_first(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella")
    await alice.draw(running, "1girl, secret garden", private=True)
    await bob.draw(running, "1boy, sword")
    message = await alice.answer("history")
    assert message.ephemeral
    assert "sword" not in message.text
    assert message.text.index("secret garden") < message.text.index("umbrella")
    assert "private" in message.text
    (sheet,) = message.attachments
    with Image.open(io.BytesIO(sheet.data)) as image:
        assert image.format == "JPEG"


async def test_pages_turn_and_stop_at_their_ends(
    place: Discord, running: Running, alice: Visitor
) -> None:
    await alice.draw(running, "1girl, first", count=4)
    await alice.draw(running, "1girl, second", count=4)
    sent = await alice.member.slash("history", {}, channel=IDS.general)
    page = await whole(sent)
    assert "Page 1 of 2, 8 pictures" in page.text
    assert labels(page)["◀ Newer"] is False
    await alice.member.press(page, "Older ▶")
    page = await sent.wait_for(lambda m: "Page 2 of 2" in m.text)
    assert labels(page) | {"◀ Newer": True, "Older ▶": False} == labels(page)
    assert "second" not in page.text
    await alice.member.press(page, "◀ Newer")
    await sent.wait_for(lambda m: "Page 1 of 2" in m.text)


async def test_buttons_of_before_a_restart_turn_pages(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await alice.draw(running, "1girl, first", count=4)
        await alice.draw(running, "1girl, second", count=4)
        sent = await alice.member.slash("history", {"words": "girl"}, channel=IDS.general)
        page = await whole(sent)
    async with running_bot(place):
        await alice.member.press(page, "Older ▶")
        page = await sent.wait_for(lambda m: "Page 2 of 2" in m.text)
        assert "With: girl" in page.text  # the search is kept in the button


async def test_words_filter_and_the_search_can_be_changed_and_cleared(
    running: Running, alice: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella, rain")
    await alice.draw(running, "1girl, sun_hat")
    sent = await alice.member.slash("history", {"words": "Umbrella rain"}, channel=IDS.general)
    page = await whole(sent)
    assert "rain" in page.text
    assert "hat" not in page.text
    opened = await alice.member.press(page, "Search")
    await alice.member.submit_modal(opened, {"words": "sun hat"})
    page = await sent.wait_for(lambda m: "With: sun hat" in m.text)
    assert "umbrella" not in page.text
    await alice.member.press(page, "Clear the search")
    page = await sent.wait_for(lambda m: "With:" not in m.text)
    assert "umbrella" in page.text
    assert "hat" in page.text
    nothing = await alice.answer("history", words="dragon")
    assert "No picture of yours" in nothing.text
    assert "Clear the search" in labels(nothing)


async def test_favourites_are_starred_and_filtered(running: Running, alice: Visitor) -> None:
    liked = await alice.draw(running, "1girl, umbrella")
    await alice.draw(running, "1girl, hat")
    _, pictures = await running.services.results.pictures_of(liked.id)
    await running.services.results.toggle_favourite(user_id=IDS.alice, picture_id=pictures[0].id)
    sent = await alice.member.slash("history", {}, channel=IDS.general)
    page = await whole(sent)
    assert page.text.count("❤️") == 1
    await alice.member.press(page, "❤️ Favourites")
    page = await sent.wait_for(lambda m: "Your favourites" in m.text)
    assert "umbrella" in page.text
    assert "hat" not in page.text
    await alice.member.press(page, "All pictures")
    await sent.wait_for(lambda m: "hat" in m.text)


async def test_a_page_that_vanished_gives_the_last_one(running: Running, alice: Visitor) -> None:
    first = await alice.draw(running, "1girl, first", count=4)
    await alice.draw(running, "1girl, second", count=3)
    sent = await alice.member.slash("history", {}, channel=IDS.general)
    page = await whole(sent)
    results = running.services.results
    actor = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.general)
    await results.delete(first.id, actor=actor)
    await alice.member.press(page, "Older ▶")
    page = await sent.wait_for(lambda m: "3 pictures" in m.text)
    assert "Page 1 of 1" in page.text


async def test_choosing_opens_the_whole_picture_with_fresh_buttons(
    running: Running, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl, umbrella", count=2)
    page = await alice.answer("history")
    (menu,) = page.selects
    second = menu["options"][1]["value"]
    opened = await alice.member.select(page, "ekaki:open", [second])
    message = await whole(opened)
    assert message.ephemeral
    (file,) = message.attachments
    assert file.filename == f"ekaki-{job.id}-2.png"
    assert any(b["custom_id"] == f"ekaki:reroll:{job.id}" for b in message.buttons)


async def test_show_brings_a_public_picture_back_for_everybody(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    job = await alice.draw(running, "1girl, umbrella")
    own = await alice.answer("show", id=job.id)
    assert not own.ephemeral
    assert [file.filename for file in own.attachments] == [f"ekaki-{job.id}-1.png"]
    assert own.mention_ids == []
    others = await bob.answer("show", channel=IDS.art, id=f" {job.id.upper()} ")
    assert len(others.attachments) == 1


async def test_a_private_picture_is_shown_to_its_owner_and_moderators_alone(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job = await alice.draw(running, "1girl, secret", private=True)
    own = await alice.answer("show", id=job.id)
    assert own.ephemeral
    assert len(own.attachments) == 1
    refused = await bob.answer("show", id=job.id)
    unknown = await bob.answer("show", id="aaaaaaaaaaaa")
    assert refused.text == unknown.text  # not even that it exists
    assert refused.ephemeral
    assert refused.attachments == []
    looked_up = await moderator.answer("show", id=job.id)
    assert looked_up.ephemeral
    assert len(looked_up.attachments) == 1


async def test_show_suggests_ones_own_by_words_or_id(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    umbrella = await alice.draw(running, "1girl, umbrella", count=2)
    hat = await alice.draw(running, "1girl, hat")

    async def suggested(visitor: Visitor, typed: str) -> list[str]:
        choices = await visitor.member.autocomplete(
            "show", {"id": typed}, "id", channel=IDS.general
        )
        return [choice["value"] for choice in choices]

    assert await suggested(alice, "") == [hat.id, umbrella.id]
    assert await suggested(alice, "umbr") == [umbrella.id]
    assert await suggested(alice, hat.id[:5]) == [hat.id]
    assert await suggested(bob, "") == []


async def test_show_of_what_is_not_there_yet_says_where_to_look(
    running: Running, alice: Visitor
) -> None:
    running.engine.hold()
    await alice.member.slash("imagine", {"prompt": "1girl"}, channel=IDS.general)
    job = await running.job()
    message = await alice.answer("show", id=job.id)
    assert message.ephemeral
    assert "/queue" in message.text


async def test_a_lost_file_is_told_privately_and_leaves_no_public_trace(
    place: Discord, running: Running, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl, umbrella")
    _, (picture,) = await running.services.results.pictures_of(job.id)
    (file,) = place.folder.rglob(f"{picture.content_hash}.png")
    file.unlink()
    sent = await alice.member.slash("show", {"id": job.id}, channel=IDS.general)
    told = await sent.wait_for(lambda m: "gone" in m.text)
    assert told.ephemeral
    assert len(place.seen(IDS.general)) == 1  # the job's own message
    page = await alice.answer("history")  # and the page still comes
    assert "umbrella" in page.text


async def test_a_rating_above_the_place_is_not_shown_there(
    place: Discord, running: Running, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl, umbrella")
    async with running.services.database.transaction() as connection:
        await connection.execute("UPDATE pictures SET rating = 1")
    refused = await alice.answer("show", id=job.id)
    assert "sensitive" in refused.text
    assert refused.attachments == []
    page = await alice.answer("history")
    assert "umbrella" not in page.text
    assert page.selects == []


async def test_in_direct_messages_it_is_the_same(running: Running, alice: Visitor) -> None:
    job = await alice.draw(running, "1girl, umbrella")
    page = await alice.answer("history", channel=IDS.dm_alice)
    assert "umbrella" in page.text
    shown = await alice.answer("show", channel=IDS.dm_alice, id=job.id)
    assert len(shown.attachments) == 1
    assert "not set" in (await alice.answer("me", channel=IDS.dm_alice)).text
    assert "Nothing is waiting" in (await alice.answer("queue", channel=IDS.dm_alice)).text
