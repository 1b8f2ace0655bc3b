"""Draining and stopping: nothing new, nothing lost, within seconds."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL.Image import Image

from bot.jobs.draw import runner
from bot.jobs.keep.store import JobStore
from bot.jobs.values import Completed
from data.jobs.jobs import JobRecord
from pipeline.engine.protocol import DrawnPicture, Watch
from pipeline.errors import RefusedError
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S

REQUEST = GenerationRequest(prompt="1girl", count=2)


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "test.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def deliver(harness: Harness, job: JobRecord) -> None:
    """As a presenter does."""
    await harness.ended(job.id)
    await harness.jobs.mark_delivered(job, message_id=1)


async def test_draining_finishes_and_delivers_what_was_accepted_and_takes_no_more(
    harness: Harness, tmp_path: Path
) -> None:
    harness.engine.hold()
    tickets = [await harness.jobs.submit(REQUEST, origin(n)) for n in range(3)]
    delivering = [asyncio.create_task(deliver(harness, ticket.job)) for ticket in tickets]
    draining = asyncio.create_task(harness.jobs.drain())
    await asyncio.sleep(0)  # it begins at once
    with pytest.raises(RefusedError, match="draining"):
        await harness.jobs.submit(REQUEST, origin(4))
    assert not draining.done()
    harness.engine.release()
    async with asyncio.timeout(PATIENCE_S):
        await draining
    assert rows(tmp_path, "SELECT DISTINCT state, delivery FROM jobs") == [
        ("finished", "delivered")
    ]
    await asyncio.gather(*delivering)


async def test_draining_does_not_wait_for_ever_for_discord(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = asyncio.Semaphore(0)
    undelivered = JobStore.undelivered

    async def looked(store: JobStore) -> list[JobRecord]:
        looks.release()
        return await undelivered(store)

    monkeypatch.setattr(JobStore, "undelivered", looked)
    ticket = await harness.jobs.submit(REQUEST, origin())
    await harness.ended(ticket.job.id)
    draining = asyncio.create_task(harness.jobs.drain())
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            await looks.acquire()
    assert not draining.done()
    harness.clock.advance(121)
    async with asyncio.timeout(PATIENCE_S):
        await draining


async def test_an_empty_bot_is_drained_at_once(harness: Harness) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await harness.jobs.drain()


async def test_a_stopped_bot_takes_no_work(harness: Harness) -> None:
    await harness.jobs.stop()
    with pytest.raises(RefusedError, match="draining"):
        await harness.jobs.submit(REQUEST, origin())


class StuckEngine(FakeEngine):
    """Is in a step that nobody can stop, until `free` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.inside = threading.Event()
        self.left = False

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image | None = None,
        mask_image: Image | None = None,
    ) -> DrawnPicture:
        self.inside.set()
        self.free.wait(PATIENCE_S)
        self.left = True
        return super().draw(request, index, watch, init_image=init_image, mask_image=mask_image)


async def test_a_step_that_takes_minutes_does_not_hold_up_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_STEP_S", 0.2)
    engine = StuckEngine()
    try:
        async with open_harness(tmp_path, engine=engine) as harness:
            ticket = await harness.jobs.submit(REQUEST, origin())
            await asyncio.to_thread(engine.inside.wait)
            await harness.jobs.stop()
            assert not engine.left
    finally:
        engine.free.set()
    assert rows(tmp_path, "SELECT state FROM jobs") == [("running",)]
    async with open_harness(tmp_path) as harness:
        assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_a_model_that_loads_for_minutes_does_not_hold_up_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_STEP_S", 0.2)
    free, loaded = threading.Event(), threading.Event()
    engine = FakeEngine()

    def wait() -> None:
        free.wait(PATIENCE_S)
        loaded.set()

    try:
        async with open_harness(tmp_path, engine=engine, while_loading=wait) as harness:
            ticket = await harness.jobs.submit(REQUEST, origin())
            assert ticket.queued.loading
            await harness.jobs.stop()
            assert not loaded.is_set()
    finally:
        free.set()
    assert rows(tmp_path, "SELECT state FROM jobs") == [("queued",)]


_LEFT = """
import threading, time
from bot.cli.run import leave_engine
from bot.jobs.draw.worker import THREAD_NAME
threading.Thread(target=time.sleep, args=(3600,), name=THREAD_NAME + "_0").start()
print("everything is stored")
leave_engine(3)
"""


def test_the_process_ends_though_the_engine_is_in_a_long_step() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LEFT],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (3, "everything is stored\n")


@pytest.mark.parametrize("stream", [">&-", "a pipe that nobody reads"])
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells close streams")
def test_it_ends_also_where_nobody_reads_its_output(stream: str) -> None:
    code = _LEFT.replace(
        'print("everything is stored")',
        "import sys; sys.stdin.readline(); print(file=sys.stdout, end='x')",
    )
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {stream if stream == ">&-" else ""}',
         sys.executable, code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdin.write(b"go on\n")
    process.stdin.close()
    try:
        assert process.wait(timeout=PATIENCE_S) == 3
    finally:
        process.kill()


_HUNG = """
import threading, time
from bot.cli.run import status_of
from bot.jobs.draw.worker import THREAD_NAME
from pipeline.errors import ModelError
threading.Thread(target=time.sleep, args=(3600,), name=THREAD_NAME + "_0").start()
def run_bot():
    raise ModelError("engine_hung", quiet_s=3600.0)
status_of(run_bot)
"""


def test_the_process_ends_with_an_error_though_the_engine_hangs() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _HUNG],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 1
    assert "not responded for" in ended.stderr
