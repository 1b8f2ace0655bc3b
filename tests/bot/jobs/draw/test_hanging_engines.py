"""Engines and taggers that hang, or are none, while they are loaded or the bot stops."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from bot.common.work_thread import BrokenWorkError
from bot.jobs.draw import device, runner, worker
from bot.jobs.keep import output_check
from bot.jobs.keep.output_check import OutputCheck
from pipeline.errors import ModelError
from pipeline.tagger.tagger import Tagger
from tests.bot.conftest import open_harness, origin
from tests.bot.jobs.draw.test_broken_engines import REQUEST, Breaking
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S
from tests.support.tagger import make_tagger


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.02, 0.04))


class Odd(FakeEngine):
    """Its model is none."""

    model = cast("Any", None)  # pyright: ignore[reportIncompatibleMethodOverride]

    def __init__(self) -> None:
        """Nothing: `model` can't be set."""

    def close(self) -> None:
        pass


@pytest.mark.parametrize("load", [lambda: None, lambda: "engine", Odd], ids=["None", "text", "odd"])
async def test_what_is_no_engine_ends_the_bot_loudly(
    tmp_path: Path, load: Callable[[], Any]
) -> None:
    async with open_harness(tmp_path, loads=[load]) as harness:
        with pytest.raises((AttributeError, BrokenWorkError)):
            await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("again", [False, True], ids=["at the start", "when it is opened again"])
async def test_an_engine_that_hangs_while_it_is_loaded_is_told_of_and_given_up(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    again: bool,
) -> None:
    monkeypatch.setattr(worker, "QUIET_S", 0.05)
    free, breaking = threading.Event(), Breaking(lambda _: None)

    def load() -> FakeEngine:
        if again and not breaking.made:
            return breaking.load()
        free.wait(PATIENCE_S)
        return FakeEngine()

    try:
        async with open_harness(tmp_path, loads=[load]) as harness:
            await harness.jobs.submit(REQUEST, origin())
            with pytest.raises(ModelError, match="engine_hung"):
                await asyncio.wait_for(harness.jobs.failure, PATIENCE_S)
            await harness.jobs.stop()  # does not wait for it
            assert not free.is_set()
    finally:
        free.set()
    assert "not responded" in caplog.text
    assert "is loaded" in caplog.text


async def test_a_tagger_that_hangs_does_not_hold_up_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, free, inside = make_tagger(tmp_path / "tagger"), threading.Event(), threading.Event()

    def hang(_tagger: Tagger, _image: Image.Image) -> Any:
        inside.set()
        free.wait(PATIENCE_S)
        raise AssertionError("nobody waits for this")

    monkeypatch.setattr(Tagger, "tag", hang)
    monkeypatch.setattr(output_check, "CLOSE_S", 0.1)
    monkeypatch.setattr(runner, "_STORING_S", 0.1)
    try:
        async with open_harness(tmp_path, tagger=folder) as harness:
            ticket = await harness.jobs.submit(REQUEST, origin())
            await asyncio.to_thread(inside.wait, PATIENCE_S)
            await harness.jobs.stop()
            assert not free.is_set()
            job = await harness.jobs.job(ticket.job.id)
            assert job is not None
            assert job.state == "running", "it is drawn again at the next start"
    finally:
        free.set()


async def test_a_tagger_that_hangs_while_it_is_loaded_does_not_hold_up_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free, inside = threading.Event(), threading.Event()

    def load() -> Any:
        inside.set()
        free.wait(PATIENCE_S)
        raise AssertionError("nobody waits for this")

    monkeypatch.setattr(output_check, "CLOSE_S", 0.1)
    check = OutputCheck(load)
    starting = asyncio.create_task(check.start())
    try:
        await asyncio.to_thread(inside.wait, PATIENCE_S)
        starting.cancel()
        await check.close()
        assert not free.is_set()
    finally:
        free.set()
        await asyncio.gather(starting, return_exceptions=True)
