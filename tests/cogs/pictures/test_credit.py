"""The grey line tells whose picture it was drawn on from, and keeps private ones private."""

import pytest

from bot.playground.simulator.default_world import IDS
from tests.cogs.pictures.test_results import drawn, new_job
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.views import MessageView

ALICE = f"<@{IDS.alice}>"


async def result(visitor: Visitor, running: Running, known: int) -> MessageView:
    """The message of the job after `known` others."""
    job = await new_job(running, known)
    return visitor.member.message(job.message_id or 0)


def link_to(message: MessageView) -> str:
    return f"(<https://discord.com/channels/{IDS.guild}/{IDS.general}/{message.id}>)"


@pytest.mark.parametrize(
    ("label", "said"),
    [("Re-roll", "Re-rolled"), ("Vary", "Varied"), ("Vary (subtle)", "Varied"),
     ("Upscale", "Upscaled")],
)  # fmt: skip
async def test_what_is_drawn_from_anothers_picture_names_its_maker(
    place: Discord, alice: Visitor, bob: Visitor, label: str, said: str
) -> None:
    async with open_bot(place) as running:
        _, source = await drawn(alice, running)
        await bob.press(source, label)
        made = await result(bob, running, 1)
        again = await bob.answer("show", id=(await running.jobs())[1].id)
    line = f"-# [{said}]{link_to(source)} from {ALICE} · "
    assert line in made.content
    assert line in again.content
    assert made.mention_ids == again.mention_ids == []


async def test_a_remix_names_its_source_also_when_it_is_edited_after_a_refusal(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, source = await drawn(alice, running)
        form = await bob.press(source, "Remix")
        refused = await whole(await bob.member.submit_modal(form, {"prompt": "1girl, loli"}))
        form = await bob.press(refused, "Edit prompt")
        await bob.member.submit_modal(form, {"prompt": "1girl, beach"})
        made = await result(bob, running, 1)
    assert f"-# [Remixed]{link_to(source)} from {ALICE} · " in made.content


async def test_ones_own_pictures_are_not_credited_to_oneself(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        _, source = await drawn(alice, running)
        await alice.press(source, "Re-roll")
        assert (await result(alice, running, 1)).content.count("-#") == 1
        assert "Re-rolled" not in (await result(alice, running, 1)).content
        await alice.press(source, "Upscale")
        upscaled = (await result(alice, running, 2)).content
    assert f"-# [Upscaled]{link_to(source)} · " in upscaled
    assert "<@" not in upscaled


async def test_a_private_or_deleted_source_is_not_named(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        job, source = await drawn(alice, running, private=True)
        await alice.press(source, "Upscale")
        assert "-# Upscaled · " in (await result(alice, running, 1)).content
        job, source = await drawn(alice, running)
        await alice.press(source, "Vary")
        made = await new_job(running, 3)
        asked = await whole(await alice.press(source, "Delete"))
        await alice.member.press(asked, "Delete permanently")
        assert await running.services.jobs.job(job.id) is None
        shown = await alice.answer("show", id=made.id)
    assert "Varied" not in shown.content
    assert str(source.id) not in shown.content
