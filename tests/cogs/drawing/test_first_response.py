"""The first response is the real one: public, ephemeral or a modal, and refusals cost nothing."""

import asyncio
import runpy
from typing import Any

import pytest

from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from cogs.common import orphans
from cogs.drawing import submission
from data.jobs.jobs import JobRecord
from tests.cogs.drawing.test_delivery import pictures
from tests.cogs.running import Discord, Running, running_bot, words
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until


async def test_a_prompt_is_answered_in_public_with_a_place_in_the_queue(
    place: Discord, running: Running
) -> None:
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl, smile"))
    assert message.ephemeral_for is None
    assert not message.flags & limits.LOADING
    first = place.states(message)[0]
    assert first["embeds"][0]["title"] == "Waiting"
    assert first["components"][0]["components"][0]["label"] == "Cancel"
    job = await running.job()
    assert job.state in {"queued", "running"}
    assert await running.used() == 1


async def test_a_private_answer_is_seen_by_its_user_only(place: Discord, running: Running) -> None:
    message = await place.answer(place.alice.imagine(prompt="1girl", private=True))
    assert message.ephemeral_for == IDS.alice
    await running.delivery("delivered")
    assert len(message.attachments) == 1
    assert place.seen(IDS.general) == []


async def test_the_form_takes_a_long_prompt(place: Discord, running: Running) -> None:
    sent = place.alice.command("imagine-form", steps=7, seed=5)
    await until(lambda: sent.modal)
    assert sent.modal is not None
    inputs = [each["component"] for each in sent.modal["components"]]
    assert [(each["max_length"], each["required"]) for each in inputs] == [
        (4000, True),
        (4000, False),
    ]
    prompt = ("1girl, " * 600)[:3990] + ", zzz"
    answer = place.alice.submit(sent, modal_prompt=prompt, modal_negative="lowres, hat")
    await place.answer(answer)
    job = await running.delivery("delivered")
    assert job.request.original.prompt == prompt
    assert job.request.original.negative_prompt == "lowres, hat"
    assert (job.request.num_inference_steps, job.request.seed) == (7, 5)


async def test_a_client_that_knows_the_old_command_is_told(
    place: Discord, running: Running
) -> None:
    """It still offers `/imagine` without a prompt, which opened the form."""
    message = await place.answer(place.alice.imagine(steps=7))
    assert "has changed since your Discord loaded it" in message.content
    assert await running.jobs() == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"prompt": "   "}, "nothing to draw"),
        ({"prompt": "x" * 6000}, "4000"),
        ({"prompt": "1girl", "steps": 10_000}, "Steps"),
        ({"prompt": "1girl", "steps": 0}, "Steps"),
        ({"prompt": "1girl", "seed": -2}, "seed"),
        ({"prompt": "1girl", "seed": 2**32}, "seed"),
        ({"prompt": "1girl", "aspect": "abc"}, "abc"),
        ({"prompt": "1girl", "aspect": "0:0"}, "0:0"),
        ({"prompt": "1girl", "sampler": "euler `b` @everyone"}, "one of the choices"),
        ({"prompt": "1girl", "rating": "explicit"}, "explicit"),
        ({"prompt": "loli"}, "loli"),
    ],
)
async def test_a_refusal_is_told_to_its_user_only_and_costs_nothing(
    place: Discord, running: Running, options: dict[str, Any], told: str
) -> None:
    message = await place.answer(place.alice.imagine(**options))
    assert message.ephemeral_for == IDS.alice
    assert told.casefold() in words(message).casefold()
    assert "unexpected" not in words(message)
    assert "went wrong" not in words(message)
    assert await running.jobs() == []
    assert await running.used() == 0


async def test_limits_are_refused_with_a_time(place: Discord) -> None:
    async with running_bot(place, pictures_per_hour=1) as running:
        await place.answer(place.alice.imagine(prompt="1girl"))
        await running.delivery("delivered")
        refused = await place.answer(place.alice.imagine(prompt="2girls"))
        assert refused.ephemeral_for == IDS.alice
        assert "<t:" in refused.content
        assert len(await running.jobs()) == 1


