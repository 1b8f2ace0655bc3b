"""What runs in parallel with drawing, so that no device is idle while jobs wait."""

import asyncio
import io
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.keeping import Keeping
from bot.jobs.keep.store import JobStore
from bot.jobs.values import Completed, Failed, Ticket
from data.jobs.pictures import PictureRecord
from pipeline.errors import StorageError
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S, until

WORDS = ("first", "second", "newcomer")
REQUEST = GenerationRequest(prompt="1girl", seed=1)


async def drawn(engine: FakeEngine, pictures: int) -> None:
    await until(lambda: len(engine.drawn) >= pictures)


async def upload(harness: Harness, colour: str) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, format="PNG")
    return (await harness.jobs.put_upload(buffer.getvalue())).content_hash


class Reading:
    """Notes what is read to begin from. The picture `first` stays in its last step until `go`,
    which with `go_on` comes from the first reading."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, go_on: bool = True) -> None:
        self.read: list[str] = []
        self.go = threading.Event()
        read = KeptFiles.image

        def noted(files: KeptFiles, content_hash: str) -> Image.Image:
            self.read.append(content_hash)
            try:
                return read(files, content_hash)
            finally:
                if go_on:
                    self.go.set()

        monkeypatch.setattr(KeptFiles, "image", noted)

    def wait(self, request: ResolvedRequest, step: int) -> None:
        if "first" in request.prompt and step == request.num_inference_steps:
            assert self.go.wait(PATIENCE_S), "nothing was read ahead"


@dataclass(frozen=True, slots=True)
class Held:
    """A service whose engine is about to draw the job `first` and waits until it is released."""

    harness: Harness
    engine: FakeEngine
    reading: Reading
    first: Ticket


@asynccontextmanager
async def first_held(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, go_on: bool = True
) -> AsyncGenerator[Held]:
    reading = Reading(monkeypatch, go_on=go_on)
    engine = FakeEngine(fail_at=reading.wait)
    async with open_harness(folder, engine=engine) as harness:
        engine.hold()
        first = await harness.jobs.submit(GenerationRequest(prompt="first"), origin(1))
        yield Held(harness, engine, reading, first)


async def test_a_picture_to_begin_from_is_read_while_the_one_before_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with first_held(tmp_path, monkeypatch) as held:
        harness, engine, first = held.harness, held.engine, held.first
        red = await upload(harness, "red")
        request = GenerationRequest(prompt="1girl", init_picture=red, count=3)
        ticket = await harness.jobs.submit(request, origin(2))
        engine.release()
        assert isinstance(await harness.ended(first.job.id), Completed)
        assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert held.reading.read == [red], "read once for all pictures of the job"


async def test_who_was_foreseen_goes_after_whoever_comes_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with first_held(tmp_path, monkeypatch, go_on=False) as held:
        harness, engine, first = held.harness, held.engine, held.first
        request = GenerationRequest(prompt="second", init_picture=await upload(harness, "red"))
        second = await harness.jobs.submit(request, origin(1))
        engine.release()
        await until(lambda: held.reading.read)
        newcomer = await harness.jobs.submit(GenerationRequest(prompt="newcomer"), origin(2))
        held.reading.go.set()
        for ticket in (first, second, newcomer):
            assert isinstance(await harness.ended(ticket.job.id), Completed)
    order = [word for prompt, _ in engine.drawn for word in prompt.split(", ") if word in WORDS]
    assert order == ["first", "newcomer", "second"]


async def test_a_picture_that_is_gone_when_it_is_read_ahead_fails_its_job_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with first_held(tmp_path, monkeypatch) as held:
        harness, engine, first = held.harness, held.engine, held.first
        red = await upload(harness, "red")
        request = GenerationRequest(prompt="1girl", init_picture=red)
        ticket = await harness.jobs.submit(request, origin(2))
        harness.files.uploads.delete(red)
        engine.release()
        assert isinstance(await harness.ended(first.job.id), Completed)
        failed = await harness.ended(ticket.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "init_picture_missing"


async def test_a_picture_is_drawn_while_the_disk_still_takes_that_its_job_runs(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Event()
    mark = JobStore.mark_running

    async def slowly(store: JobStore, job_id: str, *, now: float) -> None:
        await disk.wait()
        await mark(store, job_id, now=now)

    monkeypatch.setattr(JobStore, "mark_running", slowly)
    ticket = await harness.jobs.submit(REQUEST, origin())
    await drawn(harness.engine, 1)
    assert not disk.is_set()
    disk.set()
    assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_that_a_job_runs_need_not_be_stored(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: JobStore, job_id: str, *, now: float) -> None:
        raise StorageError("database_locked", path=f"{job_id} {now}")

    monkeypatch.setattr(JobStore, "mark_running", refuse)
    ticket = await harness.jobs.submit(REQUEST, origin())
    assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert "could not be stored" in caplog.text


async def test_pictures_that_are_not_stored_yet_do_not_pile_up(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Semaphore(0)
    keep = Keeping.keep

    async def slowly(self: Keeping, *arguments: object) -> object:
        await disk.acquire()
        return await keep(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Keeping, "keep", slowly)
    tickets = [await harness.jobs.submit(REQUEST, origin(user)) for user in range(1, 7)]
    unstored: list[int] = []
    for stored in range(6):
        await drawn(harness.engine, min(stored + 3, 6))
        unstored.append(len(harness.engine.drawn) - stored)
        disk.release()
    assert unstored == [3, 3, 3, 3, 2, 1]
    for ticket in tickets:
        assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_a_job_that_failed_is_not_told_as_cancelled_by_its_next_picture(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    came_late = asyncio.Event()
    keep, abandon = JobStore.keep_picture, JobStore.abandon

    async def first_fails(
        store: JobStore, picture: PictureRecord, png: bytes, **more: object
    ) -> object:
        if picture.position == 0:
            raise StorageError("disk_full", path="pictures")
        kept = await keep(store, picture, png, **more)  # type: ignore[arg-type]
        assert not kept.alive
        came_late.set()
        return kept

    async def told_late(store: JobStore, job_id: str, **more: object) -> bool:
        ended = await abandon(store, job_id, **more)  # type: ignore[arg-type]
        await asyncio.wait_for(came_late.wait(), PATIENCE_S)
        await asyncio.sleep(0.05)  # the other one tells first
        return ended

    monkeypatch.setattr(JobStore, "keep_picture", first_fails)
    monkeypatch.setattr(JobStore, "abandon", told_late)
    ticket = await harness.jobs.submit(GenerationRequest(prompt="1girl", count=2), origin())
    failed = await harness.ended(ticket.job.id)
    assert isinstance(failed, Failed)
    assert failed.error.key == "disk_full"
