"""Prepares pictures of which a part is redrawn, and pictures that are extended."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from pipeline.canvas import kept_box, redrawn, source_box
from pipeline.engine.start import Floats, Paste
from pipeline.engine.vae.init_picture import cover
from pipeline.errors import EngineError
from pipeline.request import ResolvedRequest
from pipeline.rework import Size

Mask = NDArray[np.bool_]

FEATHER: Final = 16
"""Pixels, measured inward from the edge of the mask, over which the source passes into what was
drawn. All of the feather lies inside of the mask: outside, each pixel stays that of the source."""

_REDRAWN: Final = 128  # diffusers: a mask is binarised at one half
_BLUR: Final = 24  # pixels: the new region starts from colours without edges


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraw:
    """`image`: RGB of the request's size, to start from. `mask` (height, width): true where it is
    redrawn."""

    image: Image.Image
    mask: Mask

    def latent_mask(self, *, height: int, width: int) -> Floats:
        """The mask as (1, 1, height, width) of latents, 0 or 1: torch's `nearest`, the first pixel
        of each block, as diffusers has it. A mask so fine that nothing of it is left becomes
        all blocks that it touches."""
        rows = np.arange(height) * self.mask.shape[0] // height
        columns = np.arange(width) * self.mask.shape[1] // width
        found = self.mask[rows[:, np.newaxis], columns]
        if not found.any():
            blocks = np.logical_or.reduceat(self.mask, rows, axis=0)
            found = np.logical_or.reduceat(blocks, columns, axis=1)
        return found.astype(np.float32)[np.newaxis, np.newaxis]

    def paste(self) -> Paste:
        """Puts what was drawn into the source."""
        return Paste(image=self.image, weights=feathered(self.mask))


def redraw_of(
    request: ResolvedRequest,
    image: Image.Image,
    mask_image: Image.Image | None,
    *,
    size_multiple: int,
    vae_scale_factor: int,
) -> Redraw | None:
    """What `request` redraws; None if nothing of its picture stays by itself. `image` and
    `mask_image` are as stored. EngineError `mask_missing`."""
    if request.extend is not None:
        return _extended(request, image, size_multiple=size_multiple, block=vae_scale_factor)
    if not request.mask:
        return None
    if mask_image is None:
        raise EngineError("mask_missing")
    size = (request.width, request.height)
    grey = mask_image.convert("L")
    if grey.size != size:
        grey = ImageOps.fit(grey, size, method=Image.Resampling.BILINEAR)
    return Redraw(
        image=cover(image, width=request.width, height=request.height),
        mask=np.asarray(grey) >= _REDRAWN,
    )


def _extended(
    request: ResolvedRequest, image: Image.Image, *, size_multiple: int, block: int
) -> Redraw:
    assert request.extend is not None
    canvas = Size(width=request.width, height=request.height)
    size = redrawn(Size(width=image.width, height=image.height), size_multiple=size_multiple)
    box = source_box(size, canvas, request.extend)
    source = cover(image, width=size.width, height=size.height)
    inner = (box.right - box.left, box.bottom - box.top)
    if source.size != inner:
        source = source.resize(inner, Image.Resampling.LANCZOS)
    around = (
        (box.top, canvas.height - box.bottom),
        (box.left, canvas.width - box.right),
        (0, 0),
    )
    ground = Image.fromarray(np.pad(np.asarray(source), around, mode="edge"))
    ground = ground.filter(ImageFilter.GaussianBlur(_BLUR))
    ground.paste(source, (box.left, box.top))
    kept = kept_box(box, canvas, block=block)
    mask = np.ones((canvas.height, canvas.width), np.bool_)
    mask[kept.top : kept.bottom, kept.left : kept.right] = False
    return Redraw(image=ground, mask=mask)


def feathered(mask: Mask) -> Floats:
    """How much of each pixel is what was drawn, (height, width) from 0 to 1: rises from the edge of
    the mask inward, and is 0 outside. The picture's border is no edge."""
    weights = np.zeros(mask.shape, np.float32)
    left = mask
    for _ in range(FEATHER):
        weights += left
        left = _eroded(left)
    return weights / np.float32(FEATHER)


def _eroded(mask: Mask) -> Mask:
    """Without its outermost pixels."""
    down = np.pad(mask, ((1, 1), (0, 0)), mode="edge")
    rows = down[:-2] & down[1:-1] & down[2:]
    across = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
    return across[:, :-2] & across[:, 1:-1] & across[:, 2:]
