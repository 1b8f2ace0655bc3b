"""Where the figure stands in a picture of each of the nine sizes."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.aspect import BUCKETS
from training.demo.latents import CELL

SIZES = tuple((bucket.width, bucket.height) for bucket in BUCKETS)
"""The nine sizes, (width, height)."""
SQUARE: Final = (1024, 1024)
PORTRAIT: Final = (832, 1216)
"""What the bot draws unless asked: the first picture that anybody sees."""

_OFTEN: Final[dict[tuple[int, int], float]] = {SQUARE: 0.30, PORTRAIT: 0.22}
SHARES: Final[tuple[float, ...]] = tuple(
    _OFTEN.get(size, (1 - sum(_OFTEN.values())) / (len(SIZES) - len(_OFTEN))) for size in SIZES
)
"""How often training looks at each of `SIZES`."""

_STEP = CELL  # shifts by whole latent pixels cost the model nothing
_PAIR_WIDTH: Final = 1380.0  # of a picture in which two figures of scale 1 stand side by side

PAIR_SIZES = tuple((width, height) for width, height in SIZES if width >= PORTRAIT[0])
"""The sizes in which two figures are drawn, (width, height)."""


def random_size(rng: random.Random) -> tuple[int, int]:
    """(width, height), as often as `SHARES` says."""
    return rng.choices(SIZES, SHARES)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """Where the middle of the face lies (pixels) and how large the doll is."""

    x: float
    y: float
    scale: float


def framing(width: int, height: int, *, shift: int = 0, side: int = 0) -> Framing:
    """The place of the face in a picture. Tall pictures get larger heads than their width
    implies. `side`: which of two figures it is, -1 (left) or 1; 0 if there is only one.
    """
    by_width = 1.05 * width / 1024 + 0.55 * max(0.0, 1 - width / 1024)
    by_height = 1.05 * height / 1024 + 0.30 * max(0.0, 1 - height / 1024)
    scale = min(1.05, by_width, by_height, width / _PAIR_WIDTH if side else 1.05)
    y = 0.48 * height if height <= 896 else 445 * scale + 0.3 * max(0.0, height - 975 * scale)
    if side:
        return Framing(x=width / 2 + side * round(width / 4 / _STEP) * _STEP, y=y, scale=scale)
    steps = 2 if width > 1200 else 1 if width > 800 else 0
    return Framing(x=width / 2 + shift * steps * _STEP, y=y, scale=scale)


def face_weights(
    width: int,
    height: int,
    *,
    shift: int,
    face: float,
    mouth: float | None = None,
    side: int = 0,
) -> NDArray[np.float32]:
    """(rows, columns) float32: `face` on latent pixels of eyes, `mouth` on the mouth's, else 1."""
    place = framing(width, height, shift=shift, side=side)
    weights = np.ones((height // CELL, width // CELL), np.float32)
    boxes = ((-190, -60, 190, 140, face), (-84, 146, 84, 244, face if mouth is None else mouth))
    for left, top, right, bottom, weight in boxes:
        x0, x1 = (int((place.x + place.scale * x) // CELL) for x in (left, right))
        y0, y1 = (int((place.y + place.scale * y) // CELL) for y in (top, bottom))
        weights[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1] = weight
    return weights


@cache
def pair_weights(width: int, height: int, of: int | None) -> NDArray[np.float32]:
    """The weights in the loss where a caption is about one of two figures (0: left), or about both.
    Of one figure, only its half counts, twice: nothing is said about the other half."""
    weights = np.maximum(
        *(face_weights(width, height, shift=0, side=n, face=1.5, mouth=3.0) for n in (-1, 1))
    )
    if of is None:
        return weights
    half = np.zeros_like(weights)
    columns = width // CELL
    half[:, : columns // 2] = 2
    if columns % 2:
        half[:, columns // 2] = 1
    return weights * (half if of == 0 else half[:, ::-1])
