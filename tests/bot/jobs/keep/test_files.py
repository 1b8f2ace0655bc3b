"""Files stay as long as anything needs them, and what a crash leaves is found."""

import asyncio
from pathlib import Path

from bot.jobs.keep.files import KeptFiles
from bot.jobs.values import Completed
from data.jobs import jobs, pictures, uploads
from data.jobs.uploads import UploadRecord
from data.store.database import Database
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.data.records import a_job, a_picture


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".db"}


async def test_a_sweep_finds_exactly_what_no_row_names(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "test.db") as database:
        files = KeptFiles.under(tmp_path, database)
        hashes = [files.pictures.write(bytes([n])) for n in range(40)]
        sent = [files.uploads.write(b"upload" + bytes([n])) for n in range(3)]
        async with database.transaction() as connection:
            for number, content_hash in enumerate(hashes[:20]):
                await jobs.insert(connection, job=a_job(f"j{number}"))
                picture = a_picture(f"p{number}", f"j{number}", content_hash=content_hash)
                await pictures.insert(connection, picture=picture)
            record = UploadRecord(
                content_hash=sent[0],
                user_id=1,
                width=1,
                height=1,
                size_bytes=7,
                uploaded_at=1,
            )
            await uploads.put(connection, upload=record)
            # An open job still begins from a picture that was deleted, and from an upload.
            for number, needed in ((1, hashes[20]), (2, sent[1])):
                job = a_job(f"open{number}", init_picture=needed)
                await jobs.insert(connection, job=job)
        half = files.pictures.path(hashes[0]).parent / ".writing-abc"
        half.write_bytes(b"half a pict")
        stranger = files.pictures.folder / "README.txt"
        stranger.write_text("somebody's own")
        await files.sweep()
        assert not half.exists()
        assert stranger.exists()
        kept = {path.stem for path in tmp_path.rglob("*.png")}
        assert kept == {*hashes[:21], *sent[:2]}


async def test_a_start_clears_away_what_a_crash_left(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        ticket = await harness.jobs.submit(GenerationRequest(prompt="x"), origin())
        done = await harness.ended(ticket.job.id)
        assert isinstance(done, Completed)
        orphan = harness.files.pictures.write(b"written, and then the power went")
    async with open_harness(tmp_path) as harness:
        pass
    assert names(tmp_path / "pictures") == {f"{done.pictures[0].content_hash}.png"}
    assert orphan != done.pictures[0].content_hash


async def test_sweeping_while_pictures_are_made_takes_none_of_them(harness: Harness) -> None:
    requests = [GenerationRequest(prompt="x", seed=n, count=4) for n in range(10)]
    tickets = [await harness.jobs.submit(request, origin(n)) for n, request in enumerate(requests)]
    sweeping = asyncio.create_task(_sweep_on(harness.files))
    ended = [await harness.ended(ticket.job.id) for ticket in tickets]
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    for event in ended:
        assert isinstance(event, Completed)
        assert len(event.pictures) == 4
        for picture in event.pictures:
            assert await harness.jobs.read_picture(picture)


async def _sweep_on(files: KeptFiles) -> None:
    while True:
        await files.sweep()
        await asyncio.sleep(0)


async def test_a_file_that_can_not_be_deleted_is_left_to_the_next_sweep(
    harness: Harness, tmp_path: Path
) -> None:
    content_hash = harness.files.pictures.write(b"stuck")
    path = harness.files.pictures.path(content_hash)
    path.unlink()
    path.mkdir()  # unlink fails on a folder
    await harness.files.discard([content_hash, ""])
    path.rmdir()
    path.write_bytes(b"stuck")
    async with harness.database.transaction() as connection:
        await jobs.insert(connection, job=a_job("any"))  # an empty database is not swept
    await harness.files.sweep()
    assert names(tmp_path / "pictures") == set()


async def test_a_lost_database_does_not_take_the_pictures_with_it(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "new.db") as database:
        files = KeptFiles.under(tmp_path, database)
        content_hash = files.pictures.write(b"all that is left")
        await files.sweep()
        assert files.pictures.read(content_hash) == b"all that is left"
