"""Bounds, defaults and sizes for drawing from a picture. No numpy, no Pillow."""

import math
from dataclasses import dataclass
from typing import Final

from pipeline.errors import InputError

MIN_STRENGTH: Final = 0.05  # less changes nothing visible
MAX_STRENGTH: Final = 1.0
DEFAULT_STRENGTH: Final = 0.75  # A1111's slider: the composition stays, all else may change

EXTEND_STRENGTH: Final = 0.95
"""Of an extended picture: what continues its edge is only a beginning for the new region."""

UPSCALE_FACTOR: Final = 1.5  # the official demo's
UPSCALE_STRENGTH: Final = 0.55  # the official demo's

MAX_UPSCALED_PIXELS: Final = 2_621_440
"""Of the larger picture. Every bucket fits (1024x1024 becomes 2.4 million); a second upscale would
want some 40 GB of memory and days on a processor."""

FACE_STRENGTH: Final = 0.4
"""Of a face that is drawn again: it keeps place, hair and expression, and gets its details anew."""

MAX_FACES: Final = 4
"""Faces of one picture that are drawn again: each takes nearly half as long as a picture."""

FACE_SIDE: Final = 1024
"""Pixels: the square around a face is enlarged to this side, which the model draws best."""

DEFAULT_SIZE_MULTIPLE: Final = 64  # all buckets are multiples of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Pixels of a picture."""

    width: int
    height: int


def upscaled(size: Size, *, size_multiple: int) -> Size:
    """The size of a picture of `size` after upscaling, in multiples of `size_multiple` pixels.

    Raises InputError `upscale_too_large`.
    """
    larger = _scaled(size, UPSCALE_FACTOR, size_multiple)
    if larger.width * larger.height > MAX_UPSCALED_PIXELS:
        raise InputError("upscale_too_large", width=size.width, height=size.height)
    return larger


def before_upscale(size: Size, *, factor: float, size_multiple: int) -> Size:
    """The size that a picture of `size` had before it was enlarged by `factor`: returns exactly
    what `upscaled` was given, for sizes that were multiples of `size_multiple`."""
    return _scaled(size, 1 / factor, size_multiple)


def _scaled(size: Size, factor: float, multiple: int) -> Size:
    return Size(
        width=_rounded(size.width * factor, multiple),
        height=_rounded(size.height * factor, multiple),
    )


def _rounded(pixels: float, multiple: int) -> int:
    """The nearest multiple, the larger of two as near, never 0."""
    return max(1, math.floor(pixels / multiple + 0.5)) * multiple
