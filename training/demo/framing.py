"""Where the figure stands in a picture of each of the nine sizes."""

import random
from dataclasses import dataclass
from typing import Final

from pipeline.aspect import BUCKETS

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

_STEP = 64  # one latent pixel: shifts by whole ones cost the model nothing


def random_size(rng: random.Random) -> tuple[int, int]:
    """(width, height), as often as `SHARES` says."""
    return rng.choices(SIZES, SHARES)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """Where the middle of the face lies (pixels) and how large the doll is."""

    x: float
    y: float
    scale: float


def framing(width: int, height: int, *, shift: int = 0) -> Framing:
    """The place of the face in a picture. Tall pictures get larger heads than their width
    implies.
    """
    by_width = 1.05 * width / 1024 + 0.55 * max(0.0, 1 - width / 1024)
    by_height = 1.05 * height / 1024 + 0.30 * max(0.0, 1 - height / 1024)
    scale = min(1.05, by_width, by_height)
    y = 0.48 * height if height <= 896 else 445 * scale + 0.3 * max(0.0, height - 975 * scale)
    steps = 2 if width > 1200 else 1 if width > 800 else 0
    return Framing(x=width / 2 + shift * steps * _STEP, y=y, scale=scale)
