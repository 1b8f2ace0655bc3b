"""Whatever Discord answers to a finished picture, its message ends in the picture, or in words that
say what happened and where the picture is."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.jobs.service import JobService
from bot.jobs.values import Progress
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from cogs.drawing import following, presenter, reading, render
from cogs.drawing.delivery import Delivery
from pipeline.errors import EngineError, StorageError
from tests.cogs.drawing.test_delivery import EXPIRED_S, held, pictures
from tests.cogs.running import Discord, Running, running_bot, words
from tests.data.records import a_job
from tests.support.fake_engine import FakeEngine
from tests.support.faults import Fault
from tests.support.patience import until, until_in_thread

ALWAYS = 1000

BY_TOKEN: dict[str, Any] = {"method": "PATCH", "path": "/webhooks/"}
BY_BOT: dict[str, Any] = {"method": "PATCH", "path": r"/channels/\d+/messages/"}
ANEW: dict[str, Any] = {"method": "POST", "path": r"/channels/\d+/messages$"}

# Discord's answers: (status, code). What it says to a message with files, of any kind.
EXPLICIT = (400, 20009)
TOO_LARGE = (413, 40005)
TOO_LARGE_BY_CODE = (400, 40005)
INVALID = (400, 50035)
AUTOMOD = (400, 200000)
EMPTY = (400, 50006)
ODD = (418, 0)
NO_ACCESS = (403, 50001)
NO_PERMISSION = (403, 50013)
NO_CHANNEL = (404, 10003)
NO_MESSAGE = (404, 10008)
NO_DM = (403, 50007)
TOKEN_OVER = (401, 50027)
NO_WEBHOOK = (404, 10015)
ARCHIVED = (400, 50083)
EXPLICIT_FORBIDDEN = (403, 20009)

CONTENT = (EXPLICIT, EXPLICIT_FORBIDDEN, TOO_LARGE, TOO_LARGE_BY_CODE, INVALID, AUTOMOD, EMPTY, ODD)
CLOSED = (
    NO_ACCESS, NO_PERMISSION, NO_CHANNEL, NO_MESSAGE, NO_DM, TOKEN_OVER, NO_WEBHOOK, ARCHIVED,
)  # fmt: skip
SAID: dict[tuple[int, int], str] = {
    EXPLICIT: "filter for explicit pictures",
    EXPLICIT_FORBIDDEN: "filter for explicit pictures",
    TOO_LARGE: "too large, even after it was made smaller",
    TOO_LARGE_BY_CODE: "too large, even after it was made smaller",
}


def refuse(
    place: Discord, what: dict[str, Any], answer: tuple[int, int], *, files: bool | None = None
) -> None:
    status, code = answer
    fault = Fault(status=status, code=code, times=ALWAYS, files=files, **what)
    place.loopback.faults.add(fault)


def ends_in_words(message: Message, answer: tuple[int, int]) -> bool:
    said = words(message)
    return (
        SAID.get(answer, "Discord rejected the picture here") in said
        and "/history" in said
        and "1girl" not in said
        and "%" not in said
        and not message.attachments
        and not message.components
    )


@pytest.fixture
async def without_previews(place: Discord) -> Any:
    """Only finished pictures are files then."""
    async with running_bot(place, previews=False) as running:
        yield running


@pytest.mark.parametrize("answer", CONTENT, ids=str)
async def test_what_is_refused_at_every_edit_ends_its_message_in_words(
    place: Discord, without_previews: Running, answer: tuple[int, int]
) -> None:
    message = await held(place, without_previews)
    refuse(place, {"path": "/(webhooks|channels)/"}, answer, files=True)
    without_previews.engine.release()
    job = await without_previews.delivery("delivered")
    assert ends_in_words(message, answer)
    assert [m.id for m in place.seen(IDS.general)] == [message.id], "nothing new beside it"
    assert job.state == "finished"
    assert await without_previews.used() == 1
    place.loopback.faults.clear()
    history = await place.answer(place.alice.command("history"))
    await until(lambda: "1girl" in words(history))
    assert history.ephemeral_for == IDS.alice


@pytest.mark.parametrize("answer", [each for each in CONTENT if 40005 not in each], ids=str)
async def test_what_is_refused_only_by_token_is_edited_by_the_bot(
    place: Discord, without_previews: Running, answer: tuple[int, int]
) -> None:
    message = await held(place, without_previews)
    refuse(place, BY_TOKEN, answer, files=True)
    without_previews.engine.release()
    await without_previews.delivery("delivered")
    assert [m.id for m in pictures(place.seen(IDS.general))] == [message.id]


@pytest.mark.parametrize("answer", CONTENT, ids=str)
async def test_what_is_refused_as_a_new_message_is_told_in_one(
    place: Discord, without_previews: Running, answer: tuple[int, int]
) -> None:
    message = await held(place, without_previews)
    place.loopback.posting.delete(message)
    refuse(place, ANEW, answer, files=True)
    without_previews.engine.release()
    await without_previews.delivery("delivered")
    (sent,) = place.seen(IDS.general)
    assert ends_in_words(sent, answer)


@pytest.mark.parametrize("answer", CONTENT, ids=str)
async def test_a_private_picture_that_is_refused_is_told_in_private(
    place: Discord, without_previews: Running, answer: tuple[int, int]
) -> None:
    message = await held(place, without_previews, private=True)
    refuse(place, {"path": "/(webhooks|channels)/"}, answer, files=True)
    without_previews.engine.release()
    await without_previews.delivery("delivered")
    assert ends_in_words(message, answer)
    assert message.ephemeral_for == IDS.alice
    assert place.seen(IDS.dm_alice) == []


@pytest.mark.parametrize("answer", CONTENT, ids=str)
async def test_a_direct_message_that_is_refused_is_told_as_one(
    place: Discord, without_previews: Running, answer: tuple[int, int]
) -> None:
    await held(place, without_previews, private=True)
    place.advance(EXPIRED_S)
    refuse(place, ANEW, answer, files=True)
    without_previews.engine.release()
    await without_previews.delivery("delivered")
    (sent,) = place.seen(IDS.dm_alice)
    assert ends_in_words(sent, answer)


@pytest.mark.parametrize("answer", CLOSED, ids=str)
@pytest.mark.parametrize("stage", ["token", "edits"])
async def test_where_an_edit_is_closed_the_next_way_brings_the_picture(
    place: Discord, running: Running, answer: tuple[int, int], stage: str
) -> None:
    await held(place, running)
    refuse(place, BY_TOKEN, answer)
    if stage == "edits":
        refuse(place, BY_BOT, answer)
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures(place.seen(IDS.general))) == 1


@pytest.mark.parametrize("answer", CLOSED, ids=str)
async def test_where_files_find_every_way_closed_words_get_through(
    place: Discord, without_previews: Running, answer: tuple[int, int]
) -> None:
    """As where the bot may not attach files."""
    message = await held(place, without_previews)
    refuse(place, {"path": "/(webhooks|channels)/"}, answer, files=True)
    without_previews.engine.release()
    await without_previews.delivery("delivered")
    assert ends_in_words(message, answer)


@pytest.mark.parametrize("answer", [*CONTENT, *CLOSED], ids=str)
async def test_where_nothing_at_all_is_taken_the_picture_is_kept(
    place: Discord, running: Running, answer: tuple[int, int]
) -> None:
    await held(place, running)
    refuse(place, {"method": "PATCH|POST", "path": "/(webhooks|channels)/"}, answer)
    running.engine.release()
    job = await running.delivery("kept")
    assert job.state == "finished"


@pytest.mark.parametrize(
    "answer", [(400, 40003), (429, 40003), (500, 0), (503, 130000), (408, 0)], ids=str
)
async def test_what_passes_is_waited_out(
    place: Discord, running: Running, answer: tuple[int, int]
) -> None:
    await held(place, running, private=True)
    place.advance(EXPIRED_S)
    status, code = answer
    place.loopback.faults.add(Fault(status=status, code=code, **ANEW))
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures(place.seen(IDS.dm_alice))) == 1


GARBLED = {
    "cut short": ('{"id": "1', "application/json"),
    "empty": ("", "application/json"),
    "a page": ("<html>Please sign in</html>", "text/html"),
    "another's": ("[]", "application/json"),
}


@pytest.mark.parametrize(("body", "kind"), GARBLED.values(), ids=GARBLED)
@pytest.mark.parametrize("is_over", [False, True], ids=["by token", "anew"])
async def test_an_answer_that_is_not_discords_costs_no_picture_and_brings_no_second(
    place: Discord, without_previews: Running, body: str, kind: str, *, is_over: bool
) -> None:
    running = without_previews
    await held(place, running, private=is_over)
    if is_over:
        place.advance(EXPIRED_S)
    place.loopback.faults.add(
        Fault(garble=body, garble_type=kind, path="/(webhooks|channels)/", files=True)
    )
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures(place.seen(IDS.dm_alice if is_over else IDS.general))) == 1


@pytest.mark.parametrize("answer", [EXPLICIT, INVALID, NO_MESSAGE, NO_DM, NO_WEBHOOK], ids=str)
async def test_a_failure_reaches_its_user_by_the_way_that_is_open(
    place: Discord, answer: tuple[int, int]
) -> None:
    engine = FakeEngine(fail_at=_fail_at_2)
    async with running_bot(place, engine=engine) as running:
        message = await held(place, running)
        refuse(place, BY_TOKEN, answer)
        running.engine.release()
        await running.delivery("delivered")
        assert "does not count" in words(message)


def _fail_at_2(_: object, step: int) -> Exception | None:
    return EngineError("engine_failed") if step == 2 else None


def until_met(fault: Fault) -> Callable[[object, int], None]:
    """For an engine: its second step waits until a progress edit has met `fault`."""

    def wait(_: object, step: int) -> None:
        if step == 2:
            until_in_thread(lambda: fault.times == 0)

    return wait


@pytest.mark.parametrize("private", [False, True])
async def test_the_end_waits_for_no_rate_limit_of_a_progress_edit(
    place: Discord, private: bool
) -> None:
    limit = Fault(status=429, retry_after_s=600, times=1, **BY_TOKEN)
    async with running_bot(place, engine=FakeEngine(fail_at=until_met(limit))) as running:
        message = await held(place, running, private=private)
        place.loopback.faults.add(limit)
        running.engine.release()
        await running.delivery("delivered")
        assert len(pictures([message])) == 1


async def test_the_end_waits_for_no_preview(
    place: Discord, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hanging(*_: object) -> bytes | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(following.Follower, "_preview", hanging)
    message = await held(place, running)
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures([message])) == 1


async def test_a_progress_edit_that_is_on_its_way_does_not_overtake_the_end(
    place: Discord,
) -> None:
    slow = Fault(delay_s=1.0, files=False, **BY_TOKEN)
    engine = FakeEngine(fail_at=until_met(slow))
    async with running_bot(place, engine=engine, previews=False) as running:
        message = await held(place, running)
        place.loopback.faults.add(slow)
        running.engine.release()
        await running.delivery("delivered")
        await until(lambda: len(pictures([message])) == 1)
        titles = [
            state["embeds"][0].get("title") if state["embeds"] else None
            for state in place.states(message)
        ]
        assert titles[-2:] == ["Drawing", None], "the slow edit first, the picture after it"


class BrokenError(Exception):
    pass


def _break(*_: object, **__: object) -> Any:
    raise BrokenError


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (render, "progress"),
        (following.Follower, "_preview"),
        (presenter.Presenter, "_took_long"),
    ],
    ids=["progress", "preview", "mention"],
)
async def test_a_fault_before_or_after_the_picture_does_not_cost_it(
    place: Discord, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    monkeypatch.setattr(owner, name, _break)
    async with running_bot(place, engine=FakeEngine(step_s=0.02)) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl"))
        await running.delivery("delivered")
        assert len(pictures([message])) == 1


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (reading, "fit"),
        (render, "completed"),
        (presenter.Presenter, "_still_fits"),
        (presenter.Presenter, "_notice"),
        (presenter.Presenter, "_attachments"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_a_fault_of_ours_ends_in_words_and_stops_nobody_else(
    place: Discord, running: Running, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, _break)
        message = await place.answer(place.alice.imagine(prompt="1girl"))
        await running.delivery("delivered")
        assert ends_in_words(message, INVALID)
    after = await place.answer(place.bob.imagine(prompt="2girls", channel_id=IDS.art))
    await until(lambda: pictures([after]))


async def test_a_disk_that_is_busy_for_a_moment_costs_no_picture(
    place: Discord, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter, "STORAGE_PAUSES_S", (0.01, 0.01))
    message = await held(place, running)
    real, failing = JobService.read_picture, [1, 2]

    async def busy(*args: Any, **options: Any) -> Any:
        if failing:
            raise StorageError("disk_failing", path=f"{failing.pop()}")
        return await real(*args, **options)

    monkeypatch.setattr(JobService, "read_picture", busy)
    running.engine.release()
    await running.delivery("delivered")
    assert not failing
    assert len(pictures([message])) == 1


async def test_after_a_restart_one_that_can_not_be_shown_stops_no_other(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(place) as running:
        running.engine.hold()
        await place.answer(place.alice.imagine(prompt="1girl"))
        second = await place.answer(place.bob.imagine(prompt="2girls", channel_id=IDS.art))
        jobs = await running.jobs()
    make: Callable[..., None] = Delivery.__init__

    def breaks_for_the_first(self: Delivery, bot: Any, job: Any, **options: Any) -> None:
        if job.id == jobs[0].id:
            raise BrokenError
        make(self, bot, job, **options)

    monkeypatch.setattr(Delivery, "__init__", breaks_for_the_first)
    async with running_bot(place):
        await until(lambda: pictures([second]))


def test_a_picture_that_is_drawn_is_being_finished_not_at_100_percent() -> None:
    job = a_job("abcdefghijkl")
    last = Progress(picture=1, pictures=1, step=20, steps=20, eta_s=0.5)
    shown = render.progress(job, last, None).embeds[0].description or ""
    assert "91%, finishing and checking" in shown
    assert "100" not in shown
    between = Progress(picture=1, pictures=2, step=20, steps=20, eta_s=9.0)
    shown = render.progress(job, between, None).embeds[0].description or ""
    assert "45%, finishing and checking. Picture 1 of 2." in shown
    earlier = Progress(picture=1, pictures=1, step=19, steps=20, eta_s=0.5)
    shown = render.progress(job, earlier, None).embeds[0].description or ""
    assert "finishing" not in shown
