"""Drafts as members use them: asked for, finished, and what they count."""

import asyncio
from pathlib import Path

import pytest

from bot.library.repeating import FINISH_STRENGTH
from bot.loras.scan import manifest_path
from bot.playground.simulator.default_world import IDS
from cogs.drawing.credit import credit_of
from data.guilds import guild_limits
from data.guilds.server_settings import LimitSet
from pipeline.canvas import Extend
from pipeline.card import Sampler, Speed
from pipeline.lora.recipe import Recipe
from pipeline.speed.cost import picture_cost
from tests.bot.loras.making import put
from tests.cogs.pictures.test_redraw import extend
from tests.cogs.pictures.test_results import drawn, forge, new_job, text_of
from tests.cogs.running import Discord
from tests.cogs.settings.test_panel import changes, choose, opened
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until

FEW = Recipe(num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.LCM)


@pytest.fixture
def owner(place: Discord) -> Visitor:
    return Visitor(place, IDS.owner)


@pytest.fixture
def loras(place: Discord) -> Path:
    folder = place.folder / "loras"
    put(folder, "ink", strength=0.7, author="Sumi")
    put(folder, "quick", b"quick", recipe=FEW, draft=True, author="Somebody")
    return folder


async def test_a_draft_says_so_and_is_finished_after_a_restart(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        job = await alice.draw(running, "1girl, hat", speed="draft", lora="ink", seed=42)
        assert job.request.num_inference_steps == 8
        message = alice.member.message(job.message_id or 0)
        assert "Draft" in message.text
        assert "LoRA ink 0.7 by Sumi" in message.text
        assert "quick" not in message.text
        assert "Finish" in labels(message)
        assert "Upscale" not in labels(message)
    async with open_bot(place) as running:
        await bob.press(message, "Finish")
        finished = await new_job(running, 1)
        made = finished.request
        assert (made.speed, made.num_inference_steps, made.seed) == (Speed.FULL, 28, 42)
        assert made.sampler is Sampler.EULER_A
        assert [each.name for each in made.loras] == ["ink"]
        assert made.prompt == job.request.prompt
        assert (made.width, made.height) == (job.request.width, job.request.height)
        assert made.strength == FINISH_STRENGTH
        assert made.init_picture
        said = await credit_of(running.bot, finished)
        assert "Finished, strength 0.5" in said
        assert f"<@{IDS.alice}>" in said
        shown = bob.member.message(finished.message_id or 0)
        assert "Finished, strength 0.5" in shown.text
        assert "Draft" not in shown.text
        assert "Upscale" in labels(shown)


async def test_an_extended_draft_is_finished_in_its_size(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place, engine=FakeEngine(scale=1)) as running:
        _, message = await drawn(alice, running, prompt="1girl", speed="draft", lora="ink")
        await extend(alice, message, Extend.LEFT)
        wide = await new_job(running, 1)
        assert (wide.request.speed, wide.request.width) == (Speed.DRAFT, 1248)
        shown = alice.member.message(wide.message_id or 0)
        assert list(labels(shown)) == ["Re-roll", "Vary", "Finish", "Remix", "More"]
        await alice.member.press(shown, "Finish")
        made = (await new_job(running, 2)).request
    assert (made.speed, made.width, made.height) == (Speed.FULL, 1248, 1216)
    assert [each.name for each in made.loras] == ["ink"]
    assert made.extend is None


async def test_pressed_twice_it_is_finished_once(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, prompt="1girl", speed="draft")
        running.engine.hold()
        pressed = await asyncio.gather(*(alice.member.press(message, "Finish") for _ in range(3)))
        answers = [(await whole(each)).text for each in pressed]
        assert sum("already" in each for each in answers) == 2
        await bob.press(message, "Finish")  # at his own expense
        running.engine.release()
        await running.all_delivered(3)
        assert await running.used() == pytest.approx(1.1)  # a draft and a picture
        await alice.press(message, "Finish")
        await new_job(running, 3)


async def test_one_of_several_drafts_is_chosen(place: Discord, loras: Path, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, prompt="1girl", speed="draft", count=2, seed=7)
        asked = await alice.press(message, "Finish")
        assert asked.message is not None
        assert "Which draft" in asked.message.text
        await alice.member.press(asked.message, "2")
        finished = await new_job(running, 1)
        assert (finished.request.seed, finished.request.count) == (8, 1)


async def test_a_private_draft_is_finished_by_its_owner_alone(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        job = await alice.draw(running, "1girl", speed="draft", private=True)
        _, (picture,) = await running.services.results.pictures_of(job.id)
        full, message = await drawn(alice, running, prompt="1boy")
        forge(place, message, f"ekaki:finish:{picture.id}")
        answer = await text_of(await bob.member.press(message, f"ekaki:finish:{picture.id}"))
        assert "private" in answer
        _, (no_draft,) = await running.services.results.pictures_of(full.id)
        forge(place, message, f"ekaki:finish:{no_draft.id}")
        answer = await text_of(await bob.member.press(message, f"ekaki:finish:{no_draft.id}"))
        assert "no draft" in answer
        assert len(await running.jobs()) == 2


async def test_varied_and_drawn_again_it_stays_a_draft_until_its_lora_is_gone(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running, prompt="1girl", speed="draft", lora="ink")
        await alice.press(message, "Vary")
        varied = await new_job(running, 1)
        assert varied.request.speed is Speed.DRAFT
        assert varied.request.loras == first.request.loras
        put(loras, "quick", b"another", recipe=FEW, draft=True)
        await running.services.loras.refresh()
        await alice.press(message, "Re-roll")
        again = await new_job(running, 2)
        digests = [each.digest for each in again.request.loras]
        assert digests[0] == first.request.loras[0].digest
        assert digests[1] != first.request.loras[1].digest
        manifest_path(loras, "quick").unlink()
        await running.services.loras.refresh()
        answer = await text_of(await alice.press(message, "Re-roll"))
        assert "This bot has no drafts" in answer
        await alice.press(message, "Finish")  # needs no draft's LoRA
        assert (await new_job(running, 3)).request.speed is Speed.FULL


async def test_where_there_are_no_drafts_it_is_drawn_in_full_with_its_own_loras(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job = await alice.draw(running, "1girl", speed="draft", lora="ink")
        message = alice.member.message(job.message_id or 0)
        settings = await text_of(await alice.press(message, "Settings"))
        assert "quick" not in settings.partition("LoRAs")[2]
        manifest_path(loras, "quick").unlink()
        await running.services.loras.refresh()
        refusals = [
            await alice.answer("imagine", prompt="1girl, <lora:ink:0.5>", speed="draft"),
            await whole(await alice.press(message, "Re-roll")),
            await alice.answer(
                "compare", prompt="1girl, <lora:ink>", option="speed", values="full | draft"
            ),
        ]
        for number, refusal in enumerate(refusals, 1):
            assert "Draw in full" in labels(refusal)
            await alice.member.press(refusal, "Draw in full")
            made = (await new_job(running, number)).request
            assert (made.speed, made.num_inference_steps, made.count) == (Speed.FULL, 28, 1)
            assert made.sampler is Sampler.EULER_A
            assert [each.name for each in made.loras] == ["ink"]


async def test_a_draft_whose_lora_goes_while_it_waits_ends_with_a_way_on(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        await alice.imagine("1boy")
        message = await alice.imagine("1girl", speed="draft", lora="ink")
        manifest_path(loras, "quick").unlink()
        await running.services.loras.refresh()
        running.engine.release()
        await running.all_delivered(2)
        ended = alice.member.message(message.id)
        assert "drafts" in ended.text
        assert "quick" not in ended.text
        assert await running.used() == 1
        await alice.member.press(ended, "Draw in full")
        made = (await new_job(running, 2)).request
        assert (made.speed, [each.name for each in made.loras]) == (Speed.FULL, ["ink"])


async def test_drafts_count_as_a_part_and_limits_say_so(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place, pictures_per_hour=1, pictures_per_day=9) as running:
        for _ in range(4):
            await alice.draw(running, "1girl", speed="draft")
        shown = await alice.answer("limits")
        assert "0.8 of 1 picture" in shown.text
        assert "counts as 0.2 pictures" in shown.text
        refused = await alice.answer("imagine", prompt="1girl")
        assert "0.2 are left" in refused.text
        await alice.draw(running, "1girl", speed="draft")
        refused = await alice.answer("imagine", prompt="1girl", speed="draft")
        assert "0 are left" in refused.text


async def test_a_servers_default_counts_where_a_member_says_none(
    place: Discord, loras: Path, owner: Visitor, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        full, message = await drawn(alice, running, prompt="1girl")
        panel = await opened(owner, "here")
        await choose(owner, panel, "speed", "draft")
        assert (await changes(running))[-1] == ("default_speed", None, "draft")
        assert (await alice.draw(running, "1girl")).request.speed is Speed.DRAFT
        said = await alice.draw(running, "1girl --speed full")
        assert said.request.speed is Speed.FULL
        await alice.press(message, "Re-roll")  # repeats what was drawn in full
        assert (await new_job(running, 3)).request.speed is full.request.speed
        me = await alice.answer("me")
        await alice.press(me, "Speed: not set")
        await until(lambda: "Speed: full" in labels(alice.member.message(me.id)))
        assert (await alice.draw(running, "1girl")).request.speed is Speed.FULL
        await alice.press(me, "Speed: full")
        await until(lambda: "Speed: draft" in labels(alice.member.message(me.id)))
        manifest_path(loras, "quick").unlink()
        await running.services.loras.refresh()
        assert (await alice.draw(running, "1girl")).request.speed is Speed.FULL
        await alice.press(me, "Speed: draft")
        await until(lambda: "Speed: not set" in labels(alice.member.message(me.id)))


async def test_what_is_no_speed_is_refused_with_what_there_is(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place):
        answer = await alice.answer("imagine", prompt="1girl --speed schnell")
        assert "schnell" in answer.text
        offered = await alice.member.autocomplete(
            "imagine", {"speed": ""}, "speed", channel=IDS.general
        )
        assert [each["value"] for each in offered] == ["full", "draft"]


async def test_a_draft_takes_a_part_of_a_granted_picture(
    place: Discord, loras: Path, moderator: Visitor, owner: Visitor, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        async with running.services.database.transaction() as connection:
            await guild_limits.put(
                connection, guild_id=IDS.guild, role_id=IDS.guild,
                limits=LimitSet(pictures_per_day=0),
            )  # fmt: skip
        said = await moderator.answer("moderate grant", user=IDS.alice, pictures=1)
        assert "1 picture in addition" in said.text
        job = await alice.draw(running, "1girl", speed="draft", count=2)
        left = f"{(100 - 2 * picture_cost(job.request)) / 100:g}"
        assert f"granted by the moderators: {left} pictures" in (await alice.answer("limits")).text
        assert "can't make pictures" in (await alice.imagine("1girl")).text
        said = await moderator.answer("moderate grant", user=IDS.alice, pictures=1)
        assert f"1{left[1:]} pictures in addition" in said.text
        await alice.draw(running, "1girl")
        assert f"granted by the moderators: {left} pictures" in (await alice.answer("limits")).text
        said = await owner.answer("owner grant", user=IDS.alice, pictures=2)
        assert "2 pictures in addition" in said.text
        assert "2 pictures granted by the bot's operator" in (await alice.answer("limits")).text
