"""A server's default negative prompt: set on the panel, added to what members write, recorded."""

from collections.abc import AsyncGenerator

import pytest

from bot.playground.simulator.default_world import IDS
from data.jobs.jobs import JobRecord
from tests.cogs.running import Discord, Running
from tests.cogs.settings.test_panel import changes, opened, says
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.views import MessageView

FORM = "ekaki:set:form:negative_prompt"


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def set_to(moderator: Visitor, typed: str) -> MessageView:
    """Fill the form; the panel or the refusal."""
    panel = await opened(moderator, "words")
    form = await moderator.member.press(panel, FORM)
    sent = await moderator.member.submit_modal(form, {"negative_prompt": typed})
    return sent.followups[-1] if sent.followups else moderator.member.message(panel.id)


async def negative_of(running: Running, visitor: Visitor, prompt: str, **options: str) -> str:
    job = await visitor.draw(running, prompt, quality="None", **options)
    return job.request.negative_prompt


async def test_it_is_added_to_what_members_write(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    panel = await set_to(moderator, "  grainy, blood, ")
    await says(moderator, panel, "Default negative prompt: grainy, blood")
    assert "Default negative prompt\ngrainy, blood" in moderator.member.message(panel.id).text
    assert await negative_of(running, alice, "1girl") == "grainy, blood, nsfw, lowres"
    assert (
        await negative_of(running, alice, "1girl", negative="hat")
        == "grainy, blood, hat, nsfw, lowres"
    )
    assert await negative_of(running, alice, "1girl, blood") == "grainy, nsfw, lowres"
    assert ("negative_prompt", "", "grainy, blood") in await changes(running)
    panel = await set_to(moderator, "")
    await says(moderator, panel, "Default negative prompt: none")
    assert await negative_of(running, alice, "1girl") == "nsfw, lowres"


async def test_a_reroll_has_what_was_added_the_first_time(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    await set_to(moderator, "grainy")
    first = await alice.draw(running, "1girl", quality="None", negative="hat")
    await set_to(moderator, "blood")
    again = await rerolled(running, alice, first)
    assert (
        again.request.negative_prompt
        == first.request.negative_prompt
        == "grainy, hat, nsfw, lowres"
    )
    assert again.request.original.negative_prompt == "hat"  # what the remix form shows as theirs
    assert await negative_of(running, alice, "1girl") == "blood, nsfw, lowres"


async def rerolled(running: Running, visitor: Visitor, job: JobRecord) -> JobRecord:
    message = visitor.member.message(job.message_id or 0)
    (label,) = [label for label in labels(message) if label.endswith("Re-roll")]
    await visitor.member.press(message, label)
    await running.all_delivered(2)
    return (await running.jobs())[-1]


async def test_settings_of_a_picture_name_it(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    await set_to(moderator, "grainy, blood")
    job = await alice.draw(running, "1girl")
    message = alice.member.message(job.message_id or 0)
    shown = await whole(await alice.member.message_command("Picture settings", message))
    assert "Negative prompt of the server\ngrainy, blood" in shown.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("adult, mature", "may not remove adults"),
        ("(loli:-1)", "sexualised minor"),
        ("(spider:-1)", "do not allow `spider`"),
    ],
)
async def test_one_that_would_have_every_request_refused_is_refused(
    running: Running, moderator: Visitor, typed: str, words: str
) -> None:
    await moderator.answer("settings", file=("words.txt", b"spider"))
    refused = await set_to(moderator, typed)
    assert words in refused.text
    assert (await running.services.servers.settings(IDS.guild)).negative_prompt == ""
