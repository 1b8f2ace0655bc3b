"""`/describe` and its menu: tags and four prompts for a picture, to draw something like it."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.jobs.keep import output_check
from bot.jobs.keep.output_check import OutputCheck
from bot.library import descriptions
from bot.playground.simulator.default_world import IDS
from data.guilds import blocks
from data.guilds.blocks import Block
from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.rating import Rating
from tests.cogs.drawing.test_image_option import bomb
from tests.cogs.drawing.test_withheld import allow, checked
from tests.cogs.pictures.files import filled, post
from tests.cogs.pictures.test_results import drawn, new_job, text_of
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.member import InteractionView
from tests.support.tagger import COLOURS, make_tagger
from tests.support.views import MessageView


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    return make_tagger(tmp_path / "model" / "tagger")


def painted(colour: str, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 80), COLOURS[colour]).save(out, kind, **options)
    return out.getvalue()


async def describe(visitor: Visitor, channel: int = IDS.general, **options: Any) -> InteractionView:
    return await visitor.member.slash("describe", options, channel=channel)


async def described(visitor: Visitor, **options: Any) -> MessageView:
    message = await whole(await describe(visitor, **options))
    assert message.ephemeral
    return message


async def test_a_picture_is_described_and_drawn(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    async with checked(place, tagger) as running:
        message = await described(alice, image=("a.png", painted("green")))
        assert "1girl 99%" in message.text
        assert "`safe`" in message.text
        assert list(labels(message)) == ["1", "2", "3", "4", "Edit 1 first"]
        await alice.member.press(message, "1")
        job = await new_job(running, 0)
        await alice.member.press(message, "4")
        styled = await new_job(running, 1)
    assert job.request.original.prompt == "1girl"
    assert (job.request.width, job.request.height) == (1216, 832)  # nearest to 120 x 80
    assert not job.private
    assert styled.request.original.style is not None


async def test_the_form_can_be_edited_first(place: Discord, tagger: Path, alice: Visitor) -> None:
    async with checked(place, tagger) as running:
        message = await described(alice, image=("a.webp", painted("green", "WEBP")), private=True)
        sent = await alice.member.press(message, "Edit 1 first")
        assert filled(sent) == {"prompt": "1girl", "negative": "", "settings": "--ar 1216x832"}
        await alice.member.submit_modal(sent, {"prompt": "1girl, smile"})
        job = await new_job(running, 0)
    assert job.request.prompt.startswith("1girl, smile")
    assert job.private


async def test_buttons_work_after_a_restart(place: Discord, tagger: Path, alice: Visitor) -> None:
    async with checked(place, tagger):
        message = await described(alice, image=("a.png", painted("green")))
    async with checked(place, tagger) as running:
        await alice.member.press(message, "2")
        assert (await new_job(running, 0)).request.original.prompt == "1girl"


async def test_the_menu_reads_any_message(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor
) -> None:
    async with checked(place, tagger):
        theirs = post(place, bob, painted("green", "JPEG"), "photo.jpg")
        words = await text_of(await alice.member.message_command("Describe picture", theirs))
        assert "1girl 99%" in words
        said = bob.member.say("no picture", channel=IDS.general)
        words = await text_of(await alice.member.message_command("Describe picture", said))
        assert "There is no picture" in words


async def test_our_own_pictures_are_named_in_many_ways(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor
) -> None:
    async with checked(place, tagger) as running:
        job, message = await drawn(alice, running, prompt="green-picture, teal-picture", count=2)
        file = message.attachments[1]
        for typed in (job.id, f"{job.id}: green", file.filename, file.url):
            assert "1girl 99%" in (await described(bob, picture=typed)).text
        sent = await bob.member.message_command("Describe picture", message)
        assert "1girl 99%" in await text_of(sent)
        assert "can't find" in await text_of(await describe(bob, picture="nothing"))


async def test_a_private_picture_is_its_owners(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        job, _ = await drawn(alice, running, prompt="green-picture", private=True)
        for other in (bob, moderator):
            assert "can't find" in await text_of(await describe(other, picture=job.id))
        forged = post(place, bob, painted("green"), f"ekaki-{job.id}-1.png")
        sent = await bob.member.message_command("Describe picture", forged)
        assert "picture is private" in await text_of(sent)
        message = await described(alice, picture=job.id)
        await alice.member.press(message, "1")
        assert (await new_job(running, 1)).private, "its words stay theirs"


@pytest.mark.parametrize("colour", ["blue", "yellow", "red"])
async def test_above_the_places_rating_nothing_is_described(
    place: Discord, tagger: Path, alice: Visitor, colour: str
) -> None:
    async with checked(place, tagger):
        words = await text_of(await describe(alice, image=("a.png", painted(colour))))
        assert "rated" in words
        assert "at most" in words
        assert "1girl" not in words


async def test_our_own_picture_counts_as_it_was_rated(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await allow(running, Rating.SENSITIVE)
        job, _ = await drawn(alice, running, prompt="green-picture", rating="sensitive")
        message = await described(alice, picture=job.id)
        assert "1girl" in message.text
        await allow(running, Rating.SAFE)
        words = await text_of(await describe(alice, picture=job.id))
        assert "`sensitive`" in words
        assert "1girl" not in words


async def test_a_minor_above_safe_is_never_described(
    place: Discord, tagger: Path, alice: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await allow(running, Rating.EXPLICIT)
        image = ("a.png", painted("rose"))
        words = await text_of(await describe(alice, channel=IDS.age_restricted, image=image))
        assert "may show a minor" in words
        assert "loli" not in words


def gif(frames: int = 1) -> bytes:
    out = io.BytesIO()
    images = [Image.new("L", (40, 40), shade * 40) for shade in range(frames)]
    images[0].save(out, "GIF", save_all=True, append_images=images[1:])
    return out.getvalue()


def moving(kind: str) -> bytes:
    out = io.BytesIO()
    images = [Image.new("RGB", (40, 40), (shade * 60, 0, 0)) for shade in range(3)]
    images[0].save(out, kind, save_all=True, append_images=images[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (("a.gif", gif(3)), "can't read that file as a picture"),
        (("a.png", gif(3)), "can't read that file as a picture"),
        (("a.png", moving("PNG")), "animated"),
        (("a.webp", moving("WEBP")), "animated"),
        (("a.png", b""), "can't read that file as a picture"),
        (("a.png", painted("green")[:60]), "can't read that file as a picture"),
        (("a.txt", b"hello"), "can't read that file as a picture"),
        (("a.png", b"<html>"), "can't read that file as a picture"),
        (("a.png", bomb()), "too many pixels"),
    ],
)
async def test_what_cannot_be_described_says_why(
    place: Discord, tagger: Path, alice: Visitor, file: tuple[str, bytes], told: str
) -> None:
    async with checked(place, tagger):
        assert told in await text_of(await describe(alice, image=file))
        name, data = file
        message = post(place, alice, data, name)
        sent = await alice.member.message_command("Describe picture", message)
        assert told in await text_of(sent)
        again = await described(alice, image=("a.png", painted("green")))
        assert "1girl 99%" in again.text, "nothing is broken by it"


async def test_one_picture_is_asked_for(place: Discord, tagger: Path, alice: Visitor) -> None:
    async with checked(place, tagger):
        assert "Choose one picture" in await text_of(await describe(alice))
        both: dict[str, Any] = {"image": ("a.png", painted("green")), "picture": "abc"}
        assert "Choose one picture" in await text_of(await describe(alice, **both))


async def test_without_a_tagger_it_says_so(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        words = await text_of(await describe(alice, image=("a.png", painted("green"))))
    assert "no tagger" in words


async def test_a_tagger_that_fails_is_no_unknown_error(
    place: Discord, tmp_path: Path, alice: Visitor
) -> None:
    async with checked(place, make_tagger(tmp_path / "broken" / "tagger", broken=True)):
        words = await text_of(await describe(alice, image=("a.png", painted("teal"))))
    assert "failed partway" in words


async def test_it_is_limited(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptions, "MAX_RECENT", 2)
    async with checked(place, tagger):
        for _ in range(2):
            await described(alice, image=("a.png", painted("green")))
        words = await text_of(await describe(alice, image=("a.png", painted("green"))))
        assert "in ten minutes" in words
        assert "1girl" in (await described(bob, image=("a.png", painted("green")))).text
        place.advance(descriptions.RECENT_S + 1)
        assert "1girl" in (await described(alice, image=("a.png", painted("green")))).text


async def test_one_at_a_time_and_a_few_people(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptions, "MAX_WAITING", 1)
    gate, began = asyncio.Event(), asyncio.Event()
    look = OutputCheck.look

    async def held(self: OutputCheck, *args: Any, **options: Any) -> output_check.Look:
        began.set()
        await gate.wait()
        return await look(self, *args, **options)

    monkeypatch.setattr(OutputCheck, "look", held)
    async with checked(place, tagger):
        first = await describe(alice, image=("a.png", painted("green")))
        await began.wait()
        words = await text_of(await describe(alice, image=("a.png", painted("green"))))
        assert "already looking" in words
        words = await text_of(await describe(bob, image=("a.png", painted("green"))))
        assert "for several people" in words
        gate.set()
        assert "1girl" in await text_of(first)


async def test_who_is_blocked_gets_none(place: Discord, tagger: Path, alice: Visitor) -> None:
    async with checked(place, tagger) as running:
        await block(running, IDS.alice)
        words = await text_of(await describe(alice, image=("a.png", painted("green"))))
        assert "1girl" not in words
        assert "block" in words.lower()


async def block(running: Running, user_id: int) -> None:
    blocked = Block(
        subject="user", subject_id=user_id, guild_id=IDS.guild, reason="test", blocked_by=1,
        blocked_at=0, until=None,
    )  # fmt: skip
    async with running.services.database.transaction() as connection:
        await blocks.put(connection, block=blocked)


async def test_it_works_in_direct_messages(place: Discord, tagger: Path, alice: Visitor) -> None:
    async with checked(place, tagger) as running:
        image = ("a.png", painted("green"))
        sent = await describe(alice, channel=IDS.dm_alice, image=image)
        message = await whole(sent)
        assert "1girl" in message.text
        await alice.member.press(message, "1")
        assert (await new_job(running, 0)).guild_id is None


async def test_the_demos_tagger_describes(place: Discord, alice: Visitor) -> None:
    async with checked(place, DEMO_MODEL / "tagger"):
        image = (DEMO_LORAS / "pastel.webp").read_bytes()
        message = await described(alice, image=("a.webp", image))
    assert "1girl" in message.text