def test_whoever_decides_answers_within_discords_deadline() -> None:
    fresh = runpy.run_path(submission.__file__), runpy.run_path(orphans.__file__)
    known, unknown = fresh[0]["UNDECIDED_S"], fresh[1]["ORPHAN_AFTER_S"]
    assert known < unknown < 3.0 - 0.5, "Discord waits for 3 s; half a second for the way"


async def test_a_decision_that_takes_long_is_deferred_first(
    place: Discord, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "UNDECIDED_S", 0.1)
    async with running.services.database.transaction():
        message = await place.answer(place.alice.imagine(prompt="1girl"))
        assert message.flags & limits.LOADING
    await running.delivery("delivered")
    assert [found.id for found in place.seen(IDS.general)] == [message.id]
    assert len(message.attachments) == 1


async def test_a_late_refusal_leaves_no_placeholder(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(place, pictures_per_hour=1) as running:
        await place.answer(place.alice.imagine(prompt="1girl"))
        await running.delivery("delivered")
        monkeypatch.setattr(submission, "UNDECIDED_S", 0.1)
        before = len(place.seen(IDS.general))
        async with running.services.database.transaction():
            sent = place.alice.imagine(prompt="2girls")
            await place.answer(sent)
        refusal_id = await until(lambda: sent.followup_ids and sent.followup_ids[0])
        refusal = place.world.messages[refusal_id]
        assert refusal.ephemeral_for == IDS.alice
        assert "picture" in refusal.content
        assert len(place.seen(IDS.general)) == before


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (400, 50035)])
async def test_without_an_acknowledgement_nothing_is_spent(
    place: Discord, running: Running, status: int, code: int
) -> None:
    running.engine.hold()
    place.loopback.faults.add(Fault(method="POST", path="/callback", status=status, code=code))
    place.alice.imagine(prompt="1girl")
    job = await withdrawn(running)
    assert job.state == "cancelled"
    assert await running.used() == 0
    running.engine.release()
    later = await place.answer(place.bob.imagine(prompt="2girls", channel_id=IDS.art))
    await until(lambda: pictures([later]))  # it would have been drawn before
    assert place.seen(IDS.general, IDS.alice) == []
    assert place.seen(IDS.dm_alice) == []


async def withdrawn(running: Running) -> JobRecord:
    async with asyncio.timeout(PATIENCE_S):
        while not (jobs := await running.jobs()) or jobs[0].state != "cancelled":
            await asyncio.sleep(0.01)
    return jobs[0]


async def test_it_works_in_direct_messages_and_threads(place: Discord, running: Running) -> None:
    for channel_id in (IDS.dm_alice, IDS.thread):
        message = await place.answer(place.alice.imagine(prompt="1girl", channel_id=channel_id))
        await until(lambda message=message: pictures([message]))
        assert message.channel_id == channel_id
    guilds = {job.channel_id: job.guild_id for job in await running.jobs()}
    assert guilds == {IDS.dm_alice: None, IDS.thread: IDS.guild}


async def test_a_missing_permission_is_told_before_any_work(
    place: Discord, running: Running
) -> None:
    channel = place.world.channel(IDS.general)
    attach_files = str(1 << 15)
    channel.overwrites.append({"id": str(IDS.bot), "type": 1, "allow": "0", "deny": attach_files})
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    assert message.ephemeral_for == IDS.alice
    assert "Attach Files" in message.content
    assert await running.jobs() == []
    assert running.engine.drawn == []


async def test_a_user_install_is_refused_kindly(place: Discord, running: Running) -> None:
    requests: dict[str, dict[str, Any]] = {"imagine": {"prompt": "1girl"}, "imagine-form": {}}
    for command, options in requests.items():
        sent = place.alice.command(command, user_install_only=True, **options)
        message = await place.answer(sent)
        assert "added me" in message.content
    assert await running.jobs() == []
