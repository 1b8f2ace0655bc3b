"""Redrawing a part of a picture and extending it: for its owner, for others, after a restart."""

import asyncio
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bot.playground.simulator.default_world import IDS
from data.jobs.jobs import JobRecord
from pipeline.areas import Area
from pipeline.canvas import Extend
from pipeline.rating import Rating
from tests.cogs.drawing.test_withheld import allow
from tests.cogs.pictures.test_results import drawn, forge, new_job, text_of
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FakeEngine
from tests.support.parameters import read_parameters
from tests.support.patience import PATIENCE_S, until
from tests.support.views import MessageView


async def form_of(visitor: Visitor, message: MessageView) -> Any:
    sent = await visitor.press(message, "Redraw")
    assert sent.modal is not None
    return sent


async def redrawn(
    visitor: Visitor, running: Running, message: MessageView, known: int = 1, **values: Any
) -> JobRecord:
    sent = await form_of(visitor, message)
    await visitor.member.submit_modal(sent, {"area": ["lower_half"]} | values)
    return await new_job(running, known)


async def files(running: Running, job: JobRecord) -> list[bytes]:
    _, pictures = await running.services.results.pictures_of(job.id)
    return [await running.services.jobs.read_picture(each) for each in pictures]


async def pixels(running: Running, job: JobRecord) -> Image.Image:
    _, (picture,) = await running.services.results.pictures_of(job.id)
    data = await running.services.jobs.read_picture(picture)
    return Image.open(io.BytesIO(data)).convert("RGB")


async def extend(visitor: Visitor, message: MessageView, how: Extend) -> Any:
    panel = await visitor.more(message)
    menu = next(each for each in panel.selects if "extend" in each["custom_id"])
    return await visitor.member.select(panel, menu["custom_id"], [how.value])


async def all_of(answer: Any) -> str:
    """What a refused form answers: why, and what was typed."""
    await until(lambda: answer.followups)
    return " ".join(each.text for each in (answer.message, *answer.followups) if each)


async def test_the_form_is_filled_in_and_names_areas(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        sent = await form_of(alice, message)
    area, prompt, strength = (row["component"] for row in sent.modal["components"])
    assert [option["value"] for option in area["options"]] == [each.value for each in Area]
    assert prompt["value"] == "1girl, smile"
    assert strength["value"] == "0.75"


async def test_a_part_is_redrawn_and_the_rest_stays(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running)
        job = await redrawn(bob, running, message, prompt="1girl, hat", strength="90%")
        request, original = job.request, job.request.original
        _, (picture,) = await running.services.results.pictures_of(first.id)
        assert (job.user_id, job.state, original.source) == (IDS.bob, "finished", first.id)
        assert (request.init_picture, request.strength) == (picture.content_hash, 0.9)
        assert request.mask
        assert (request.sampler, request.num_inference_steps) == (first.request.sampler, 4)
        assert request.prompt.startswith("1girl, hat")
        assert request.seed != first.request.seed
        before, after = await pixels(running, first), await pixels(running, job)
        half = before.height // 2
        old, new = np.asarray(before), np.asarray(after.resize(before.size))
        assert (old[: half - 1] == new[: half - 1]).all()
        assert (old[half + 1 :] != new[half + 1 :]).any()
        shown = alice.member.message(job.message_id or 0)
        assert "Redrawn in part" in shown.text
        assert f"<@{IDS.alice}>" in shown.text
        _, (made,) = await running.services.results.pictures_of(job.id)
        read = read_parameters(await running.services.jobs.read_picture(made))
    assert f"Init image hash: {picture.content_hash[:12]}" in (read or "")
    assert f"Mask hash: {request.mask[:12]}" in (read or "")


@pytest.mark.parametrize("how", Extend)
async def test_a_picture_is_extended(place: Discord, alice: Visitor, how: Extend) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running)
        sent = await extend(alice, message, how)
        job = await new_job(running, 1)
        assert not sent.ephemeral
        request = job.request
        assert (request.extend, request.mask) == (how, "")
        assert request.prompt == first.request.prompt
        larger = request.width * request.height > first.request.width * first.request.height
        assert larger == (how not in {Extend.ZOOM_1_5, Extend.ZOOM_2})
        shown = alice.member.message(job.message_id or 0)
        assert "Extended" in shown.text
        assert ("Upscale" in labels(shown)) != larger, "it would become too large"


async def test_a_square_is_not_offered_to_become_one(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, aspect="square")
        (menu,) = (await alice.more(message)).selects
        assert Extend.SQUARE.value not in {each["value"] for each in menu["options"]}


