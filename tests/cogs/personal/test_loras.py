"""`/lora`, the completion of the option, and LoRAs of strangers' pictures."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.playground.simulator.default_world import IDS
from data.guilds import guild_loras
from pipeline.card import DEFAULT_GUIDANCE, DEFAULT_SAMPLER, DEFAULT_STEPS, Sampler
from pipeline.lora.recipe import Recipe
from pipeline.lora.typed import TypedLora, parse_loras
from pipeline.metadata.chunks import text_chunks
from pipeline.rating import Rating
from tests.bot.loras.making import put
from tests.cogs.pictures.files import filled, noted, png, post
from tests.cogs.pictures.test_results import drawn
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FAKE_MODEL, FakeEngine


@pytest.fixture
def loras(place: Discord) -> Path:
    folder = place.folder / "loras"
    put(
        folder, "ink", triggers=("ink wash", "`brush`"), strength=0.7, author="Sumi *E*",
        licence="CC0", source="https://example.org/ink", base="SDXL", rank=8,
        values_sha256="ab" * 32,
    )  # fmt: skip
    put(folder, "水彩", b"watercolour")
    put(folder, "zz lamp", b"lamp", rating=Rating.NSFW)
    Image.new("RGB", (8, 8), "red").save(folder / "ink.webp")
    return folder


async def allow(running: Running, role_id: int, names: frozenset[str] | None) -> None:
    await running.services.database.write(
        guild_loras.put, guild_id=IDS.guild, role_id=role_id, allowed=names
    )


async def test_without_a_library_it_says_so(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        answer = await alice.answer("lora")
        assert answer.ephemeral
        assert "no LoRAs here" in answer.text


async def test_a_model_that_can_not_draw_with_them_has_none(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    engine = FakeEngine(model=replace(FAKE_MODEL, loras=False))
    async with open_bot(place, engine=engine) as running:
        await drawn(alice, running, prompt="1girl <lora:unknown:1>")
        assert "no LoRAs here" in (await alice.answer("lora")).text
        assert await complete(alice, "") == []
        answer = await alice.answer("imagine", prompt="1girl", lora="ink")
        assert "can't draw with LoRAs" in answer.text


async def test_a_card_shows_what_it_is_and_turns(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        await drawn(alice, running, prompt="1girl", lora="ink", count=2)
        sent = await alice.member.slash("lora", {}, channel=IDS.general)
        page = await whole(sent)
        for shown in ("ink wash", "`'brush'`", "Sumi \\*E\\*", "CC0", "0.7", "rank 8", "`safe`",
                      "everyone", "2 pictures", "<lora:ink:0.7>", "1 of 2"):  # fmt: skip
            assert shown in page.text
        with Image.open(io.BytesIO(page.attachments[0].data)) as preview:
            assert preview.format == "WEBP"
        assert labels(page) == {"◀ Previous": False, "Next ▶": True, "Use": True}
        await alice.member.press(page, "Next ▶")
        page = await sent.wait_for(lambda message: "2 of 2" in message.text)
        assert "水彩" in page.text
        assert page.attachments == []
        assert "lamp" not in page.text  # rated above this channel
        form = await alice.member.press(page, "Use")
        assert filled(form)["settings"] == "--lora 水彩:1"
        answer = await alice.member.submit_modal(
            form, {"prompt": "1girl", "settings": "--lora ink"}
        )
        await running.all_delivered(2)
        assert answer.message is not None
        assert [each.name for each in (await running.jobs())[1].request.loras] == ["ink"]


async def test_a_recipe_counts_where_nothing_is_said_and_stands_on_the_card(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    lcm = Recipe(num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.LCM)
    put(loras, "lcm", b"lcm", recipe=lcm)
    put(loras, "tcd", b"tcd", recipe=Recipe(num_inference_steps=4))
    async with open_bot(place) as running:
        card = (await alice.answer("lora", name="lcm")).text
        assert "`--steps 8 --cfg 1 --sampler LCM`" in card
        assert "unless you say otherwise" in card
        assert "unless you say otherwise" not in (await alice.answer("lora", name="ink")).text
        await alice.draw(running, prompt="1girl <lora:ink> <lora:lcm> <lora:tcd>")
        await alice.draw(running, prompt="1girl --steps 5", lora="lcm")
        await alice.draw(running, prompt="1girl", lora="ink")
        found = [
            (each.request.sampler, each.request.num_inference_steps, each.request.guidance_scale)
            for each in await running.jobs()
        ]
        usual = (DEFAULT_SAMPLER, DEFAULT_STEPS, DEFAULT_GUIDANCE)
        assert found == [(Sampler.LCM, 8, 1.0), (Sampler.LCM, 5, 1.0), usual]


async def test_whoever_takes_a_lora_out_of_a_remix_draws_without_its_recipe(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    put(loras, "lcm", b"lcm", recipe=Recipe(num_inference_steps=8, sampler=Sampler.LCM))
    async with open_bot(place) as running:
        job = await alice.draw(running, prompt="1girl", lora="lcm")
        form = await alice.press(alice.member.message(job.message_id or 0), "Remix")
        settings = filled(form)["settings"]
        assert "--lora lcm:1" in settings
        assert "--steps" not in settings
        assert "--sampler" not in settings
        await alice.member.submit_modal(form, {"prompt": "1girl", "settings": "--cfg 5"})
        await running.all_delivered(2)
        request = (await running.jobs())[1].request
        assert (request.loras, request.sampler) == ((), DEFAULT_SAMPLER)
        assert (request.num_inference_steps, request.guidance_scale) == (DEFAULT_STEPS, 5.0)


async def test_a_sampler_that_needs_a_lora_says_so(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job = await alice.draw(running, prompt="1girl --sampler lcm --steps 4")
        assert "`LCM` gives noise" in alice.member.message(job.message_id or 0).text
        job = await alice.draw(running, prompt="1girl --sampler lcm --steps 4", lora="ink")
        assert "gives noise" not in alice.member.message(job.message_id or 0).text


async def test_a_name_opens_its_card(place: Discord, loras: Path, alice: Visitor) -> None:
    async with open_bot(place):
        assert "2 of 2" in (await alice.answer("lora", name="水彩")).text
        assert "no LoRA called `ＸＸ`" in (await alice.answer("lora", name="ＸＸ")).text
        assert "no LoRA called" in (await alice.answer("lora", name="zz lamp")).text


async def test_it_says_who_may_use_one(place: Discord, loras: Path, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await allow(running, IDS.guild, frozenset({"水彩"}))
        page = await alice.answer("lora", name="水彩")
        assert "everyone" in page.text
        page = await alice.answer("lora")
        assert "nobody: the moderators" in page.text
        assert labels(page)["Use"] is False
        await allow(running, 555, frozenset({"ink"}))
        assert "<@&555> only" in (await alice.answer("lora")).text
        await allow(running, IDS.guild, None)
        await allow(running, 555, frozenset())
        assert "everyone except <@&555>" in (await alice.answer("lora")).text


async def complete(alice: Visitor, typed: str, **options: Any) -> list[tuple[str, str]]:
    found = await alice.member.autocomplete(
        "imagine", {"prompt": "1girl", "lora": typed}, "lora", channel=IDS.general
    )
    return [(each["name"], each["value"]) for each in found]


async def test_names_are_completed_with_words_and_counts(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        await drawn(alice, running, prompt="1girl", lora="水彩", count=2)
        assert await complete(alice, "") == [
            ("水彩:1 ‹2 pictures›", "水彩:1"),
            ("ink:0.7 ‹ink wash, `brush`›", "ink:0.7"),
        ]
        assert [value for _, value in await complete(alice, "WASH")] == ["ink:0.7"]
        assert await complete(alice, "水彩:0.5, in") == [
            ("ink:0.7 ‹ink wash, `brush` ← 水彩:0.5›", "水彩:0.5, ink:0.7")
        ]
        assert [value for _, value in await complete(alice, "ink:0.5, ")] == ["ink:0.5, 水彩:1"]
        assert [value for _, value in await complete(alice, "INK:")] == [
            "ink:0.4", "ink:0.6", "ink:0.8", "ink:1"
        ]  # fmt: skip
        assert [value for _, value in await complete(alice, "ink:0.8")] == ["ink:0.8"]
        assert await complete(alice, "x" * 50 + ", " + "y" * 50 + ", ") == []
        await allow(running, IDS.guild, frozenset({"ink"}))
        assert [value for _, value in await complete(alice, "")] == ["ink:0.7"]


async def test_they_are_completed_in_the_prompt_too(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        for typed in ("1girl, <lora:", "1girl, <LORA:in", "1girl, ＜lora：ink"):
            found = await alice.member.autocomplete(
                "imagine", {"prompt": typed}, "prompt", channel=IDS.general
            )
            assert found[0]["value"] == "1girl, <lora:ink:0.7>"
            job, _ = await drawn(alice, running, prompt=found[0]["name"])
            assert [each.name for each in job.request.loras] == ["ink"]
            assert job.request.original.prompt == "1girl"
        found = await alice.member.autocomplete(
            "imagine", {"prompt": "<lora:ink:0.7>, smi"}, "prompt", channel=IDS.general
        )
        assert found[0]["value"] == "<lora:ink:0.7>, smile,"


async def test_the_name_of_a_suggestion_works_as_its_value(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        ((name, value),) = await complete(alice, "水彩:0.5, in")
        job, _ = await drawn(alice, running, prompt="1girl", lora=name)
        assert job.request.original.lora == value
        await alice.answer("preset save", name="mine", lora=name)
        job, _ = await drawn(alice, running, prompt="1girl", saved="mine")
        assert job.request.original.lora == value


async def test_the_picture_names_them_below_in_its_settings_and_in_its_file(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, prompt="1girl", lora="ink:0.5, 水彩")
        assert "LoRA ink 0.5 by Sumi \\*E\\* and 水彩 1" in message.text
        assert "Added for the LoRAs: `ink wash, 'brush'`" in message.text
        shown = await whole(await alice.press(message, "Settings"))
        assert "ink:0.5, 水彩:1" in shown.text
        (picture,) = (await running.services.results.pictures_of(job.id))[1]
        text = text_chunks(await running.services.jobs.read_picture(picture))["parameters"]
    first, _, rest = text.partition("\n")
    assert first.endswith("<lora:ink:0.5> <lora:水彩:1>")
    hashes = ", ".join(
        f"{each.name}: {each.hash or each.digest[:12]}" for each in job.request.loras
    )
    assert "ink: abababababab" in hashes
    assert f'Lora hashes: "{hashes}"' in rest


async def test_a_strangers_picture_takes_what_the_library_has(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    text = (
        "1girl, <lora:Ink:0.6>, <lora:other:1>, sea\nNegative prompt: hat\nSteps: 20, "
        'Sampler: Euler a, CFG scale: 6, Seed: 77, Size: 832x1216, Lora hashes: "ink: 1, 水彩: 2"'
    )
    async with open_bot(place) as running:
        message = post(place, alice, png(parameters=text))
        form = await alice.member.message_command("Remix", message)
        assert "--lora ink:0.6, 水彩" in filled(form)["settings"]
        assert "LoRAs: other" in noted(form)
        assert "<lora" not in filled(form)["prompt"]
        await allow(running, IDS.guild, frozenset())
        form = await alice.member.message_command("Remix", message)
        assert "--lora" not in filled(form)["settings"]
        assert "other" in noted(form)
        assert "Ink" in noted(form)


async def test_our_own_file_gives_them_back(place: Discord, loras: Path, alice: Visitor) -> None:
    async with open_bot(place) as running:
        job, _ = await drawn(alice, running, prompt="1girl", lora="ink:0.5")
        (picture,) = (await running.services.results.pictures_of(job.id))[1]
        data = await running.services.jobs.read_picture(picture)
        form = await alice.member.message_command("Remix", post(place, alice, data, "other.png"))
    settings = filled(form)["settings"]
    assert parse_loras(settings.split("--lora ")[1].split(" --")[0]) == (TypedLora("ink", 0.5),)
    assert "LoRAs:" not in noted(form)
