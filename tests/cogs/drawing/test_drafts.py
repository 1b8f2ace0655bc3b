"""Nothing that was typed is lost: what was refused, cancelled or failed opens again as a form."""

from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.actor import Actor
from bot.jobs.keep.housekeeping import UPLOAD_WAITS_S
from bot.playground.simulator.default_world import IDS
from cogs.drawing.drafts import EDIT, Draft, base_of, draft_in, embeds_of
from pipeline.errors import EngineError
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.cogs.drawing.test_image_option import picture
from tests.cogs.pictures.files import filled
from tests.cogs.pictures.test_results import drawn, new_job
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until
from tests.support.views import MessageView

TYPED = st.text(alphabet=st.characters(blacklist_characters="`", codec="utf-8"), max_size=1900)


@given(TYPED, TYPED, TYPED)
def test_a_message_holds_all_that_was_typed(prompt: str, negative: str, settings: str) -> None:
    draft = Draft(prompt=prompt, negative=negative, settings=settings)
    embeds = embeds_of(draft)
    assert embeds is not None
    assert sum(map(len, embeds)) <= 6000
    assert all(len(each.description or "") <= 4096 for each in embeds)
    received = [discord.Embed.from_dict(each.to_dict()) for each in embeds]
    said = {name: value if value.strip() else "" for name, value in _fields(draft).items()}
    assert _fields(draft_in(received, draft.parts)) == said
    assert EDIT.fullmatch(f"ekaki:draft:{draft.parts}:-:public:my preset") is not None


def _fields(draft: Draft) -> dict[str, str]:
    return {name: getattr(draft, name) for name in ("prompt", "negative", "settings")}


def test_what_is_too_long_for_one_message_goes_another_way() -> None:
    assert embeds_of(Draft(prompt="x" * 4000, negative="y" * 2500)) is None
    assert embeds_of(Draft(prompt="x" * 4000, negative="y" * 1000)) is not None


async def test_a_refused_prompt_is_edited_after_a_restart(place: Discord, alice: Visitor) -> None:
    request: dict[str, Any] = {"negative": "hat", "aspect": "3:2", "steps": 4, "character": "ganyu"}
    async with open_bot(place):
        refused = await alice.answer("imagine", prompt="1girl, loli, beach", **request)
    assert refused.ephemeral
    assert "1girl, loli, beach" in refused.text
    assert list(labels(refused)) == ["Edit prompt"]
    async with open_bot(place) as running:
        form = await alice.member.press(refused, "Edit prompt")
        assert filled(form) == {
            "prompt": "ganyu, 1girl, loli, beach",
            "negative": "hat",
            "settings": "--ar 3:2 --steps 4",
        }
        await alice.member.submit_modal(form, {"prompt": "ganyu, 1girl, beach"})
        job = await new_job(running, 0)
    assert job.request.prompt.startswith("1girl, ganyu")
    assert (job.request.width, job.request.num_inference_steps) == (1216, 4)
    assert "hat" in job.request.negative_prompt


