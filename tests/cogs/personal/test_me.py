"""`/me` and `/preset` as their owner uses them, and what they do to `/imagine`."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from pipeline.card import QualityPreset, Sampler, Style
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.views import MessageView


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def choose(visitor: Visitor, panel: MessageView, menu: str, value: str) -> MessageView:
    await visitor.member.select(panel, f"ekaki:me:{menu}", [value])
    return visitor.member.message(panel.id)


def chosen(panel: MessageView, menu: str) -> str:
    """The option that a menu shows as chosen."""
    (found,) = [m for m in panel.selects if m["custom_id"] == f"ekaki:me:{menu}"]
    (option,) = [o for o in found["options"] if o.get("default")]
    return option["label"]


async def test_the_panel_shows_that_nothing_is_set(running: Running, alice: Visitor) -> None:
    panel = await alice.answer("me")
    assert panel.ephemeral
    assert panel.text.count("not set") == 6
    assert chosen(panel, "aspect") == "No default: size"


async def test_menus_set_defaults_that_imagine_takes(running: Running, alice: Visitor) -> None:
    panel = await alice.answer("me")
    panel = await choose(alice, panel, "aspect", "1344x768")
    panel = await choose(alice, panel, "preset", "Heavy v3.1")
    panel = await choose(alice, panel, "rating", "sensitive")
    assert "Wide, about 16:9 (1344x768)" in panel.text
    assert chosen(panel, "aspect").endswith("(1344x768)")
    assert chosen(panel, "preset").endswith("Heavy v3.1")
    assert chosen(panel, "rating").endswith("sensitive")
    job = await alice.draw(running, "1girl")
    assert (job.request.width, job.request.height) == (1344, 768)
    assert job.request.preset == QualityPreset.HEAVY_31
    said = await alice.draw(running, "1girl", aspect="1:1")
    assert said.request.width == said.request.height  # what is said wins
    panel = await choose(alice, panel, "aspect", "-")
    assert chosen(panel, "aspect") == "No default: size"
    assert (await alice.draw(running, "1girl")).request.width == 832


async def test_the_negative_prompt_is_written_in_a_form_that_keeps_it(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    panel = await alice.answer("me")
    opened = await alice.member.press(panel, "Negative prompt…")
    await alice.member.submit_modal(opened, {"negative": "@everyone, hat"})
    panel = alice.member.message(panel.id)
    assert "hat" in panel.text
    assert panel.mention_ids == []
    assert "hat" in (await alice.draw(running, "1girl")).request.negative_prompt
    assert "hat" not in (await bob.draw(running, "1girl")).request.negative_prompt
    again = await alice.member.press(panel, "Negative prompt…")
    await alice.member.submit_modal(again, {})  # what the form is filled with stays
    assert "hat" in alice.member.message(panel.id).text
    emptied = await alice.member.press(panel, "Negative prompt…")
    await alice.member.submit_modal(emptied, {"negative": ""})
    assert alice.member.message(panel.id).text.count("not set") == 6


async def test_menus_of_before_a_restart_work(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        panel = await alice.answer("me")
    async with open_bot(place):
        panel = await choose(alice, panel, "rating", "sensitive")
        assert chosen(panel, "rating").endswith("sensitive")


async def test_a_preset_is_saved_listed_used_replaced_and_deleted(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    saved = await alice.answer(
        "preset save", name="Night", negative="hat", aspect="7:4", style="Neonpunk", steps=20,
        cfg=5.5, sampler="DDIM",
    )  # fmt: skip
    assert saved.ephemeral
    assert "Night" in saved.text
    listed = await alice.answer("preset list")
    for wanted in ("Night", "without hat", "Neonpunk", "20 steps", "CFG 5.5", "DDIM"):
        assert wanted in listed.text, wanted
    assert "Night" not in (await bob.answer("preset list")).text
    assert "Night" in (await alice.answer("me")).text
    choices = await alice.member.autocomplete(
        "imagine", {"saved": "nig"}, "saved", channel=IDS.general
    )
    assert [choice["value"] for choice in choices] == ["Night"]
    request = (await alice.draw(running, "1girl", saved="night", cfg=6.0)).request
    assert (request.width, request.num_inference_steps) == (1344, 20)
    assert (request.sampler, request.original.style) == (Sampler.DDIM, Style.NEONPUNK)
    assert request.guidance_scale == 6.0
    assert "hat" in request.negative_prompt
    await alice.answer("preset save", name="NIGHT", steps=10)
    listed = await alice.answer("preset list")
    assert "NIGHT" in listed.text
    assert "Neonpunk" not in listed.text
    gone = await alice.answer("preset delete", name="Night")
    assert "Deleted" in gone.text
    refused = await alice.answer("imagine", prompt="1girl", saved="Night")
    assert refused.ephemeral
    assert len(await running.jobs()) == 1


async def test_a_preset_may_come_from_a_picture_that_one_sees(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    public = await alice.draw(running, "1girl, umbrella", steps=12)
    private = await alice.draw(running, "1girl, secret", private=True)
    await bob.answer("preset save", name="Rain", id=public.id, cfg=5.0)
    (preset,) = await running.services.people.presets(IDS.bob)
    assert preset.request.prompt == "1girl, umbrella"
    assert preset.request.num_inference_steps == 12
    assert preset.request.guidance_scale == 5.0
    refused = await bob.answer("preset save", name="Secret", id=private.id)
    assert "can't find that request" in refused.text
    assert len(await running.services.people.presets(IDS.bob)) == 1


async def test_a_preset_with_a_prompt_needs_no_other(running: Running, alice: Visitor) -> None:
    await alice.answer("preset save", name="Rain", prompt="1girl, umbrella")
    opened = await alice.member.slash("imagine-form", {"saved": "Rain"}, channel=IDS.general)
    assert opened.modal is not None
    assert not opened.modal["components"][0]["component"]["required"]
    await alice.member.submit_modal(opened, {})
    job = await running.delivery("delivered")
    assert "umbrella" in job.request.prompt


async def test_a_preset_without_a_prompt_needs_one_in_the_form(
    running: Running, alice: Visitor
) -> None:
    await alice.answer("preset save", name="Quick", steps=8)
    opened = await alice.member.slash("imagine-form", {"saved": "Quick"}, channel=IDS.general)
    assert opened.modal is not None
    assert opened.modal["components"][0]["component"]["required"]
    await alice.member.submit_modal(opened, {"modal_prompt": "1girl, hat"})
    job = await running.delivery("delivered")
    assert job.request.num_inference_steps == 8


async def test_an_empty_preset_and_too_many_are_refused(running: Running, alice: Visitor) -> None:
    empty = await alice.answer("preset save", name="Nothing")
    assert "nothing in that preset" in empty.text
    for number in range(25):
        await alice.answer("preset save", name=f"Preset {number} " + "*" * 35, steps=8)
    full = await alice.answer("preset save", name="One more", steps=8)
    assert "25" in full.text
    assert len(await running.services.people.presets(IDS.alice)) == 25
    assert "Preset 24" in (await alice.answer("preset list")).text
    assert "Preset 0" in (await alice.answer("me")).text


async def test_a_name_too_long_is_not_even_sent(running: Running, alice: Visitor) -> None:
    options: dict[str, Any] = {"name": "x" * 51, "steps": 8}
    with pytest.raises(RefusedByClient):
        await alice.member.slash("preset save", options, channel=IDS.general)
    unknown = await whole(
        await alice.member.slash("preset delete", {"name": "nobody"}, channel=IDS.general)
    )
    assert unknown.ephemeral
    assert "nobody" in unknown.text


async def test_a_seed_is_fixed_shown_and_freed(running: Running, alice: Visitor) -> None:
    panel = await alice.answer("me")
    opened = await alice.member.press(panel, "Seed…")
    await alice.member.submit_modal(opened, {"seed": "77"})
    panel = alice.member.message(panel.id)
    assert "77, for every picture" in panel.text
    job = await alice.draw(running, "1girl")
    assert job.request.seed == 77
    assert job.request.original.seed is None, "it was not typed"
    shown = alice.member.message(job.message_id or 0)
    assert "your own fixed seed" in shown.text
    assert (await alice.draw(running, "1girl", seed=5)).request.seed == 5
    free = [(await alice.draw(running, "1girl", seed=-1)).request.seed for _ in range(2)]
    assert 77 not in free
    await alice.member.press(panel, "Random seed again")
    assert "for every picture" not in alice.member.message(panel.id).text
    assert (await alice.draw(running, "1girl")).request.seed != 77


async def test_a_reroll_is_another_picture_with_a_fixed_seed_too(
    running: Running, alice: Visitor
) -> None:
    opened = await alice.member.press(await alice.answer("me"), "Seed…")
    await alice.member.submit_modal(opened, {"seed": "77"})
    job = await alice.draw(running, "1girl")
    await alice.member.press(alice.member.message(job.message_id or 0), "Re-roll")
    await running.all_delivered(2)
    assert (await running.jobs())[1].request.seed != 77


@pytest.mark.parametrize("typed", ["-1", "4294967296", "abc", "1.5", "²"])
async def test_a_fixed_seed_is_a_seed(running: Running, alice: Visitor, typed: str) -> None:
    opened = await alice.member.press(await alice.answer("me"), "Seed…")
    answer = await whole(await alice.member.submit_modal(opened, {"seed": typed}))
    assert "4294967295" in answer.text
    assert (await running.services.people.defaults(IDS.alice)).seed is None


async def test_the_seed_of_a_picture_can_be_kept(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    job = await alice.draw(running, "1girl", seed=42)
    kept = await whole(await bob.press(alice.member.message(job.message_id or 0), "Keep this seed"))
    assert "42" in kept.text
    assert kept.ephemeral
    assert (await bob.draw(running, "1boy")).request.seed == 42
    await bob.member.press(kept, "Random seed again")
    assert (await bob.draw(running, "1boy")).request.seed != 42


async def test_a_preset_of_a_negative_prompt_alone_is_added(
    running: Running, alice: Visitor
) -> None:
    await alice.answer("preset save", name="clean", negative="watermark, text")
    await alice.answer("preset save", name="portrait", prompt="upper body", negative="hat")
    typed = await alice.draw(running, "1girl", saved="clean", negative="glasses")
    assert "glasses, watermark, text" in typed.request.negative_prompt
    both = await alice.draw(running, "1girl", saved="portrait, clean, Portrait")
    assert both.request.prompt.count("upper body") == 1
    assert "hat, watermark, text" in both.request.negative_prompt
    opened = await alice.member.press(await alice.answer("me"), "Negative prompt…")
    await alice.member.submit_modal(opened, {"negative": "scarf"})
    own = await alice.draw(running, "1girl", saved="clean")
    assert "scarf, watermark, text" in own.request.negative_prompt
    answer = await alice.answer("imagine", prompt="1girl", saved="clean, nothing")
    assert "no preset called `nothing`" in answer.text


async def test_several_presets_are_suggested(running: Running, alice: Visitor) -> None:
    for name in ("clean", "portrait"):
        await alice.answer("preset save", name=name, negative="hat")
    found = await running.place.alice.complete("saved", "portrait, ")
    assert [each["value"] for each in found] == ["portrait, clean"]
