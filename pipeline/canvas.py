"""Where a redrawn or extended picture lies: sizes and boxes in pixels. No numpy, no Pillow."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.aspect import nearest_bucket
from pipeline.errors import InputError
from pipeline.rework import MAX_UPSCALED_PIXELS, Size

MAX_EXTENDED_PIXELS: Final = 1_572_864
"""Of an extended picture: half as many again as any bucket has, so that the first extension of a
picture keeps its pixels as they are. On larger ones the model repeats figures."""

MIN_PIXELS: Final = 786_432  # below three quarters of a bucket the model draws badly

OVERLAP: Final = 32
"""Pixels of the source along its edge that are redrawn with the new region, so that no seam
stays."""


class Extend(StrEnum):
    """How a picture is made larger at its sides. The words are stored: never change one."""

    ZOOM_1_5 = "zoom_1_5"
    ZOOM_2 = "zoom_2"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    SQUARE = "square"


_GROWTH: Final = {
    Extend.LEFT: (1.5, 1.0),
    Extend.RIGHT: (1.5, 1.0),
    Extend.UP: (1.0, 1.5),
    Extend.DOWN: (1.0, 1.5),
}
_ZOOM: Final = {Extend.ZOOM_1_5: 1.5, Extend.ZOOM_2: 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels; right and bottom are outside of it."""

    left: int
    top: int
    right: int
    bottom: int


def redrawn(source: Size, *, size_multiple: int) -> Size:
    """The size of `source` with a part redrawn: its own if the model can draw that, otherwise the
    bucket nearest in shape."""
    fits = not (source.width % size_multiple or source.height % size_multiple)
    if fits and MIN_PIXELS <= source.width * source.height <= MAX_UPSCALED_PIXELS:
        return source
    bucket = nearest_bucket(width=source.width, height=source.height)
    return Size(width=bucket.width, height=bucket.height)


def keeps_size(source: Size, *, size_multiple: int) -> bool:
    """Whether a whole picture of the size of `source` can be drawn: as large as an extended one."""
    fits = not (source.width % size_multiple or source.height % size_multiple)
    return fits and MIN_PIXELS <= source.width * source.height <= MAX_EXTENDED_PIXELS


def extended(source: Size, extend: Extend, *, size_multiple: int) -> Size:
    """The size of `source`, which is a size that `redrawn` gave, extended: the same for a zoom,
    half as much again in one direction, or a square. In multiples of `size_multiple` pixels, at
    most MAX_EXTENDED_PIXELS. Raises InputError `already_square`."""
    across, down = _GROWTH.get(extend, (1.0, 1.0))
    width, height = source.width * across, source.height * down
    if extend is Extend.SQUARE:
        if source.width == source.height:
            raise InputError("already_square")
        width = height = max(width, height)
    scale = min(1.0, math.sqrt(MAX_EXTENDED_PIXELS / (width * height)))
    return Size(
        width=_down(width * scale, size_multiple), height=_down(height * scale, size_multiple)
    )


def source_box(source: Size, canvas: Size, extend: Extend) -> Box:
    """Where the source, scaled, lies on a canvas of the size that `extended` gave: in the middle
    for a zoom and a square, otherwise at the side opposite to the new region."""
    if extend in _ZOOM:
        scale = 1 / _ZOOM[extend]
        width, height = round(canvas.width * scale), round(canvas.height * scale)
    elif extend in {Extend.LEFT, Extend.RIGHT}:
        width, height = round(source.width * canvas.height / source.height), canvas.height
    elif extend in {Extend.UP, Extend.DOWN}:
        width, height = canvas.width, round(source.height * canvas.width / source.width)
    else:
        scale = min(canvas.width / source.width, canvas.height / source.height)
        width, height = round(source.width * scale), round(source.height * scale)
    width, height = min(max(1, width), canvas.width), min(max(1, height), canvas.height)
    left = {Extend.LEFT: canvas.width - width, Extend.RIGHT: 0}.get(
        extend, (canvas.width - width) // 2
    )
    top = {Extend.UP: canvas.height - height, Extend.DOWN: 0}.get(
        extend, (canvas.height - height) // 2
    )
    return Box(left=left, top=top, right=left + width, bottom=top + height)


def kept_box(source: Box, canvas: Size, *, block: int) -> Box:
    """The part of the source that stays: without OVERLAP where something new adjoins it, at most a
    quarter of the source at each side, and in whole blocks of latents (`block` pixels a side), so
    that nothing of the ground around it is kept with them."""
    across = min(OVERLAP, (source.right - source.left) // 4)
    down = min(OVERLAP, (source.bottom - source.top) // 4)
    left, right = _inner(source.left, source.right, canvas.width, overlap=across, block=block)
    top, bottom = _inner(source.top, source.bottom, canvas.height, overlap=down, block=block)
    return Box(left=left, top=top, right=right, bottom=bottom)


def _inner(low: int, high: int, end: int, *, overlap: int, block: int) -> tuple[int, int]:
    """`low` to `high` of a side of `end` pixels, without the overlap, in whole blocks if any
    fit."""
    low += overlap if low > 0 else 0
    high -= overlap if high < end else 0
    blocks = -(-low // block) * block, end if high == end else high // block * block
    return blocks if blocks[0] < blocks[1] else (low, high)


def _down(pixels: float, multiple: int) -> int:
    """The largest multiple that is not above `pixels`, never 0. The small addition is for sides
    that a root made a little smaller."""
    return max(1, math.floor(pixels / multiple + 1e-9)) * multiple
