"""What was left out of a prompt is told under the picture: once, escaped, to those who see it."""

import pytest

from bot.common.hints import MAX_LINES, hint_lines
from data.shipped.text import speaking
from pipeline.hints import Hint, HintKind
from tests.cogs.pictures.test_results import drawn
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot

PROMPT = "1girl <lora:x:0.8> <lora:@everyone:1>, <@1>, [smile|hat:0.1], `__x`__"


async def test_what_is_left_out_is_told_under_the_picture(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, prompt=PROMPT)
    told = place.world.messages[message.id].content
    assert "Left out: `<lora:x:0.8>`, `<lora:\u200b@\u200beveryone:1>` (no LoRA" in told
    assert "`[smile|hat:0.1]` was read as `[smile|hat]`" in told
    assert "Left out: `<\u200b@\u200b1>`" in told
    assert told.count("`<lora:x") == 1
    assert "lora" not in job.request.prompt
    assert "<@1>" not in told.replace("\\<@1>", "")


async def test_a_pasted_text_of_a1111_is_drawn_as_it_says(place: Discord, alice: Visitor) -> None:
    pasted = (
        "1girl, beach Negative prompt: hat, gloves Steps: 30, Sampler: UniPC, CFG scale: 6.5, "
        "Seed: 77, Size: 832x1216, Model: x"
    )
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, prompt=pasted)
    made = job.request
    assert (made.seed, made.guidance_scale) == (42, 6.5)  # the option `seed` was filled in
    assert made.prompt == "1girl, beach, safe"  # complete: no preset adds to it
    assert made.negative_prompt.startswith("hat, gloves")
    told = place.world.messages[message.id].content
    assert "Left out: `Sampler: UniPC`" in told


async def test_hints_survive_a_restart_and_stay_private(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        job, _ = await drawn(alice, running, prompt=PROMPT, private=True)
        assert await shown_again(running, job.id) == job.request.hints
    async with open_bot(place) as running:
        assert await shown_again(running, job.id) == job.request.hints
    for message in place.seen(job.channel_id, viewer=None):
        assert "lora" not in message.content


async def shown_again(running: Running, job_id: str) -> tuple[Hint, ...]:
    return next(job for job in await running.jobs() if job.id == job_id).request.hints


@pytest.mark.parametrize("locale", ["en-US", "ja"])
@pytest.mark.parametrize("kind", HintKind)
def test_every_kind_has_words(kind: HintKind, locale: str) -> None:
    with speaking(locale):
        (line,) = hint_lines([Hint(kind, "a`b", "" if kind is HintKind.LORA else "c")])
    assert "`a'b`" in line or kind is HintKind.PARTS


def test_many_hints_do_not_bury_the_picture() -> None:
    hints = [Hint(HintKind.EDITING, f"[{n}:0.1]" + "x" * 60, "y" * 79) for n in range(12)]
    lines = hint_lines([*hints, *[Hint(HintKind.LORA, f"{n}" * 80) for n in range(9)]])
    assert len(lines) == MAX_LINES
    assert sum(map(len, lines)) < 2500
