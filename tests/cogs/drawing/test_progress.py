"""A waiting message becomes progress, then pictures, in order, whatever Discord answers."""

import logging
import threading
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from pipeline.errors import EngineError
from pipeline.request import ResolvedRequest
from tests.cogs.drawing.test_delivery import pictures
from tests.cogs.running import Discord, Running, running_bot, words
from tests.support.fake_engine import FakeEngine
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until


def titles(place: Discord, message: Message) -> list[str]:
    """What kind of state the message showed, in order, repeats left out."""
    found: list[str] = []
    for state in place.states(message):
        title = _title(state)
        if found[-1:] != [title]:
            found.append(title)
    return found


def _title(state: dict[str, Any]) -> str:
    return str(state["embeds"][0].get("title")) if state["embeds"] else "pictures"


def _labels(message: Message) -> list[str]:
    return [button["label"] for row in message.components for button in row["components"]]


class Paced(FakeEngine):
    """Goes on from the second step when somebody has seen that it draws."""

    def __init__(self, *, step_s: float = 0.0) -> None:
        super().__init__(step_s=step_s, fail_at=self._wait_at)
        self._seen = threading.Event()

    def _wait_at(self, _: ResolvedRequest, step: int) -> None:
        assert step != 2 or self._seen.wait(PATIENCE_S), "nobody saw it"

    async def seen(self, place: Discord, message: Message) -> None:
        """Wait until it is shown that it draws, and let it go on."""
        await until(lambda: "Drawing" in titles(place, message))
        self._seen.set()


async def finished(message: Message) -> Message:
    return await until(lambda: message if pictures([message]) else None)


async def test_progress_is_shown_with_previews_and_then_the_picture(place: Discord) -> None:
    engine = Paced()
    async with running_bot(place, engine=engine) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl, smile", steps=20, seed=42))
        await engine.seen(place, message)
        job = await running.delivery("delivered")
    assert titles(place, message) == ["Waiting", "Drawing", "pictures"]
    drawing = [s for s in place.states(message) if _title(s) == "Drawing"]
    assert all(state["attachments"][0]["filename"] == "preview.jpg" for state in drawing)
    last = words(message)
    assert last == "1girl, smile\n-# 52 × 76 · seed 42"
    (file,) = message.attachments
    assert file.filename == f"ekaki-{job.id}-1.png"
    assert (file.description or "").startswith("Generated anime picture. Prompt: 1girl, smile")
    assert message.attachments[0].data.startswith(b"\x89PNG")
    assert "Cancel" not in _labels(message)
    assert "Upscale" in _labels(message)


async def test_previews_can_be_switched_off(place: Discord) -> None:
    engine = Paced()
    async with running_bot(place, engine=engine, previews=False) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl", steps=10))
        await engine.seen(place, message)
        await running.delivery("delivered")
    assert titles(place, message) == ["Waiting", "Drawing", "pictures"]
    assert not any(state["attachments"] for state in place.states(message)[:-1])


async def test_edits_are_throttled(place: Discord) -> None:
    engine = Paced(step_s=0.01)
    async with running_bot(place, engine=engine, progress_interval_s=30.0) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl", steps=60))
        await engine.seen(place, message)
        await running.delivery("delivered")
    shown = [_title(state) for state in place.states(message)]
    assert shown.count("Drawing") == 1, "sixty steps within half a minute"
    assert titles(place, message)[-1] == "pictures", "the end waits for nothing"


async def test_a_deleted_message_is_not_edited_at_every_step(place: Discord) -> None:
    engine = Paced(step_s=0.05)
    async with running_bot(place, engine=engine, progress_interval_s=0.1) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl", steps=40))
        await engine.seen(place, message)
        place.loopback.posting.delete(message)
        before = len(place.loopback.log.find("PATCH"))
        await running.delivery("delivered")
    tried = len(place.loopback.log.find("PATCH")) - before
    assert tried <= 6, "by both ways: an update on its way, the next one, and the end"


async def test_several_pictures_come_in_one_message(place: Discord, running: Running) -> None:
    message = await place.answer(place.alice.imagine(prompt="1girl", count=3, seed=7))
    await running.delivery("delivered")
    assert len(message.attachments) == 3
    assert "seeds 7 to 9" in words(message)


