"""`/again` and its button: an earlier request with another prompt."""

from bot.playground.simulator.default_world import IDS
from pipeline.rating import Rating
from tests.cogs.drawing.test_withheld import allow
from tests.cogs.pictures.files import filled
from tests.cogs.pictures.test_results import drawn, new_job, text_of
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, labels, open_bot, whole

KEPT = {"aspect": "1:1", "style": "Manga", "steps": 5, "cfg": 4.5, "negative": "hat"}


async def test_the_last_request_is_repeated_with_another_prompt(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        first = await alice.draw(running, "1girl, smile", **KEPT)
        await bob.draw(running, "1boy")
        await alice.member.slash("again", {"prompt": "1girl, rain"}, channel=IDS.general)
        made = (await new_job(running, 2)).request
    assert made.original.prompt == "1girl, rain"
    assert "smile" not in made.prompt
    same = ("width", "height", "num_inference_steps", "guidance_scale", "sampler", "preset")
    assert [getattr(made, name) for name in same] == [getattr(first.request, name) for name in same]
    assert made.original.style is first.request.original.style is not None
    assert "hat" in made.negative_prompt
    assert made.seed != first.request.seed


async def test_a_typed_seed_and_privacy_stay_and_the_count_can_change(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        await alice.draw(running, "1girl", seed=7, private=True)
        await alice.member.slash("again", {"prompt": "1boy", "count": 2}, channel=IDS.art)
        made = await new_job(running, 1)
    assert (made.request.seed, made.request.count, made.private) == (7, 2, True)


async def test_what_the_prompt_needed_is_not_kept(place: Discord, alice: Visitor) -> None:
    """A rating that only the words of the first prompt asked for."""
    async with open_bot(place) as running:
        await allow(running, Rating.SENSITIVE)
        first = await alice.draw(running, "1girl, sensitive")
        assert first.request.rating is Rating.SENSITIVE
        await alice.member.slash("again", {"prompt": "1girl"}, channel=IDS.general)
        made = await new_job(running, 1)
    assert made.request.rating is Rating.SAFE


async def test_without_a_prompt_a_form_opens(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await alice.draw(running, "1girl, smile", **KEPT)
        sent = await alice.member.slash("again", {}, channel=IDS.general)
        assert filled(sent) == {"prompt": "1girl, smile"}
    async with open_bot(place) as running:  # it may be open while the bot restarts
        await alice.member.submit_modal(sent, {"prompt": "1girl, sea"})
        made = (await new_job(running, 1)).request
    assert made.original.prompt == "1girl, sea"
    assert made.num_inference_steps == 5


async def test_the_button_does_it_for_any_picture(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running, **KEPT | {"prompt": "1girl, smile"})
        sent = await bob.press(message, "Other prompt")
        await bob.member.submit_modal(sent, {"prompt": "1girl, sea"})
        made = await new_job(running, 1)
        private, hidden = await drawn(alice, running, prompt="secret", private=True)
    assert made.user_id == IDS.bob
    assert made.request.original.source == first.id
    assert made.request.num_inference_steps == 5
    assert hidden.ephemeral
    assert private.private


async def test_a_refusal_gives_the_words_back(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await alice.draw(running, "1girl", **KEPT)
        sent = await alice.member.slash(
            "again", {"prompt": "1girl, nude, explicit"}, channel=IDS.general
        )
        message = await whole(sent)
    assert message.ephemeral
    assert "1girl, nude, explicit" in message.text
    assert "Edit prompt" in labels(message)


async def test_somebody_new_is_told(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        sent = await alice.member.slash("again", {"prompt": "1girl"}, channel=IDS.general)
        assert "/imagine" in await text_of(sent)


async def test_it_repeats_a_cancelled_one(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await alice.imagine("1girl, smile", steps=5)
        await alice.member.press(message, "Cancel")
        running.engine.release()
        await alice.member.slash("again", {"prompt": "1girl, sea"}, channel=IDS.general)
        made = (await new_job(running, 1)).request
    assert (made.original.prompt, made.num_inference_steps) == ("1girl, sea", 5)
