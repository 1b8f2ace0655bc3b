"""Every kind of pixel that a file may hold becomes the RGB that a person sees."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bot.jobs.keep.uploads import checked_png
from pipeline.engine.vae.init_picture import cover
from pipeline.opaque import opaque
from pipeline.tagger.picture import as_input

GREY, RGB, GREY_ALPHA, RGB_ALPHA = 0, 2, 4, 6  # PNG's colour types


def png(colour: int, values: list[int], *, transparent: list[int] | None = None) -> bytes:
    """A PNG of one row of pixels with 16 bits a band, which Pillow can't write in every kind."""
    bands = {GREY: 1, RGB: 3, GREY_ALPHA: 2, RGB_ALPHA: 4}[colour]
    header = struct.pack(">IIBBBBB", len(values) // bands, 1, 16, colour, 0, 0, 0)
    key = b"" if transparent is None else _chunk(b"tRNS", _words(transparent))
    pixels = _chunk(b"IDAT", zlib.compress(b"\0" + _words(values)))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + _chunk(b"IHDR", header) + key + pixels + _chunk(b"IEND", b"")


def _words(values: list[int]) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def seen(image: Image.Image) -> list[tuple[int, ...]]:
    assert image.mode == "RGB"
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


def greys(*values: int) -> list[tuple[int, ...]]:
    return [(value,) * 3 for value in values]


SIXTEEN_BITS = [
    (png(GREY, [0, 0x4000, 0x8000, 0xFFFF]), greys(0, 64, 128, 255)),
    (png(GREY, [0, 100, 200, 255]), greys(0, 0, 1, 1)),
    (png(GREY, [0, 0x8000], transparent=[0x8000]), greys(0, 255)),
    (png(GREY_ALPHA, [0x8000, 0xFFFF, 0, 0]), greys(128, 255)),
    (png(RGB, [0xFFFF, 0, 0x8000]), [(255, 0, 128)]),
    (png(RGB, [0x1234, 0, 0, 0xFFFF, 0, 0], transparent=[0x1234, 0, 0]),
     [(255, 255, 255), (255, 0, 0)]),
    (png(RGB_ALPHA, [0xFFFF, 0, 0, 0, 0, 0, 0, 0xFFFF]), [(255, 255, 255), (0, 0, 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "pixels"), SIXTEEN_BITS)
def test_sixteen_bits_a_band_keep_their_shades(data: bytes, pixels: list[tuple[int, ...]]) -> None:
    kept, _, _ = checked_png(data)
    for made in (opaque(Image.open(io.BytesIO(data))), Image.open(io.BytesIO(kept))):
        assert seen(made) == pixels


@pytest.mark.parametrize(
    ("mode", "values"),
    [("I", [0, 64, 128, 255]), ("I", [0, 64 * 257, 128 * 257, 65535]),
     ("F", [0.0, 0.251, 0.502, 1.0]), ("F", [0.0, 64.0, 128.0, 255.0])],
)  # fmt: skip
def test_grey_whose_range_nothing_tells_is_not_cut_off(mode: str, values: list[float]) -> None:
    kind = np.int32 if mode == "I" else np.float32
    image = Image.fromarray(np.array([values], kind))
    assert image.mode == mode
    assert seen(opaque(image)) == greys(0, 64, 128, 255)


def test_numbers_that_are_none_are_black() -> None:
    image = Image.fromarray(np.array([[np.nan, np.inf, 255.0]], np.float32))
    assert seen(opaque(image)) == greys(0, 0, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "P"])
def test_what_is_transparent_is_white(mode: str) -> None:
    image = Image.new("RGBA", (2, 2), (0, 0, 0, 0)).convert("P" if mode == "PA" else mode)
    if mode == "PA":
        image = image.convert("PA")
        image.putalpha(0)
    elif mode == "P":
        image.info["transparency"] = 0
    assert seen(opaque(image)) == greys(255) * 4


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "YCbCr", "HSV", "RGBX", "P", "RGBA"])
def test_colours_stay(mode: str) -> None:
    image = Image.new("RGB", (2, 2), (255, 0, 0)).convert(mode)
    for pixel in seen(opaque(image)):
        assert np.allclose(pixel, (255, 0, 0), atol=2)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_stays(mode: str) -> None:
    image = Image.new("L", (2, 1))
    image.putpixel((1, 0), 255)
    assert seen(opaque(image.convert(mode))) == greys(0, 255)


def test_a_grey_picture_of_sixteen_bits_is_grey_for_the_engine_and_the_tagger() -> None:
    image = Image.open(io.BytesIO(png(GREY, [0x8000] * 4)))
    assert set(seen(cover(image, width=4, height=4))) == set(greys(128))
    middle = as_input(image, 4)[0, 1:3]
    assert 100 < middle.min() < 255


def test_a_telephones_orientation_counts_in_every_mode() -> None:
    image = Image.new("CMYK", (4, 2), (0, 255, 255, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    _, width, height = checked_png(buffer.getvalue())
    assert (width, height) == (2, 4)
