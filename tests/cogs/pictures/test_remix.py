"""Remix forms with everything filled in, from buttons and in prompt forms."""

import pytest

from bot.playground.simulator.default_world import IDS
from cogs.common import orphans
from tests.cogs.pictures.files import filled
from tests.cogs.pictures.test_results import drawn, new_job, text_of
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot


async def test_the_form_shows_everything_and_draws_what_was_changed(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(
            alice, running, prompt="1girl, smile", negative="hat", aspect="3:2", cfg=6.5,
            character="ganyu", style="Manga",
        )  # fmt: skip
        sent = await alice.press(message, "Remix")
        form = filled(sent)
        assert form == {
            "prompt": "ganyu, 1girl, smile",
            "negative": "hat",
            "settings": "--ar 1216x832 --steps 4 --cfg 6.5 --sampler Euler a --seed 42"
            " --preset Standard v3.1 --style Manga --speed full",
        }
        answer = await alice.member.submit_modal(
            sent, {"prompt": "1boy", "settings": "--ar 1:1 --steps 5 --no shoes"}
        )
        job = await new_job(running, 1)
    assert not answer.ephemeral
    assert job.id != first.id
    request = job.request
    assert request.prompt.startswith("1boy")
    assert request.negative_prompt.startswith("hat, shoes")
    assert (request.width, request.height, request.num_inference_steps) == (1024, 1024, 5)
    assert request.seed != 42


async def test_unchanged_it_is_the_same_picture(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running, character="ganyu", series="genshin impact")
        sent = await alice.press(message, "Remix")
        await alice.member.submit_modal(sent, {})
        job = await new_job(running, 1)
    assert job.request.prompt == first.request.prompt
    assert job.request.negative_prompt == first.request.negative_prompt
    assert job.request.seed == first.request.seed


async def test_a_form_may_be_open_while_the_bot_restarts(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, private=True)
        sent = await alice.press(message, "Remix")
    async with open_bot(place) as running:
        answer = await alice.member.submit_modal(sent, {"prompt": "2girls"})
        job = await new_job(running, 1)
    assert answer.ephemeral
    assert job.private
    assert job.request.prompt.startswith("2girls")


async def test_two_people_use_the_same_form_at_once(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        of_alice = await alice.press(message, "Remix")
        of_bob = await bob.press(message, "Remix")
        await alice.member.submit_modal(of_alice, {"prompt": "cat"}, wait=False)
        await bob.member.submit_modal(of_bob, {"prompt": "dog"}, wait=False)
        await new_job(running, 2)
        jobs = await running.jobs()
    drawn_by = {job.user_id: job.request.original.prompt for job in jobs[1:]}
    assert drawn_by == {IDS.alice: "cat", IDS.bob: "dog"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"settings": "--steps 4 --warp 9"}, "warp"),
        ({"settings": "steps 20"}, "steps 20"),
        ({"prompt": "loli"}, "loli"),
        ({"prompt": "1girl --rating explicit"}, "explicit"),
    ],
)
async def test_a_refused_form_gives_the_text_back(
    place: Discord, alice: Visitor, values: dict[str, str], told: str
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        sent = await alice.press(message, "Remix")
        answer = await alice.member.submit_modal(sent, values)
        words = await text_of(answer)
        assert told in words
        assert "--steps 4" in words or values.get("settings", "") in words
        assert len(await running.jobs()) == 1


async def test_a_refused_prompt_form_gives_the_text_back(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, pictures_per_hour=1) as running:
        await drawn(alice, running)
        sent = await alice.member.slash("imagine-form", {}, channel=IDS.general)
        answer = await alice.member.submit_modal(sent, {"modal_prompt": "a long night"})
        words = await text_of(answer)
    assert "in an hour" in words
    assert "a long night" in words


async def test_a_prompt_form_lost_in_a_restart_gives_the_text_back(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "ORPHAN_AFTER_S", 0.1)
    prompt = "1girl, " * 400
    async with open_bot(place):
        sent = await alice.member.slash("imagine-form", {}, channel=IDS.general)
    async with open_bot(place) as running:
        answer = await alice.member.submit_modal(sent, {"modal_prompt": prompt})
        words = await text_of(answer)
        assert await running.jobs() == []
    assert "restarted" in words
    assert answer.message is not None
    assert answer.message.attachments[0].data.decode() == prompt