async def test_redraws_are_redrawn_again_and_rerolled_with_their_mask(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        second = await redrawn(alice, running, message)
        third = await redrawn(
            alice, running, alice.member.message(second.message_id or 0), 2, area=["upper_half"]
        )
        assert third.request.init_picture != second.request.init_picture
        assert third.request.mask != second.request.mask
        await alice.press(alice.member.message(third.message_id or 0), "Re-roll")
        fourth = await new_job(running, 3)
        assert fourth.request.mask == third.request.mask
        assert fourth.request.init_picture == third.request.init_picture
        assert fourth.request.seed != third.request.seed
        await alice.press(alice.member.message(fourth.message_id or 0), "Vary")
        assert (await new_job(running, 4)).request.mask == ""
        remix = await alice.press(alice.member.message(third.message_id or 0), "Remix")
        await alice.member.submit_modal(remix, {"prompt": "cat"})
        assert (await new_job(running, 5)).request.mask == third.request.mask


async def test_several_pictures_are_redrawn_one_by_one(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running, count=3)
        _, pictures = await running.services.results.pictures_of(first.id)
        panel = await alice.more(message, 2)
        await alice.member.submit_modal(await form_of(alice, panel), {"area": ["centre"]})
        job = await new_job(running, 1)
        assert job.request.init_picture == pictures[1].content_hash


async def test_what_is_drawn_from_an_extended_picture_keeps_its_size_and_origin(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place, engine=FakeEngine(scale=1)) as running:
        first, message = await drawn(alice, running)
        await extend(bob, message, Extend.LEFT)
        wide = await new_job(running, 1)
        shown = bob.member.message(wide.message_id or 0)
        size = (wide.request.width, wide.request.height)
        assert size == (1248, 1216)
        made, sizes = wide, list[tuple[int, int]]()
        for number, label in enumerate(("Vary", "Vary (subtle)", "Redraw", "Re-roll"), 2):
            if label == "Redraw":
                await redrawn(bob, running, shown, number)
            else:
                await bob.press(shown, label)
            made = await new_job(running, number)
            sizes.append((made.request.width, made.request.height))
            text = read_parameters((await files(running, made))[0]) or ""
            assert f"Init image hash: {made.request.init_picture[:12]}" in text
        assert sizes == [size] * 4
        assert made.request.original.source == first.id
        said = bob.member.message(made.message_id or 0).text
        assert "Extended" in said
        assert f"<@{IDS.alice}>" in said


async def test_a_varied_picture_says_so_after_a_reroll(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        for number, label in ((1, "Vary"), (3, "Vary (subtle)")):
            await bob.press(message, label)
            varied = await new_job(running, number)
            await bob.press(bob.member.message(varied.message_id or 0), "Re-roll")
            again = await new_job(running, number + 1)
            said = bob.member.message(again.message_id or 0).text
            assert "Varied" in said
            assert f"<@{IDS.alice}>" in said


async def test_the_form_outlives_a_restart(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        sent = await form_of(alice, message)
        panel = await alice.more(message)
    async with open_bot(place) as running:
        await alice.member.submit_modal(sent, {"area": ["right_half"]})
        assert (await new_job(running, 1)).state == "finished"
        (menu,) = panel.selects
        await alice.member.select(panel, menu["custom_id"], ["up"])
        assert (await new_job(running, 2)).request.extend is Extend.UP


async def test_private_pictures_stay_private(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, private=True)
        sent = await form_of(alice, message)
        answer = await alice.member.submit_modal(sent, {"area": ["centre"]})
        assert answer.ephemeral
        assert (await new_job(running, 1)).private
    assert place.seen(IDS.general) == []


async def test_a_private_picture_is_its_owners(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        private, _ = await drawn(alice, running, private=True)
        _, (picture,) = await running.services.results.pictures_of(private.id)
        _, public = await drawn(alice, running)
        forge(place, public, f"ekaki:redraw:{picture.id}")
        sent = await bob.member.press(public, f"ekaki:redraw:{picture.id}")
        assert "picture is private" in await text_of(sent)
        assert sent.modal is None
        assert len(await running.jobs()) == 2


async def test_the_present_ceiling_counts_and_nothing_typed_is_lost(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        await allow(running, Rating.SENSITIVE)
        _, message = await drawn(alice, running, rating="sensitive")
        sent = await form_of(alice, message)
        await allow(running, Rating.SAFE)
        values = {"area": ["centre"], "prompt": "1girl, a long text"}
        answer = await alice.member.submit_modal(sent, values)
        said = await whole(answer)
        assert said.ephemeral
        every = await all_of(answer)
        assert "rated `sensitive`" in every
        assert "a long text" in every
        assert "rated `sensitive`" in await text_of(await extend(alice, message, Extend.LEFT))
        assert len(await running.jobs()) == 1


async def test_what_was_deleted_meanwhile_or_typed_wrong_is_told(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running)
        sent = await form_of(alice, message)
        for typed in ("much", "0", "2"):
            answer = await alice.member.submit_modal(sent, {"area": ["centre"], "strength": typed})
            words = await all_of(answer)
            assert "Strength must be between 0.05" in words
            assert "1girl, smile" in words
        asked = await whole(await alice.press(message, "Delete"))
        await alice.member.press(asked, "Delete permanently")
        async with asyncio.timeout(PATIENCE_S):
            while await running.services.jobs.job(first.id) is not None:
                await asyncio.sleep(0.01)
        answer = await alice.member.submit_modal(sent, {"area": ["centre"]})
        words = await all_of(answer)
        assert "find" in words
        assert await running.jobs() == []


async def test_limits_count(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, pictures_per_hour=1) as running:
        _, message = await drawn(alice, running)
        assert "in an hour" in await text_of(await extend(alice, message, Extend.DOWN))
        sent = await form_of(alice, message)
        answer = await alice.member.submit_modal(sent, {"area": ["centre"]})
        assert "in an hour" in await all_of(answer)
