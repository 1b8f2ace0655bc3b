"""Engines, taggers and threads that break their word: their job fails and costs nothing, they are
opened again, and the next job is drawn."""

import asyncio
import concurrent.futures
import math
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from bot.common import work_thread
from bot.common.work_thread import BrokenWorkError, WorkThread
from bot.jobs.draw import device, worker
from bot.jobs.draw.line import Line
from bot.jobs.keep import keeping, output_check
from bot.jobs.keep.output_check import OutputCheck
from bot.jobs.values import Completed, Failed
from pipeline.engine.protocol import DrawnPicture, Watch
from pipeline.errors import Cancelled, ModelError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.tagger.tagger import Tagger
from tests.bot.conftest import open_harness, origin
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S, until, until_in_thread
from tests.support.tagger import make_tagger

REQUEST = GenerationRequest(prompt="1girl")

Break = Callable[[DrawnPicture], object]


class Breaking:
    """Loads engines; the first one breaks its word when it has drawn."""

    def __init__(self, breaks: Break) -> None:
        self.breaks = breaks
        self.made: list[FakeEngine] = []

    def load(self) -> FakeEngine:
        outer, is_first = self, not self.made

        class Engine(FakeEngine):
            def draw(
                self,
                request: ResolvedRequest,
                index: int,
                watch: Watch,
                *,
                init_image: Image.Image | None = None,
                mask_image: Image.Image | None = None,
            ) -> DrawnPicture:
                drawn = super().draw(
                    request, index, watch, init_image=init_image, mask_image=mask_image
                )
                return cast("DrawnPicture", outer.breaks(drawn)) if is_first else drawn

        self.made.append(Engine())
        return self.made[-1]


def raises(error: BaseException) -> Break:
    def raise_it(_: DrawnPicture) -> object:
        raise error

    return raise_it


def picture(mode: str, width: int, height: int, *colour: Any) -> Break:
    return lambda drawn: replace(drawn, image=Image.new(mode, (width, height), *colour))


def times(**seconds: Any) -> Break:
    return lambda drawn: replace(drawn, **seconds)


def cut_off(drawn: DrawnPicture) -> DrawnPicture:
    """A picture that PIL still has to read, from a file that ends too early."""
    import io

    buffer = io.BytesIO()
    drawn.image.resize((200, 300)).effect_spread(50).save(buffer, "PNG")
    return replace(drawn, image=Image.open(io.BytesIO(buffer.getvalue()[:400])))


