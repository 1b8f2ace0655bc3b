"""`/compare`: one seed, several values, one sheet."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.playground.simulator.default_world import IDS
from pipeline.card import Style
from pipeline.metadata.read import read_metadata
from pipeline.request import ResolvedRequest
from tests.bot.loras.making import put
from tests.cogs.drawing.test_withheld import checked
from tests.cogs.pictures.test_results import new_job, text_of
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.member import InteractionView
from tests.support.patience import until
from tests.support.tagger import make_tagger
from tests.support.views import MessageView


async def compare(visitor: Visitor, option: str, values: str, **more: Any) -> InteractionView:
    options = {"prompt": "1girl, smile", "option": option, "values": values, "seed": 7} | more
    return await visitor.member.slash("compare", options, channel=IDS.general)


async def compared(
    visitor: Visitor, running: Running, *said: str, **more: Any
) -> tuple[MessageView, ResolvedRequest]:
    known = len(await running.jobs())
    await compare(visitor, *said, **more)
    job = await new_job(running, known)
    return visitor.member.message(job.message_id or 0), job.request


def sheet(place: Discord, message: MessageView) -> bytes:
    (found,) = [
        each for each in place.world.messages[message.id].attachments if "-sheet." in each.filename
    ]
    return found.data


async def test_the_pictures_come_with_a_labelled_sheet(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        message, request = await compared(alice, running, "cfg", "5 | 7 | 9")
        job = await running.job()
        _, pictures = await running.services.results.pictures_of(job.id)
        used = await running.used()
        files = [await running.services.jobs.read_picture(each) for each in pictures]
    assert [each.seed for each in pictures] == [7, 7, 7]
    assert [request.of(n).guidance_scale for n in range(3)] == [5, 7, 9]
    assert used == 3
    assert len(message.attachments) == 4
    assert "1: cfg 5 · 2: cfg 7 · 3: cfg 9" in message.text
    assert list(labels(message)) == ["Re-roll", "Vary", "Upscale", "Remix", "More"]
    assert [each["description"] for each in message.selects[0]["options"]] == [
        "cfg 5", "cfg 7", "cfg 9",
    ]  # fmt: skip
    for file, scale in zip(files, ("5", "7", "9"), strict=True):
        assert read_metadata(file).parameters.pairs["CFG scale"] == scale
    png = sheet(place, message)
    pairs = read_metadata(png).parameters.pairs
    assert (pairs["X Type"], pairs["X Values"]) == ("CFG scale", "5, 7, 9")
    with Image.open(io.BytesIO(png)) as image, Image.open(io.BytesIO(files[0])) as one:
        assert image.format == "PNG"
        assert image.width > 3 * one.width


async def test_each_is_drawn_as_it_would_be_alone(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await compared(alice, running, "style", "none | Manga")
        job = await running.job()
        alone = await alice.draw(running, "1girl, smile", seed=7, style="Manga")
        _, pictures = await running.services.results.pictures_of(job.id)
        _, (single,) = await running.services.results.pictures_of(alone.id)
        files = [
            Image.open(io.BytesIO(await running.services.jobs.read_picture(each))).tobytes()
            for each in (pictures[1], single)
        ]
    assert job.request.of(1).prompt == alone.request.prompt
    assert files[0] == files[1]


async def test_it_can_be_gone_on_from(place: Discord, alice: Visitor) -> None:
    """Re-rolled as a whole, and each picture by itself with what it was drawn with."""
    async with open_bot(place) as running:
        message, request = await compared(alice, running, "style", "Anime | Manga")
        await alice.member.press(message, "Re-roll")
        again = (await new_job(running, 1)).request
        panel = await alice.more(message, 2)
        await alice.member.press(panel, "Vary (strong)")
        varied = (await new_job(running, 2)).request
        settings = await text_of(await alice.member.press(panel, "Settings"))
        await alice.member.slash("again", {"prompt": "1boy"}, channel=IDS.general)
        other = (await new_job(running, 3)).request
        job = (await running.jobs())[0]
        shown = await alice.answer("show", id=job.id)
    assert again.seed != request.seed
    assert [each.original.style for each in again.compared] == [Style.ANIME, Style.MANGA]
    assert (varied.original.style, varied.compared) == (Style.MANGA, ())
    assert "style: Anime \\| Manga" in settings
    assert other.compared == ()  # the last request was the variation
    assert len(shown.attachments) == 3


async def test_again_compares_again(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await compared(alice, running, "steps", "5 | 10")
        await alice.member.slash("again", {"prompt": "1boy"}, channel=IDS.general)
        other = (await new_job(running, 1)).request
        message = alice.member.message((await running.jobs())[0].message_id or 0)
        sent = await alice.press(message, "Remix")
        await alice.member.submit_modal(sent, {"prompt": "1boy, sea"})
        remixed = (await new_job(running, 2)).request
    assert [each.num_inference_steps for each in other.compared] == [5, 10]
    assert all(each.prompt.startswith("1boy") for each in other.compared)
    assert (remixed.count, remixed.compared) == (1, ())


async def test_it_counts_as_so_many_pictures(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, pictures_per_hour=3) as running:
        message = await whole(await compare(alice, "cfg", "4 | 5 | 6 | 7"))
        assert "more than" in message.text or "4" in message.text
        assert message.ephemeral
        assert not await running.jobs()
        await compared(alice, running, "cfg", "4 | 5 | 6")


async def test_a_servers_highest_count_holds(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, max_count=2):
        message = await whole(await compare(alice, "cfg", "4 | 5 | 6"))
        assert "1 to 2" in message.text or "1 and 2" in message.text


async def test_it_is_cancelled_as_one(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await whole(await compare(alice, "cfg", "5 | 7"))
        await alice.member.press(message, "Cancel")
        running.engine.release()
        job = await running.delivery("delivered")
        assert (job.state, await running.used()) == ("cancelled", 0)


async def test_it_is_finished_after_a_restart_and_delivered_once(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await whole(await compare(alice, "cfg", "5 | 7"))
    async with open_bot(place) as running:
        job = await running.delivery("delivered")
        assert job.state == "finished"
        assert [job.request.of(n).guidance_scale for n in range(2)] == [5, 7]
        assert job.message_id == message.id
    with_files = [each for each in place.seen(IDS.general) if each.attachments]
    assert [each.id for each in with_files] == [message.id]
    assert len(with_files[0].attachments) == 3


async def test_a_forbidden_value_refuses_all_of_it(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        message = await whole(await compare(alice, "lora", "none | nothing"))
        assert "nothing" in message.text
        assert message.ephemeral
        for said in (("cfg", "5"), ("cfg", "5 | x"), ("style", "Manga | x"), ("cfg", "5 | 5")):
            assert (await whole(await compare(alice, *said))).ephemeral
        assert not await running.jobs()


async def test_equal_values_are_refused_however_they_are_written(
    place: Discord, alice: Visitor
) -> None:
    put(place.folder / "loras", "ink", strength=0.7)
    async with open_bot(place) as running:
        for values in ("ink | INK", "ink:0.8 | ink:0.80", "ink | none | ink:0.7", "none | ink:0"):
            message = await whole(await compare(alice, "lora", values))
            assert "same" in message.text
        assert not await running.jobs()


async def test_what_is_withheld_leaves_its_place_empty(
    place: Discord, alice: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with checked(place, make_tagger(tmp_path / "model" / "tagger")) as running:
        # Each picture of a comparison is the first of its own request.
        paint = running.engine.picture

        def picture(request: ResolvedRequest, index: int, init: Image.Image | None) -> Image.Image:
            if request.guidance_scale == 7:
                return Image.new("RGB", paint(request, index, init).size, (255, 0, 0))
            return paint(request, index, init)

        monkeypatch.setattr(running.engine, "picture", picture)
        message, _ = await compared(
            alice, running, "cfg", "5 | 7 | 9", prompt="green-picture, 1girl"
        )
        await until(lambda: message.attachments)
        with Image.open(io.BytesIO(sheet(place, message))) as image:
            colours = [image.getpixel((image.width * n // 6, image.height // 2)) for n in (1, 3, 5)]
    assert len(message.attachments) == 3
    assert colours[1] == (60, 62, 68)
    assert colours[0][1] > 200  # type: ignore[index]


async def test_the_values_are_suggested(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        sent = place.alice.command(
            "compare", focused="values", option="style", values="Manga | ani"
        )
        await until(lambda: sent.choices is not None)
    assert [each["value"] for each in sent.choices or []] == ["Manga | Anime"]


async def test_choices_are_the_same_in_all_pictures(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        prompt = "1girl, {red|blue|green|black|white} hair"
        message, request = await compared(alice, running, "cfg", "5 | 7 | 9", prompt=prompt)
        await alice.member.press(message, "Re-roll")
        again = (await new_job(running, 1)).request
    prompts = [request.of(n).prompt for n in range(3)]
    assert len(set(prompts)) == 1
    assert " hair" in prompts[0]
    assert "{" not in prompts[0]
    assert again.original.prompt == prompt
    assert again.compared


async def test_loras_are_compared_and_checked(place: Discord, alice: Visitor) -> None:
    put(place.folder / "loras", "ink", triggers=("ink wash",))
    async with open_bot(place) as running:
        _, request = await compared(alice, running, "lora", "none | ink:0.5 | ink")
    assert [[(use.name, use.strength) for use in each.loras] for each in request.compared] == [
        [], [("ink", 0.5)], [("ink", 1.0)],
    ]  # fmt: skip
    assert [each.prompt.count("ink wash") for each in request.compared] == [0, 1, 1]
