"""Withheld pictures are never sent, not even in previews."""

from pathlib import Path
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from data.guilds import place_settings
from pipeline.rating import Rating
from tests.cogs.running import Discord, Running, words
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import until, until_in_thread
from tests.support.tagger import PaintEngine, make_tagger
from tests.support.views import MessageView


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    return make_tagger(tmp_path / "model" / "tagger")


def checked(place: Discord, tagger: Path, **settings: Any) -> Any:
    """The bot with a tagger, and an engine that paints what the prompt says."""
    engine: PaintEngine = settings.pop("engine", None) or PaintEngine()
    return open_bot(place, engine=engine, tagger=str(tagger), **settings)


async def allow(running: Running, rating: Rating) -> None:
    async with running.services.database.transaction() as connection:
        await place_settings.set_ratings(
            connection,
            scope="guild",
            id=IDS.guild,
            guild_id=IDS.guild,
            ceiling=rating,
            default=None,
        )


def said(visitor: Visitor, text: str, channel: int = IDS.general) -> MessageView | None:
    """The message with `text` that `visitor` sees."""
    seen = visitor.member.visible_messages(channel)
    return next((message for message in seen if text in message.text), None)


async def ask(visitor: Visitor, channel: int = IDS.general, **options: Any) -> MessageView:
    """`/imagine` to the end of its job."""
    sent = await visitor.member.slash("imagine", options, channel=channel)
    return await sent.wait_for(lambda message: not message.loading and not _is_open(message))


def _is_open(message: MessageView) -> bool:
    return any(button.get("label") == "Cancel" for button in message.buttons)


def sent_pictures(place: Discord) -> set[str]:
    """Names of all files that any message has ever shown."""
    return {
        file["filename"]
        for event in place.loopback.feed.events
        if event.kind in {"message_create", "message_update"}
        for file in event.data.get("attachments", [])
    }


