"""Defaults and presets as they work in requests; export and removal of everything."""

import asyncio
import errno
import io
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

import pytest
from PIL import Image

from bot.jobs.accept.limits import Limits
from bot.jobs.keep.housekeeping import Housekeeping
from bot.jobs.keep.steady import STEADY_S
from bot.jobs.values import CancelledEvent, Completed
from bot.library import packing
from bot.library.people import MAX_PRESETS, preset_of
from data.files.picture_files import PictureFiles
from data.people import tag_uses
from data.people.user_defaults import UserDefaults
from pipeline.card import Aesthetic, QualityPreset, Sampler
from pipeline.errors import InputError, RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.patience import PATIENCE_S

REQUEST = GenerationRequest(prompt="1girl, smile", seed=7)
DEFAULTS = UserDefaults(
    aspect="1:1", preset=QualityPreset.NONE, rating=Rating.EXPLICIT, negative_prompt="hat"
)
TABLES = (
    "jobs", "pictures", "favourites", "presets", "user_defaults", "uploads", "tag_uses",
)  # fmt: skip


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "test.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def red_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(buffer, "PNG")
    return buffer.getvalue()


async def test_defaults_fill_what_a_request_leaves_open(harness: Harness) -> None:
    stored = await harness.people.set_defaults(1, DEFAULTS)
    assert stored.aspect == "1024x1024"
    assert await harness.people.defaults(1) == stored
    assert await harness.people.defaults(2) == UserDefaults()
    request = (await harness.jobs.submit(REQUEST, origin(1))).job.request
    assert (request.width, request.preset, request.negative_prompt) == (
        1024,
        QualityPreset.NONE,
        "hat, nsfw, lowres",
    )
    assert request.rating is Rating.SAFE  # lowered to what the place allows, not refused
    said = GenerationRequest(
        prompt="x", aspect="2:3", preset=QualityPreset.LIGHT_31, negative_prompt="coat"
    )
    request = (await harness.jobs.submit(said, origin(1))).job.request
    assert request.width < request.height
    assert request.preset is QualityPreset.LIGHT_31
    assert request.negative_prompt.startswith("coat")
    assert "hat" not in request.negative_prompt


async def test_a_typed_flag_counts_more_than_a_default(harness: Harness) -> None:
    await harness.people.set_defaults(1, DEFAULTS)
    typed = GenerationRequest(prompt="1girl --no coat --ar 2:3")
    request = (await harness.jobs.submit(typed, origin(1))).job.request
    assert request.negative_prompt == "coat, nsfw, lowres"
    assert request.width < request.height


async def test_a_replay_is_left_as_it_is(harness: Harness) -> None:
    await harness.people.set_defaults(1, DEFAULTS)
    request = (await harness.jobs.submit(REQUEST, origin(1), replay=True)).job.request
    assert "hat" not in request.negative_prompt
    assert request.width == 832


async def test_wrong_defaults_are_refused_and_change_nothing(harness: Harness) -> None:
    stored = await harness.people.set_defaults(1, DEFAULTS)
    with pytest.raises(InputError, match="aspect_unknown"):
        await harness.people.set_defaults(1, UserDefaults(aspect="huge"))
    with pytest.raises(InputError, match="negative_too_long"):
        await harness.people.set_defaults(1, UserDefaults(negative_prompt="x" * 4001))
    assert await harness.people.defaults(1) == stored


async def test_a_preset_is_a_way_to_draw_not_one_picture(harness: Harness) -> None:
    request = GenerationRequest(
        prompt="night sky --ar 1:1 --seed 5",
        count=4,
        private=True,
        init_picture="ab" * 32,
        strength=0.5,
        sampler=Sampler.EULER_A,
    )
    saved = await harness.people.save_preset(1, "  Night\n", request)
    assert saved.name == "Night"
    assert (saved.request.prompt, saved.request.aspect) == ("night sky", "1:1")
    kept = saved.request
    assert (kept.seed, kept.count, kept.private, kept.init_picture) == (None, None, False, None)
    assert await harness.people.preset(1, "NIGHT") == saved
    assert await harness.people.presets(1) == [saved]
    assert preset_of(kept) == kept


async def test_presets_have_bounds(harness: Harness) -> None:
    for name in ("", "  ", "x" * 51):
        with pytest.raises(InputError, match="preset_name"):
            await harness.people.save_preset(1, name, REQUEST)
    saving = [harness.people.save_preset(1, f"p{n}", REQUEST) for n in range(MAX_PRESETS + 5)]
    results = await asyncio.gather(*saving, return_exceptions=True)
    refused = [error for error in results if isinstance(error, RefusedError)]
    assert {error.key for error in refused} == {"presets_full"}
    presets = await harness.people.presets(1)
    assert len(presets) == MAX_PRESETS
    await harness.people.save_preset(1, presets[0].name.upper(), GenerationRequest(prompt="new"))
    assert (await harness.people.preset(1, presets[0].name)).request.prompt == "new"
    await harness.people.delete_preset(1, presets[0].name)
    for look in (harness.people.preset, harness.people.delete_preset):
        with pytest.raises(RefusedError, match="preset_unknown"):
            await look(1, presets[0].name)
    with pytest.raises(RefusedError, match="preset_unknown"):
        await harness.jobs.submit(REQUEST, origin(1), saved="none")


