"""Masks as files: which part of a picture is redrawn."""

import io
from typing import Final

from PIL import Image

from pipeline.areas import Area, box_of
from pipeline.errors import InputError
from pipeline.metadata.png import encode_png
from pipeline.opaque import BLACK, opaque
from pipeline.rework import Size

MAX_MASK_BYTES: Final = 4 * 2**20  # what a browser paints on the largest picture has a tenth of it
MAX_MASK_PIXELS: Final = 2048 * 2048  # no picture that is kept has more

_REDRAWN: Final = 128  # diffusers: a mask is binarised at one half
_LEVEL: Final = 6  # two colours: small, and still fast


def checked_mask(data: bytes, *, width: int, height: int) -> bytes:
    """`data`, a PNG with white where a picture of `width` x `height` pixels is redrawn, as ours:
    grey of 8 bits, with 0 and 255 only. What is transparent is black.

    InputError `mask_too_large`, `mask_not_supported`, `mask_wrong_size`, `mask_empty`. Size and
    pixels are read from the header before anything is decoded. Tens of milliseconds: call it in a
    thread.
    """
    if len(data) > MAX_MASK_BYTES:
        raise InputError("mask_too_large", limit=MAX_MASK_BYTES // 2**20)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            fits = image.size == (width, height) and width * height <= MAX_MASK_PIXELS
            grey = opaque(image, BLACK).convert("L") if fits else None
    except Exception as error:  # a hostile file may break a decoder in any way
        raise InputError("mask_not_supported") from error
    if grey is None:
        raise InputError("mask_wrong_size", width=width, height=height)
    redrawn = grey.point([255 if level >= _REDRAWN else 0 for level in range(256)])
    if redrawn.getbbox() is None:
        raise InputError("mask_empty")
    return encode_png(redrawn, "", _LEVEL)


def area_mask(area: Area, *, width: int, height: int) -> bytes:
    """The mask of a part that has a name, as a PNG."""
    box, inside = box_of(area, Size(width=width, height=height))
    mask = Image.new("L", (width, height), 0 if inside else 255)
    mask.paste(255 if inside else 0, (box.left, box.top, box.right, box.bottom))
    return encode_png(mask, "", _LEVEL)