BROKEN: dict[str, Break] = {
    "SystemExit": raises(SystemExit(3)),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "GeneratorExit": raises(GeneratorExit()),
    "asyncio's CancelledError": raises(asyncio.CancelledError()),
    "futures' CancelledError": raises(concurrent.futures.CancelledError()),
    "StopIteration": raises(StopIteration(1)),
    "MemoryError": raises(MemoryError()),
    "BaseExceptionGroup": raises(BaseExceptionGroup("two", [SystemExit(), KeyboardInterrupt()])),
    "a BaseException of its own": raises(type("Odd", (BaseException,), {})("odd")),
    "Cancelled, unasked": raises(Cancelled()),
    "None": lambda _: None,
    "a string": lambda _: "picture",
    "a picture alone": lambda drawn: drawn.image,
    "no image": lambda drawn: replace(drawn, image=cast("Image.Image", None)),
    "NaN": picture("F", 52, 76, math.nan),
    "RGBA": picture("RGBA", 52, 76),
    "nothing to see": picture("RGB", 0, 0),
    "another shape": picture("RGB", 76, 52),
    "cut off": cut_off,
    "far too large": picture("RGB", 8320, 12160),
    "NaN seconds": times(elapsed_s=math.nan),
    "infinite steps": times(seconds_a_step=math.inf),
    "time that runs back": times(elapsed_s=-1.0),
}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses as growing as the real ones, but short."""
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.02, 0.04))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_engine_fails_its_job_and_is_opened_again(
    tmp_path: Path, breaks: Break
) -> None:
    breaking = Breaking(breaks)
    async with open_harness(tmp_path, loads=[breaking.load]) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin(1))
        following = await harness.jobs.submit(REQUEST, origin(2))
        failed = await harness.ended(ticket.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "engine_failed"
        assert (await harness.jobs.limits_of(user_id=1)).hour.used == 0
        assert isinstance(await harness.ended(following.job.id), Completed)
        assert not harness.jobs.failure.done()
    assert [engine.closed for engine in breaking.made] == [True, True]


@pytest.mark.usefixtures("soon")
async def test_an_ordinary_error_does_not_cost_the_engine(tmp_path: Path) -> None:
    breaking = Breaking(raises(ValueError("a fault with these settings")))
    async with open_harness(tmp_path, loads=[breaking.load]) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(ticket.job.id), Failed)
    assert len(breaking.made) == 1, "loading a model takes minutes"


async def test_another_engine_goes_on_while_the_broken_one_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (30.0,))
    breaking, other = Breaking(raises(SystemExit())), FakeEngine()
    other.hold()
    async with open_harness(tmp_path, loads=[breaking.load, lambda: other]) as harness:
        tickets = [await harness.jobs.submit(REQUEST, origin(user)) for user in (1, 2, 3)]
        async with asyncio.timeout(PATIENCE_S):
            while not (breaking.made and breaking.made[0].closed):
                await asyncio.sleep(0.01)
        other.release()
        ends = [await harness.ended(ticket.job.id) for ticket in tickets]
        assert sorted(type(end).__name__ for end in ends) == ["Completed", "Completed", "Failed"]


@pytest.mark.usefixtures("soon")
async def test_an_engine_that_can_not_be_opened_again_ends_the_bot_loudly(tmp_path: Path) -> None:
    breaking = Breaking(lambda _: None)

    def load() -> FakeEngine:
        if breaking.made:
            raise SystemExit
        return breaking.load()

    async with open_harness(tmp_path, loads=[load]) as harness:
        await harness.jobs.submit(REQUEST, origin())
        with pytest.raises(ModelError, match="device_gone"):
            await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)


@pytest.mark.parametrize("error", [SystemExit(), asyncio.CancelledError(), StopIteration()])
async def test_an_engine_that_breaks_while_it_is_loaded_ends_the_bot_loudly(
    tmp_path: Path, error: BaseException
) -> None:
    def load() -> FakeEngine:
        raise error

    async with open_harness(tmp_path, loads=[load]) as harness:
        with pytest.raises(BrokenWorkError):
            await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)


class Hanging(FakeEngine):
    """Hangs in its first picture until `free` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def draw(self, *args: Any, **kwargs: Any) -> DrawnPicture:
        self.free.wait(PATIENCE_S)
        return super().draw(*args, **kwargs)


async def test_an_engine_that_hangs_is_told_of_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Hanging()
    try:
        async with open_harness(tmp_path, loads=[lambda: engine]) as harness:
            await until(lambda: harness.jobs.model)  # loading may take as long as it likes
            monkeypatch.setattr(worker, "QUIET_S", 0.05)
            ticket = await harness.jobs.submit(REQUEST, origin())
            waiting = await harness.jobs.submit(REQUEST, origin(2))
            failed = await harness.ended(ticket.job.id)
            assert isinstance(failed, Failed)
            assert failed.error.key == "engine_hung"
            with pytest.raises(ModelError, match="engine_hung"):
                await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)
            job = await harness.jobs.job(waiting.job.id)
            assert job is not None
            assert job.ended_at is None, "what was accepted goes on after a restart"
    finally:
        engine.free.set()
    assert "not responded" in caplog.text