async def test_a_saved_preset_fills_a_request(harness: Harness) -> None:
    preset = GenerationRequest(
        prompt="night sky",
        negative_prompt="sun",
        aspect="1:1",
        num_inference_steps=5,
        aesthetic=Aesthetic.AESTHETIC,
    )
    await harness.people.set_defaults(1, DEFAULTS)
    await harness.people.save_preset(1, "night", preset)
    typed = GenerationRequest(prompt="1girl, smile --steps 4", tags="hat")
    ticket = await harness.jobs.submit(typed, origin(1), saved="Night")
    request = ticket.job.request
    assert request.prompt.startswith("1girl, smile, hat, night sky")
    assert request.num_inference_steps == 4  # what is typed counts more
    assert (request.width, request.negative_prompt) == (1024, "sun, nsfw, lowres")
    alone = (await harness.jobs.submit(GenerationRequest(), origin(1), saved="night")).job.request
    assert alone.prompt.startswith("night sky")
    assert alone.num_inference_steps == 5


async def everything(harness: Harness, user_id: int) -> str:
    """Store one of everything that can be stored about a person; returns the id of the job."""
    upload = await harness.jobs.put_upload(red_png())
    request = GenerationRequest(
        prompt="1girl, smile", count=2, seed=user_id, init_picture=upload.content_hash
    )
    ticket = await harness.jobs.submit(request, origin(user_id))
    ended = await harness.ended(ticket.job.id)
    assert isinstance(ended, Completed)
    picture_id = ended.pictures[0].id
    await harness.results.toggle_favourite(user_id=user_id, picture_id=picture_id)
    await harness.people.save_preset(user_id, "mine", REQUEST)
    await harness.people.set_defaults(user_id, DEFAULTS)
    async with harness.database.transaction() as connection:
        await tag_uses.record(connection, user_id=user_id, tags=["smile"], now=1)
    return ticket.job.id


async def collected(parts: AsyncIterator[bytes]) -> list[dict[str, bytes]]:
    return [contents(part) async for part in parts]


