"""The share of each region in the prediction of each latent pixel."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.regions import Region, are_stacked

_BLEND = 1 / 8
"""The part of the picture's length over which neighbours change into each other."""


def region_shares(regions: tuple[Region, ...], *, height: int, width: int) -> NDArray[np.float32]:
    """(regions, 1, height, width) in latent pixels, from 0 to 1; the sum over regions is 1.

    The regions have equal parts of the picture; a share falls in a straight line around a border.
    """
    stacked = are_stacked(regions)
    length = height if stacked else width
    at = (np.arange(length, dtype=np.float64) + 0.5) / length
    borders = np.arange(1, len(regions)) / len(regions)
    beyond = [np.clip((at - border) / _BLEND + 0.5, 0.0, 1.0) for border in borders]
    reached = [np.ones(length), *beyond, np.zeros(length)]
    along = np.array([now - later for now, later in pairwise(reached)])
    shaped = along[:, None, :, None] if stacked else along[:, None, None, :]
    return np.broadcast_to(shaped, (len(regions), 1, height, width)).astype(np.float32)