async def test_a_slow_engine_with_signs_of_life_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, seen = FakeEngine(), [0]
    engine.hold()  # it asks again and again whether it is to stop

    heard = worker.EngineWorker._heard  # pyright: ignore[reportPrivateUsage]

    def watched(self: Any, signs: Callable[[], int], working: Any, what: str) -> Any:
        def look() -> int:
            """Whenever the worker looks, the engine has asked again."""
            seen.append(until_in_thread(lambda: signs() > seen[-1] and signs()))
            if len(seen) > 3 * worker.HUNG_AFTER:
                engine.release()
            return seen[-1]

        return heard(self, look if what == "draws" else signs, working, what)

    monkeypatch.setattr(worker.EngineWorker, "_heard", watched)
    async with open_harness(tmp_path, engine=engine) as harness:
        await until(lambda: harness.jobs.model)
        monkeypatch.setattr(worker, "QUIET_S", 0.01)
        ticket = await harness.jobs.submit(REQUEST, origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert len(seen) > 3 * worker.HUNG_AFTER


async def test_a_fault_of_our_own_stops_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, broken = Line.finish, [True]

    def once(line: Line, unit: Any) -> None:
        finish(line, unit)
        if broken:
            broken.clear()
            raise KeyError("unforeseen")

    monkeypatch.setattr(Line, "finish", once)
    monkeypatch.setattr(device, "_BREATH_S", 0.01)
    async with open_harness(tmp_path) as harness:
        await harness.jobs.submit(REQUEST, origin(1))
        following = await harness.jobs.submit(REQUEST, origin(2))
        assert isinstance(await harness.ended(following.job.id), Completed)


@pytest.mark.parametrize("error", [SystemExit(), MemoryError(), asyncio.CancelledError()])
async def test_a_picture_that_can_not_be_encoded_fails_its_job_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    encode, broken = keeping.encode_png, [True]

    def once(image: Image.Image, text: str, *, xmp: str) -> bytes:
        if broken:
            broken.clear()
            raise error
        return encode(image, text, xmp=xmp)

    monkeypatch.setattr(keeping, "encode_png", once)
    async with open_harness(tmp_path) as harness:
        ticket = await harness.jobs.submit(REQUEST, origin(1))
        assert isinstance(await harness.ended(ticket.job.id), Failed)
        following = await harness.jobs.submit(REQUEST, origin(2))
        assert isinstance(await harness.ended(following.job.id), Completed)


GREEN = Image.new("RGB", (64, 64), (0, 255, 0))


@pytest.mark.parametrize(
    "error", [SystemExit(), MemoryError(), asyncio.CancelledError(), OSError()]
)
async def test_a_tagger_that_breaks_withholds_one_picture_and_is_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    folder, broken = make_tagger(tmp_path / "tagger"), [True]
    tag = Tagger.tag

    def once(tagger: Tagger, image: Image.Image) -> Any:
        if broken:
            broken.clear()
            raise error
        return tag(tagger, image)

    monkeypatch.setattr(Tagger, "tag", once)
    check = OutputCheck(lambda: Tagger.open(folder, threads=1))
    await check.start()
    try:
        refused = await check.judge(GREEN, ceiling=Rating.SAFE)
        assert refused.verdict.reason is not None
        assert (await check.judge(GREEN, ceiling=Rating.SAFE)).verdict.reason is None
    finally:
        await check.close()


async def test_a_tagger_that_hangs_withholds_what_waits_for_it_and_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, free, hanging = make_tagger(tmp_path / "tagger"), threading.Event(), [True]
    tag = Tagger.tag

    def once(tagger: Tagger, image: Image.Image) -> Any:
        if hanging:
            hanging.clear()
            free.wait(PATIENCE_S)
        return tag(tagger, image)

    monkeypatch.setattr(Tagger, "tag", once)
    monkeypatch.setattr(output_check, "HUNG_S", 0.3)
    check = OutputCheck(lambda: Tagger.open(folder, threads=1))
    await check.start()
    try:
        two = [asyncio.create_task(check.judge(GREEN, ceiling=Rating.SAFE)) for _ in range(2)]
        for judged in await asyncio.wait_for(asyncio.gather(*two), PATIENCE_S):
            assert judged.verdict.reason is not None, "what was not looked at is withheld"
        monkeypatch.setattr(output_check, "HUNG_S", 60.0)
        assert (await check.judge(GREEN, ceiling=Rating.SAFE)).verdict.reason is None
    finally:
        free.set()
        await check.close()


async def test_a_thread_that_is_gone_says_so_and_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone() -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(work_thread, "give_way_to_the_loop", gone)
        thread = WorkThread("short-lived")
    with pytest.raises(BrokenWorkError):
        await thread.call(lambda: 1)
    with pytest.raises(BrokenWorkError):
        await thread.call(lambda: 1)
    thread.renew()
    assert await thread.call(lambda: 1) == 1
    await thread.close()


async def test_a_system_that_forbids_niceness_still_has_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", forbidden)
    thread = WorkThread("polite")
    assert await thread.call(lambda: 1) == 1
    await thread.close()