def contents(part: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(part)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_an_export_has_everything_and_nothing_of_others(harness: Harness) -> None:
    job_id = await everything(harness, 1)
    await everything(harness, 2)
    files = contents(await harness.people.export(1))
    record: dict[str, Any] = json.loads(files.pop("data.json"))
    assert record["user_id"] == "1"
    assert [job["id"] for job in record["jobs"]] == [job_id]
    assert record["jobs"][0]["request"]["wish"]["prompt"] == "1girl, smile"
    pictures = record["jobs"][0]["pictures"]
    assert record["favourites"] == [
        {"picture_id": pictures[0]["id"], "marked_at": harness.clock.time()}
    ]
    assert [preset["name"] for preset in record["presets"]] == ["mine"]
    assert record["defaults"]["negative_prompt"] == "hat"
    assert record["quota_uses"][0]["pictures"] == 2
    assert record["tags_used"] == [{"tag": "smile", "uses": 1, "used_at": 1}]
    named = {each["file"] for each in pictures} | {each["file"] for each in record["uploads"]}
    assert set(files) == named
    assert len(named) == 3
    assert all(data.startswith(b"\x89PNG") for data in files.values())
    assert "token" not in json.dumps(record)


async def test_an_export_in_parts_has_the_same_files_within_the_size(harness: Harness) -> None:
    await everything(harness, 1)
    whole = contents(await harness.people.export(1))
    parts = [part async for part in harness.people.export_parts(1, part_bytes=2400)]
    assert len(parts) > 1
    assert all(len(part) <= 2400 for part in parts)
    merged = {name: data for part in parts for name, data in contents(part).items()}
    assert merged.keys() == whole.keys()
    small = await collected(harness.people.export_parts(1, part_bytes=1))
    assert [len(part) for part in small] == [1] * 4
    assert "data.json" in small[0]


async def test_somebody_unknown_can_be_exported(harness: Harness) -> None:
    record = json.loads(contents(await harness.people.export(99))["data.json"])
    assert record["jobs"] == []


@pytest.mark.parametrize("end", ["its reader goes", "a disk that fails"])
async def test_an_export_that_is_broken_off_leaves_nothing_open(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    opened: list[IO[bytes]] = []
    make, read = tempfile.TemporaryFile, PictureFiles.read

    def noted() -> IO[bytes]:
        opened.append(make())
        return opened[-1]

    def fails(files: PictureFiles, content_hash: str) -> bytes:
        if end == "a disk that fails" and len(opened) > 1:
            raise OSError(errno.EIO, "failed")
        return read(files, content_hash)

    monkeypatch.setattr(packing.tempfile, "TemporaryFile", noted)
    monkeypatch.setattr(PictureFiles, "read", fails)
    await everything(harness, 1)
    parts = harness.people.export_parts(1, part_bytes=1)
    await anext(parts)
    if end == "a disk that fails":
        with pytest.raises(OSError, match="failed"):
            await anext(parts)
    else:
        await anext(parts)
    await parts.aclose()  # type: ignore[attr-defined]
    assert len(opened) > 1
    assert [file.closed for file in opened] == [True] * len(opened)


async def test_everything_of_a_person_is_removed_and_nothing_of_others(
    harness: Harness, tmp_path: Path
) -> None:
    await everything(harness, 1)
    other = await everything(harness, 2)
    (of_other,) = [job for job in await harness.jobs.to_present() if job.id == other]
    async with harness.database.transaction() as connection:  # both sent the same picture
        await connection.execute("UPDATE uploads SET user_id = 2")
    await harness.people.forget(1)
    for table in TABLES:
        if table == "pictures":
            found = rows(tmp_path, "SELECT DISTINCT job_id FROM pictures")
            assert found == [(of_other.id,)]
        else:
            assert rows(tmp_path, f"SELECT DISTINCT user_id FROM {table}") == [(2,)], table
    kept = {str(row[0]) for row in rows(tmp_path, "SELECT content_hash FROM pictures")}
    assert {path.stem for path in (tmp_path / "pictures").rglob("*.png")} == kept
    assert contents(await harness.people.export(2)).keys()


async def test_no_word_of_theirs_stays_in_the_databases_files(
    harness: Harness, tmp_path: Path
) -> None:
    request = GenerationRequest(prompt="a most unusual request")
    await harness.ended((await harness.jobs.submit(request, origin(1))).job.id)
    await harness.people.forget(1)
    files = list(tmp_path.glob("test.db*"))
    assert len(files) > 1
    assert not any(b"most unusual" in file.read_bytes() for file in files)


async def test_an_upload_goes_with_its_sender(harness: Harness, tmp_path: Path) -> None:
    await everything(harness, 1)
    await harness.people.forget(1)
    assert list(tmp_path.rglob("*.png")) == []
    assert rows(tmp_path, "SELECT * FROM uploads") == []


async def test_limits_are_not_reset_by_it_and_expire_with_their_day(tmp_path: Path) -> None:
    limits = Limits(
        pictures_per_hour=0, pictures_per_day=2, waiting_jobs_per_user=0, waiting_jobs_total=0
    )
    async with open_harness(tmp_path, limits=limits) as harness:
        await harness.ended((await harness.jobs.submit(REQUEST, origin(1))).job.id)
        await harness.ended((await harness.jobs.submit(REQUEST, origin(1))).job.id)
        await harness.people.forget(1)
        with pytest.raises(RefusedError, match="quota_day"):
            await harness.jobs.submit(REQUEST, origin(1))
        assert rows(tmp_path, "SELECT job_id, user_id, pictures FROM quota_uses") == [
            (None, 1, 1),
            (None, 1, 1),
        ]
        clock = harness.clock
    clock.advance(86_401)
    async with open_harness(tmp_path, limits=limits, clock=clock) as harness:
        housekeeping = Housekeeping(harness.files, clock)
        clock.advance(STEADY_S)  # a start after so long a pause trusts no clock at once
        await housekeeping.clean()
        assert rows(tmp_path, "SELECT * FROM quota_uses") == []


async def test_open_jobs_are_cancelled_and_their_watchers_told(
    harness: Harness, tmp_path: Path
) -> None:
    harness.engine.hold()
    running = await harness.jobs.submit(REQUEST, origin(1))
    waiting = await harness.jobs.submit(REQUEST, origin(1))
    other = await harness.jobs.submit(REQUEST, origin(2))
    watching = [asyncio.create_task(harness.ended(each.job.id)) for each in (running, waiting)]
    await asyncio.sleep(0)
    await harness.people.forget(1)
    harness.engine.release()
    for watch in watching:
        assert isinstance(await watch, CancelledEvent)
    assert isinstance(await harness.ended(other.job.id), Completed)
    assert rows(tmp_path, "SELECT DISTINCT user_id FROM jobs") == [(2,)]
    assert rows(tmp_path, "SELECT COUNT(*) FROM quota_uses WHERE user_id = 1 AND NOT refunded") == [
        (0,)
    ]


async def test_a_job_that_is_accepted_meanwhile_leaves_nothing_behind(
    harness: Harness, tmp_path: Path
) -> None:
    for _ in range(10):
        submitting = [harness.jobs.submit(REQUEST, origin(1)) for _ in range(3)]
        await asyncio.gather(*submitting, harness.people.forget(1))
    await harness.people.forget(1)
    async with asyncio.timeout(PATIENCE_S):
        await harness.jobs.drain()  # nothing of them is stuck in the line
    assert rows(tmp_path, "SELECT COUNT(*) FROM jobs") == [(0,)]
    await harness.jobs.stop()  # what is drawn already is stored by then
    assert list((tmp_path / "pictures").rglob("*.png")) == []
