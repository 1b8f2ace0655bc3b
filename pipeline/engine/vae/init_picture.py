"""Prepares init pictures for the encoder."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.opaque import opaque

Floats = NDArray[np.float32]


def cover(image: Image.Image, *, width: int, height: int) -> Image.Image:
    """`image` as RGB, scaled to cover `width` x `height` pixels and cropped from the centre.

    Nothing is stretched or padded, like A1111's "crop and resize". Transparency becomes white. A
    picture of that size stays unchanged.
    """
    upright = ImageOps.exif_transpose(image)
    return ImageOps.fit(opaque(upright), (width, height), method=Image.Resampling.LANCZOS)


def to_pixels(image: Image.Image) -> Floats:
    """An RGB picture as (1, 3, height, width), -1 to 1, with diffusers' arithmetic."""
    unit = np.asarray(image, np.float32) / np.float32(255)
    return np.ascontiguousarray((np.float32(2) * unit - np.float32(1)).transpose(2, 0, 1)[None])


def nearest_exact(latents: Floats, *, height: int, width: int) -> Floats:
    """`latents` (1, channels, h, w) at another size: torch's `nearest-exact` interpolation, which
    takes the source pixel below the centre of each target pixel."""
    rows = _sources(latents.shape[2], height)
    columns = _sources(latents.shape[3], width)
    return np.ascontiguousarray(latents[:, :, rows[:, np.newaxis], columns])


def _sources(size: int, wanted: int) -> NDArray[np.intp]:
    scale = np.float32(size) / np.float32(wanted)
    centres = (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * scale
    return np.minimum(centres.astype(np.intp), size - 1)