async def test_a_withheld_picture_reaches_nobody(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await ask(alice, prompt="red-picture")
        told = await until(lambda: said(alice, "rated above `safe`"))
        assert told.ephemeral
        assert "does not count towards your limits" in told.text
        message = await until(lambda: said(alice, "told why in private"))
        for secret in ("red-picture", "rated", "does not fit"):
            assert secret not in message.text, "others read this"
        assert not said(moderator, "red-picture")
        assert not message.attachments
        job = await running.job()
        assert (job.state, await running.used()) == ("failed", 0)
        assert "no pictures yet" in (await alice.answer("history")).text
        for visitor in (alice, moderator):
            assert "made no pictures" in (await visitor.answer("show", id=job.id)).text
        archive = await running.services.people.export(IDS.alice)
        assert b".png" not in archive.replace(b"uploads/", b"")
        assert not [name for name in sent_pictures(place) if name.endswith(".png")]


async def test_the_others_come_with_a_kind_word(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    async with checked(place, tagger) as running:
        message = await ask(alice, prompt="green-picture, red-picture", count=2)
        assert len(message.attachments) == 1
        assert "One more picture was made but is not allowed here" in message.text
        assert await running.used() == 1
        job = await running.delivery("delivered")
        shown = await alice.answer("show", id=job.id)
        assert [file.filename for file in shown.attachments] == [f"ekaki-{job.id}-1.png"]


async def test_adults_only_channels_get_what_moderators_allowed(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await allow(running, Rating.EXPLICIT)
        fine = await ask(alice, IDS.age_restricted, prompt="red-picture", rating="explicit", seed=4)
        assert fine.attachments
        job = await running.delivery("delivered")
        elsewhere = await alice.answer("show", id=job.id)
        assert "`sensitive` at most" in elsewhere.text
        assert not elsewhere.attachments
        hard = await ask(alice, IDS.age_restricted, prompt="rose-picture", rating="explicit")
        assert "not allowed anywhere" in hard.text
        assert not hard.attachments


async def test_what_was_asked_as_safe_but_is_more_is_not_shown_elsewhere(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    """The rating of a picture is what it shows, so it can't be carried into another channel."""
    async with checked(place, tagger) as running:
        await allow(running, Rating.EXPLICIT)
        fine = await ask(alice, IDS.age_restricted, prompt="red-picture")
        assert fine.attachments
        job = await running.delivery("delivered")
        refused = await alice.answer("show", id=job.id)
        assert "rated `explicit`" in refused.text
        grown = await whole(await alice.member.press(fine, "Upscale"))
        assert "at most" not in grown.text  # there it may go on


def seen_drawing(place: Discord) -> set[str]:
    """The messages that have shown progress."""
    return {
        event.data["id"]
        for event in place.loopback.feed.events
        if event.kind == "message_update" and "Drawing" in str(event.data["embeds"])
    }


async def test_previews_are_held_to_the_same(place: Discord, tagger: Path, alice: Visitor) -> None:
    def wait(_: object, step: int) -> None:
        if step == 2:
            until_in_thread(lambda: len(seen_drawing(place)) > len(engine.drawn))

    engine = PaintEngine(fail_at=wait)
    async with checked(place, tagger, engine=engine):
        await ask(alice, prompt="red-picture")
        assert "preview.jpg" not in sent_pictures(place)
        await ask(alice, prompt="green-picture")
        assert "preview.jpg" in sent_pictures(place)


async def test_a_channel_that_loses_its_age_restriction_gets_no_picture(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    engine = PaintEngine()
    async with checked(place, tagger, engine=engine) as running:
        await allow(running, Rating.EXPLICIT)
        engine.hold()
        options = {"prompt": "red-picture", "rating": "explicit"}
        sent = await alice.member.slash("imagine", options, channel=IDS.age_restricted)
        await sent.wait_for(lambda message: not message.loading)
        place.loopback.changes.set_age_restricted(IDS.age_restricted, on=False)
        channel = await until(lambda: running.bot.get_channel(IDS.age_restricted))
        await until(lambda: not channel.is_nsfw())
        engine.release()
        await running.delivery("delivered")
        assert sent.message is not None
        assert "no longer allows that" in sent.message.text
        assert not [name for name in sent_pictures(place) if name.endswith(".png")]


async def test_what_is_for_adults_never_becomes_a_direct_message(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    engine = PaintEngine()
    async with checked(place, tagger, engine=engine) as running:
        await allow(running, Rating.EXPLICIT)
        engine.hold()
        options = {"prompt": "red-picture", "rating": "explicit", "private": True}
        sent = await alice.member.slash("imagine", options, channel=IDS.age_restricted)
        await sent.wait_for(lambda message: not message.loading)
        place.advance(16 * 60)  # the interaction is over
        engine.release()
        await running.delivery("delivered")
        (told,) = place.seen(IDS.dm_alice)
        assert "`/history` shows it to you alone" in words(told)
        assert "red" not in words(told), "nor what it shows"
        assert not [name for name in sent_pictures(place) if name.endswith(".png")]


@pytest.mark.parametrize(
    ("options", "channel"),
    [({"private": True}, IDS.general), ({}, IDS.dm_alice)],
    ids=["private", "direct message"],
)
async def test_where_nobody_else_reads_it_the_reason_is_in_the_message(
    place: Discord, tagger: Path, alice: Visitor, options: dict[str, Any], channel: int
) -> None:
    async with checked(place, tagger):
        message = await ask(alice, channel, prompt="red-picture", **options)
        assert "rated above" in message.text
        assert "red-picture" in message.text
        told = [each for each in alice.member.visible_messages(channel) if "rated" in each.text]
        assert len(told) == 1


@pytest.mark.parametrize("accepts_dms", [True, False])
async def test_after_15_minutes_the_reason_comes_as_a_direct_message(
    place: Discord, tagger: Path, alice: Visitor, accepts_dms: bool
) -> None:
    engine = PaintEngine()
    async with checked(place, tagger, engine=engine) as running:
        place.world.users[IDS.alice].accepts_dms = accepts_dms
        engine.hold()
        sent = await alice.member.slash("imagine", {"prompt": "red-picture"}, channel=IDS.general)
        await sent.wait_for(lambda message: not message.loading)
        place.advance(16 * 60)
        engine.release()
        await running.delivery("delivered")
        said_here = said(alice, "ended without a picture")
        assert said_here is not None
        assert ("in private" in said_here.text) is accepts_dms
        assert "red-picture" not in said_here.text
        told = [words(message) for message in place.seen(IDS.dm_alice)]
        assert len(told) == accepts_dms
        assert all("rated above `safe`" in each for each in told)
