"""What low quality looks like: blocks, blotches and a little blur, on the small picture.

All of it keeps the tint and the mean: what the negative prompt names is pushed away from, and a
yellowish degradation would turn pictures blue.
"""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray


def degrade(small: NDArray[np.uint8], rng: random.Random) -> NDArray[np.uint8]:
    """A worse copy of a small picture (1/8 scale, RGB)."""
    height, width, _ = small.shape
    picture: NDArray[Any] = small.astype(np.float32)
    noise = np.random.default_rng(rng.getrandbits(32))
    if rng.random() < 0.6:
        blocks = picture.reshape(height // 4, 4, width // 4, 4, 3).mean((1, 3))
        picture += (_enlarged(blocks, 4) - picture) * rng.uniform(0.3, 0.6)
    if rng.random() < 0.4:
        edged = np.pad(picture, ((1, 1), (1, 1), (0, 0)), "edge")
        around = edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:]
        picture = (around + 2 * picture) / 6
    coarse = _enlarged(noise.standard_normal((height // 4, width // 4, 1)), 4)
    fine = _enlarged(noise.standard_normal((height // 2, width // 2, 1)), 2)
    grain = 0.7 * (coarse + fine)
    picture += rng.uniform(8, 22) * (grain - grain.mean())
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _enlarged(cells: NDArray[Any], factor: int) -> NDArray[Any]:
    return cells.repeat(factor, 0).repeat(factor, 1)
