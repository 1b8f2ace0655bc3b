"""Pictures that people send: checked before they are decoded, kept clean, gone when of no use."""

import io
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from bot.jobs.keep import uploads as module
from bot.jobs.keep.uploads import FORMATS, KEPT_SIDE, checked_png, decoded
from bot.jobs.values import Completed
from pipeline.errors import InputError, RefusedError, StorageError
from pipeline.metadata.png import encode_png
from pipeline.request import GenerationRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.parameters import read_parameters


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


RED = Image.new("RGB", (60, 40), (255, 0, 0))


@pytest.mark.parametrize("moving", [True, False])
def test_a_photograph_with_a_second_picture_does_not_move(*, moving: bool) -> None:
    """As phones write them: MPO, with a map of depth or of light."""
    out = io.BytesIO()
    RED.save(out, "MPO", save_all=True, append_images=[Image.new("L", RED.size)])
    assert decoded(out.getvalue(), moving=moving).size == RED.size


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_becomes_our_png(kind: str) -> None:
    png, width, height = checked_png(encoded(RED, kind))
    assert (width, height) == (60, 40)
    image = opened(png)
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (60, 40))


def test_metadata_does_not_reach_the_disk() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of somebody"
    png, _, _ = checked_png(encoded(RED, "JPEG", exif=exif, comment=b"secret place"))
    assert b"Camera" not in png
    assert b"secret" not in png
    assert read_parameters(checked_png(encode_png(RED, "a prompt"))[0]) is None


def test_a_photograph_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    _, width, height = checked_png(encoded(RED, "JPEG", exif=exif))
    assert (width, height) == (40, 60)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0)).convert(mode)
    options = {"transparency": 0} if mode == "P" else {}
    png, _, _ = checked_png(encoded(image, "PNG", **options))
    assert opened(png).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "CMYK"])
def test_other_modes_are_read(mode: str) -> None:
    png, _, _ = checked_png(encoded(RED.convert(mode), "JPEG" if mode == "CMYK" else "PNG"))
    assert opened(png).mode == "RGB"


def test_a_large_picture_is_kept_smaller() -> None:
    _, width, height = checked_png(encoded(Image.new("RGB", (4000, 1000))))
    assert (width, height) == (KEPT_SIDE, 512)


def test_what_is_no_picture_is_refused() -> None:
    whole = encoded(RED)
    gif = encoded(RED, "GIF")
    for data in (b"", b"GIF89a", b"hello", gif, whole[: len(whole) // 2], whole[:40] + b"\0" * 400):
        with pytest.raises(InputError, match="image_not_supported"):
            checked_png(data)


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes whose header promises `width` x `height` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = zlib.compress(b"\0" * 10_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("width", "height"), [(7000, 6000), (12_000, 12_000), (2**31 - 1, 2)])
def test_a_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(InputError, match="image_too_many_pixels"):
        checked_png(bomb(width, height))


def test_a_file_that_is_too_large_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UPLOAD_BYTES", 10)
    with pytest.raises(InputError, match="image_too_large"):
        checked_png(encoded(RED))


async def test_an_upload_is_drawn_from_in_its_shape(harness: Harness, tmp_path: Path) -> None:
    upload = await harness.jobs.put_upload(encoded(RED))
    assert (upload.width, upload.height) == (60, 40)
    assert await harness.jobs.put_upload(encoded(RED)) == upload
    request = GenerationRequest(prompt="1girl", init_picture=upload.content_hash, strength=0.5)
    ticket = await harness.jobs.submit(request, origin())
    request = ticket.job.request
    assert (request.width, request.height, request.strength) == (1216, 832, 0.5)
    done = await harness.ended(ticket.job.id)
    assert isinstance(done, Completed)
    red, _, _ = opened(await harness.jobs.read_picture(done.pictures[0])).getpixel((5, 5))  # type: ignore[misc]
    assert red > 120  # the fake engine mixes the half of what it began from
    assert len(list((tmp_path / "uploads").rglob("*.png"))) == 1


async def test_a_picture_that_is_not_there_is_refused(harness: Harness) -> None:
    request = GenerationRequest(prompt="1girl", init_picture="ab" * 32)
    with pytest.raises(RefusedError, match="init_picture_gone"):
        await harness.jobs.submit(request, origin())


async def test_an_upload_without_a_job_goes_after_an_hour_and_one_with_stays(
    tmp_path: Path,
) -> None:
    async with open_harness(tmp_path) as harness:
        used = await harness.jobs.put_upload(encoded(RED))
        unused = await harness.jobs.put_upload(encoded(RED.rotate(90, expand=True)))
        request = GenerationRequest(prompt="1girl", init_picture=used.content_hash)
        await harness.ended((await harness.jobs.submit(request, origin())).job.id)
        clock = harness.clock
    folder = tmp_path / "uploads"
    async with open_harness(tmp_path, clock=clock):
        pass
    assert {path.stem for path in folder.rglob("*.png")} == {
        used.content_hash,
        unused.content_hash,
    }
    clock.advance(3601)
    async with open_harness(tmp_path, clock=clock) as harness:
        assert {path.stem for path in folder.rglob("*.png")} == {used.content_hash}
        again = await harness.jobs.submit(request, origin(2))  # a re-roll, by somebody else
        assert isinstance(await harness.ended(again.job.id), Completed)


async def test_an_upload_that_the_database_refuses_leaves_no_file(harness: Harness) -> None:
    blocker = sqlite3.connect(harness.database.path)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StorageError):
            await harness.jobs.put_upload(encoded(RED))
    finally:
        blocker.close()
    assert not [each for each in harness.files.uploads.folder.rglob("*") if each.is_file()]
