"""Masks: checked before they are decoded, stored as grey PNGs, kept while a job names them."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bot.jobs.keep import mask_files
from bot.jobs.keep.mask_files import area_mask, checked_mask
from bot.jobs.values import Completed
from pipeline.areas import Area
from pipeline.errors import InputError, RefusedError, StorageError
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.bot.jobs.keep.test_uploads import RED, bomb, encoded, opened

WHOLE = Image.new("L", RED.size, 255)


def painted(mode: str = "L") -> Image.Image:
    """A mask with a white rectangle in it."""
    mask = Image.new("L", RED.size, 0)
    ImageDraw.Draw(mask).rectangle((10, 5, 29, 24), fill=255)
    if mode == "RGBA":  # as a canvas of a browser is: transparent where nothing is painted
        image = Image.new("RGBA", RED.size, (255, 255, 255, 0))
        image.putalpha(mask)
        return image
    return mask.convert(mode)


def checked(data: bytes) -> Image.Image:
    return opened(checked_mask(data, width=RED.width, height=RED.height))


def refusal(data: bytes, *, width: int = 60, height: int = 40) -> str:
    with pytest.raises(InputError) as error:
        checked_mask(data, width=width, height=height)
    return error.value.key


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA"])
def test_each_kind_of_png_becomes_a_grey_one_of_two_levels(mode: str) -> None:
    source = painted("RGBA").convert("LA") if mode == "LA" else painted(mode)
    mask = checked(encoded(source))
    assert (mask.mode, mask.size) == ("L", RED.size)
    assert mask.tobytes() == painted().tobytes()


def test_grey_is_redrawn_from_one_half() -> None:
    levels = Image.new("L", RED.size, 127)
    levels.paste(128, (0, 0, 1, 1))
    mask = checked(encoded(levels))
    assert [mask.getpixel((x, 0)) for x in (0, 1)] == [255, 0]


def test_grey_of_16_bits_is_no_white() -> None:
    levels = np.full((RED.height, RED.width), 300, np.uint16)  # of 65,535
    levels[0, 0] = 40_000
    mask = checked(encoded(Image.fromarray(levels)))
    assert [mask.getpixel((x, 0)) for x in (0, 1)] == [255, 0]


def test_a_mask_of_everything_is_one() -> None:
    assert checked(encoded(WHOLE)).getextrema() == (255, 255)


def test_bad_masks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded(painted())
    assert refusal(encoded(Image.new("L", RED.size))) == "mask_empty"
    assert refusal(encoded(Image.new("RGBA", RED.size, (255, 255, 255, 0)))) == "mask_empty"
    assert refusal(whole, width=40, height=60) == "mask_wrong_size"
    broken = (b"", b"hello", encoded(painted(), "GIF"), whole[:60], whole[:41] + b"\0" * 99)
    assert {refusal(each) for each in broken} == {"mask_not_supported"}
    assert refusal(b"\0" * 50 * 2**20) == "mask_too_large"
    monkeypatch.setattr(mask_files, "MAX_MASK_PIXELS", 2399)
    assert refusal(whole) == "mask_wrong_size"


@pytest.mark.parametrize("size", [(2040, 2040), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    assert refusal(bomb(*size)) in {"mask_wrong_size", "mask_not_supported"}


@pytest.mark.parametrize("area", Area)
def test_named_areas_are_masks(area: Area) -> None:
    mask = opened(checked_mask(area_mask(area, width=832, height=1216), width=832, height=1216))
    share = sum(mask.histogram()[255:]) / (832 * 1216)
    assert 0.2 < share <= 1
    assert mask.getextrema() == ((255, 255) if area is Area.EVERYTHING else (0, 255))


async def redraw(harness: Harness, mask: Image.Image = WHOLE) -> GenerationRequest:
    upload = await harness.jobs.put_upload(encoded(RED))
    stored = await harness.jobs.put_mask(encoded(mask), width=60, height=40)
    return GenerationRequest(
        prompt="1girl", init_picture=upload.content_hash, mask=stored.content_hash
    )


async def test_a_mask_is_kept_with_its_job_and_belongs_to_all_who_use_it(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        request = await redraw(harness, painted())
        unused = await harness.jobs.put_mask(encoded(WHOLE), width=60, height=40)
        first = await harness.jobs.submit(request, origin(1))
        assert first.job.request.mask == request.mask
        assert isinstance(await harness.ended(first.job.id), Completed)
        clock = harness.clock
    folder = tmp_path / "uploads"
    assert unused.content_hash in {path.stem for path in folder.rglob("*.png")}
    clock.advance(3601)
    async with open_harness(tmp_path, clock=clock) as harness:
        left = {path.stem for path in folder.rglob("*.png")}
        assert left == {request.init_picture, request.mask}
        again = await harness.jobs.submit(request, origin(2))
        assert isinstance(await harness.ended(again.job.id), Completed)
        await harness.people.forget(1)  # the picture was theirs, the mask is still used
        assert {path.stem for path in folder.rglob("*.png")} == {request.mask}
        await harness.people.forget(2)
        assert not list(folder.rglob("*.png"))
        with pytest.raises(RefusedError, match="init_picture_gone"):
            await harness.jobs.submit(request, origin(2))


async def test_what_is_no_mask_of_the_picture_is_refused(harness: Harness) -> None:
    request = await redraw(harness)
    other = await harness.jobs.put_mask(encoded(Image.new("L", (8, 8), 255)), width=8, height=8)
    for mask, kind, key in (
        ("ab" * 32, RefusedError, "mask_gone"),
        (request.init_picture, RefusedError, "mask_gone"),  # a picture, and no mask
        (other.content_hash, InputError, "mask_wrong_size"),
    ):
        wrong = GenerationRequest(prompt="1girl", init_picture=request.init_picture, mask=mask)
        with pytest.raises(kind, match=key):
            await harness.jobs.submit(wrong, origin())


async def test_a_mask_that_the_database_refuses_leaves_no_file(harness: Harness) -> None:
    blocker = sqlite3.connect(harness.database.path)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StorageError):
            await harness.jobs.put_mask(encoded(WHOLE), width=60, height=40)
    finally:
        blocker.close()
    assert not [each for each in harness.files.uploads.folder.rglob("*") if each.is_file()]


async def test_an_export_has_the_masks_of_a_person(harness: Harness) -> None:
    request = await redraw(harness, painted())
    ticket = await harness.jobs.submit(request, origin(1))
    await harness.ended(ticket.job.id)
    part = await harness.people.export(1)
    assert f"uploads/{request.mask}.png".encode() in part
    assert f"uploads/{request.mask}.png".encode() not in await harness.people.export(2)