async def test_two_people_at_once_both_get_their_pictures(place: Discord, running: Running) -> None:
    running.engine.hold()
    first = await place.answer(place.alice.imagine(prompt="1girl, smile"))
    second = await place.answer(place.bob.imagine(prompt="1boy", channel_id=IDS.art))
    await until(lambda: "1 request is ahead of yours" in words(second))
    running.engine.release()
    await finished(first)
    await finished(second)
    assert "smile" in words(first)
    assert "1boy" in words(second)
    assert first.channel_id != second.channel_id


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="PATCH", path="/webhooks/", status=429, retry_after_s=0.2),
        Fault(method="PATCH", path="/webhooks/", status=500),
        Fault(method="PATCH", path="/webhooks/", cut="before"),
        Fault(method="PATCH", path="/webhooks/", cut="after"),
        Fault(method="PATCH", path="/webhooks/", delay_s=0.5),
    ],
    ids=["429", "500", "cut before", "cut after", "slow"],
)
async def test_trouble_with_an_edit_never_hides_the_picture(
    place: Discord, running: Running, fault: Fault
) -> None:
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl", steps=4))
    place.loopback.faults.add(fault)
    running.engine.release()
    await running.delivery("delivered")
    assert message.attachments[0].filename.startswith("ekaki-")
    assert titles(place, message)[-1] == "pictures"
    assert len(place.seen(IDS.general)) == 1


async def test_ones_own_job_can_be_cancelled(place: Discord, running: Running) -> None:
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    assert await running.used() == 1
    place.alice.press(message)
    job = await running.delivery("delivered")
    assert job.state == "cancelled"
    assert await running.used() == 0
    assert message.embeds[0]["title"] == "Cancelled"
    assert _labels(message) == ["Try again", "Edit prompt"]
    assert message.attachments == []


async def test_a_cancel_whose_answer_is_lost_is_no_error(
    place: Discord, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """discord.py sends the first response again, and Discord has it already."""
    caplog.set_level(logging.INFO, "cogs.common.errors")
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    await until(lambda: running.engine.started.acquire(blocking=False))
    place.loopback.faults.add(
        Fault(method="POST", path="/interactions/", status=400, code=40060, times=1)
    )
    place.alice.press(message)
    await until(lambda: "An answer was sent again" in caplog.text)
    running.engine.release()
    await running.delivery("delivered")
    assert message.embeds[0]["title"] == "Cancelled"
    assert len(place.seen(IDS.general, IDS.alice)) == 1
    assert "Error " not in caplog.text


async def test_somebody_elses_job_cannot(place: Discord, running: Running) -> None:
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    refusal = await place.answer(place.bob.press(message))
    assert refusal.ephemeral_for == IDS.bob
    assert "Only the person" in refusal.content
    running.engine.release()
    await finished(message)


async def test_a_failed_job_says_so_and_gives_back(place: Discord) -> None:
    engine = FakeEngine(fail_at=lambda _, step: EngineError("engine_failed") if step == 2 else None)
    async with running_bot(place, engine=engine) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl", steps=5))
        job = await running.delivery("delivered")
        assert job.state == "failed"
        assert message.embeds[0]["title"] == "No picture this time"
        assert "does not count" in words(message)
        assert _labels(message) == ["Try again", "Edit prompt"]
        assert await running.used() == 0
        # The bot lives.
        engine._fail_at = None  # pyright: ignore[reportPrivateUsage] - the fault is over
        await finished(await place.answer(place.alice.imagine(prompt="2girls")))


async def test_a_prompt_pings_nobody_and_formats_nothing(place: Discord, running: Running) -> None:
    hostile = "1girl, @everyone @here <@100000000000000005> **bold** [x](https://a.b) `code` \u202e"
    message = await place.answer(place.alice.imagine(prompt=hostile, steps=3))
    await running.delivery("delivered")
    for state in place.states(message):
        assert not state["mention_everyone"]
        assert state["mentions"] == []
    assert "@everyone" not in words(message)
    assert "\\*\\*bold" in words(message)


async def test_suggestions_come_while_others_draw(place: Discord, running: Running) -> None:
    running.engine.hold()
    await place.answer(place.alice.imagine(prompt="1girl"))
    choices = await place.bob.complete("prompt", "1girl, smil")
    assert "1girl, smile," in [choice["value"] for choice in choices]
    aspects = await place.bob.complete("aspect", "")
    assert len(aspects) == 9
    assert (await place.bob.complete("character", "asuka"))[0]["value"]
    assert (await place.bob.complete("negative", "x" * 3000)) == []
