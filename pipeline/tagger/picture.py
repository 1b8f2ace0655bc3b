"""Prepares a picture for the WD v3 taggers."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.opaque import opaque

_WHITE: Final = (255, 255, 255)


def as_input(image: Image.Image, side: int) -> NDArray[np.float32]:
    """(1, side, side, 3) float32, BGR, 0 to 255: on white, padded with white to a square, then
    scaled to `side` pixels by bicubic interpolation. Takes milliseconds: call it in a thread.
    """
    flat = opaque(image)
    longest = max(flat.size)
    square = Image.new("RGB", (longest, longest), _WHITE)
    square.paste(flat, ((longest - flat.width) // 2, (longest - flat.height) // 2))
    if longest != side:
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    rgb = np.asarray(square, dtype=np.float32)
    return np.ascontiguousarray(rgb[np.newaxis, :, :, ::-1])