async def test_an_edited_prompt_may_be_refused_again(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        message = await alice.answer("imagine", prompt="1girl, loli", private=True)
        for settings in ("--steps 9000", "--steps 20 --warp 9"):
            form = await alice.member.press(message, "Edit prompt")
            sent = await alice.member.submit_modal(
                form, {"prompt": "1girl, long night", "settings": settings}
            )
            message = await whole(sent)
            assert message.ephemeral
            assert settings in message.text
        form = await alice.member.press(message, "Edit prompt")
        assert filled(form)["prompt"] == "1girl, long night"
        assert form.modal is not None
        assert form.modal["custom_id"].endswith(":private")


async def test_limits_keep_a_prompt_and_its_preset(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, pictures_per_hour=1) as running:
        await alice.answer("preset save", name="Night: sky", steps=4)
        await drawn(alice, running)
        refused = await alice.answer("imagine", prompt="a long night", saved="Night: sky")
        assert "in an hour" in refused.text
    async with open_bot(place) as running:
        form = await alice.member.press(refused, "Edit prompt")
        assert filled(form)["prompt"] == "a long night"
        await alice.member.submit_modal(form, {})
        job = await new_job(running, 1)
    assert job.request.num_inference_steps == 4


async def cancelled(place: Discord, alice: Visitor, **options: Any) -> MessageView:
    """The message of a job that its owner cancelled."""
    message = await alice.imagine("1girl, smile, night", steps=4, negative="hat", **options)
    await alice.member.press(message, "Cancel")
    await until(lambda: "Cancelled" in alice.member.message(message.id).text)
    return alice.member.message(message.id)


async def test_what_was_cancelled_is_tried_again_or_edited(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await cancelled(place, alice)
        assert list(labels(message)) == ["Try again", "Edit prompt"]
        for label in ("Try again", "Edit prompt"):
            said = await bob.member.press(message, label)
            assert "Only the person" in (await whole(said)).text
            assert said.modal is None
        running.engine.release()
    async with open_bot(place) as running:
        await alice.member.press(message, "Try again")
        job = await new_job(running, 1)
        assert (job.user_id, job.request.num_inference_steps) == (IDS.alice, 4)
        assert job.request.original.prompt == "1girl, smile, night"
        form = await alice.member.press(message, "Edit prompt")
        assert filled(form) == {
            "prompt": "1girl, smile, night",
            "negative": "hat",
            "settings": "--steps 4",
        }
        alice_here = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.general)
        await running.services.results.delete((await running.jobs())[0].id, actor=alice_here)
        gone = await alice.member.press(message, "Try again")
        assert "can't find that request" in (await whole(gone)).text


async def test_what_failed_is_tried_again(place: Discord, alice: Visitor) -> None:
    tries: list[int] = []

    def fail_once(_: ResolvedRequest, __: int) -> EngineError | None:
        tries.append(1)
        return EngineError("inference_failed") if len(tries) == 1 else None

    async with open_bot(place, engine=FakeEngine(fail_at=fail_once)) as running:
        job = await alice.draw(running, "1girl, smile", steps=4)
        message = alice.member.message(job.message_id or 0)
        assert "No picture this time" in message.text
        await alice.member.press(message, "Try again")
        again = await new_job(running, 1)
    assert (job.state, again.state) == ("failed", "finished")


@pytest.mark.parametrize("label", ["Try again", "Edit prompt"])
async def test_a_private_job_that_was_cancelled_stays_private(
    place: Discord, alice: Visitor, label: str
) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await cancelled(place, alice, private=True)
        running.engine.release()
        sent = await alice.member.press(message, label)
        if label == "Edit prompt":
            sent = await alice.member.submit_modal(sent, {})
        job = await new_job(running, 1)
    assert sent.ephemeral
    assert job.private


IMAGE: dict[str, Any] = {"image": ("photo.png", picture()), "strength": 0.45}


async def test_a_refused_prompt_is_edited_with_its_image(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        refused = await alice.answer("imagine", prompt="1girl, loli", **IMAGE)
    async with open_bot(place) as running:
        form = await alice.member.press(refused, "Edit prompt")
        sent = await alice.member.submit_modal(form, {"prompt": "1girl", "settings": "--steps 900"})
        refused = await whole(sent)  # again, for another reason
        form = await alice.member.press(refused, "Edit prompt")
        await alice.member.submit_modal(form, {"settings": "--steps 4"})
        job = await new_job(running, 0)
    assert job.request.init_picture
    assert (job.request.strength, job.request.num_inference_steps) == (0.45, 4)


async def test_an_image_of_a_refused_request_is_kept_for_an_hour(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        refused = await alice.answer("imagine", prompt="1girl, loli", **IMAGE)
        place.advance(UPLOAD_WAITS_S + 1)
        await running.services.jobs._housekeeping.clean()  # pyright: ignore[reportPrivateUsage]
        assert not list((place.folder / "uploads").rglob("*.png"))
        form = await alice.member.press(refused, "Edit prompt")
        gone = await whole(await alice.member.submit_modal(form, {"prompt": "1girl, hat"}))
        assert "Attach it again" in gone.text
        assert await running.jobs() == []
        form = await alice.member.press(gone, "Edit prompt")
        assert filled(form)["prompt"] == "1girl, hat"
        await alice.member.submit_modal(form, {})
        assert not (await new_job(running, 0)).request.init_picture


@pytest.mark.parametrize("label", ["Try again", "Edit prompt"])
async def test_what_was_cancelled_begins_from_its_image_again(
    place: Discord, alice: Visitor, label: str
) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await cancelled(place, alice, **IMAGE)
        running.engine.release()
        place.advance(UPLOAD_WAITS_S + 1)
        await running.services.jobs._housekeeping.clean()  # pyright: ignore[reportPrivateUsage]
        sent = await alice.member.press(message, label)
        if label == "Edit prompt":
            await alice.member.submit_modal(sent, {})
        job = await new_job(running, 1)
    assert job.state == "finished"
    assert job.request.init_picture
    assert job.request.strength == 0.45


async def test_strength_without_an_image_keeps_what_was_typed(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        refused = await alice.answer("imagine", prompt="1girl, hat", strength=0.4, private=True)
        assert "Attach an image" in refused.text
        form = await alice.member.press(refused, "Edit prompt")
        await alice.member.submit_modal(form, {})
        job = await new_job(running, 0)
    assert job.request.original.prompt == "1girl, hat"
    assert job.private


def test_the_longest_button_fits() -> None:
    request = GenerationRequest(init_picture="0123456789abcdef" * 4, strength=0.999)
    made = f"ekaki:draft:pns:{base_of(request)}:private:{'x' * 50}"
    assert EDIT.fullmatch(made) is not None
    assert len(made) <= 100
