"""Processes a picture in overlapping tiles, blended without visible seams. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """Square tiles of `side` latent pixels, sharing at least `overlap` with each neighbour."""

    side: int
    overlap: int

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.side:
            raise ValueError("an overlap is smaller than the tile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The position of a tile, in latent pixels."""

    top: int
    left: int
    height: int
    width: int


def boxes(tiling: Tiling, *, height: int, width: int) -> list[Box]:
    """Tiles that cover `height` x `width` latent pixels, row by row, all the same size."""
    tile_height, tile_width = min(tiling.side, height), min(tiling.side, width)
    return [
        Box(top=top, left=left, height=tile_height, width=tile_width)
        for top in _starts(height, tile_height, tiling.overlap)
        for left in _starts(width, tile_width, tiling.overlap)
    ]


def in_tiles(
    run: Callable[[Box], Floats], tiling: Tiling, *, height: int, width: int, scale: int
) -> Floats:
    """The results of `run` for each tile, (1, channels, box height * scale, box width * scale),
    joined to one array (1, channels, height * scale, width * scale).

    Where tiles overlap one fades into the other, linearly over the whole overlap.
    """
    total: Floats | None = None
    weights = np.zeros((height * scale, width * scale), np.float32)
    for box in boxes(tiling, height=height, width=width):
        part = run(box)
        weight = _weight(box, tiling, height=height, width=width, scale=scale)
        place = (
            slice(box.top * scale, (box.top + box.height) * scale),
            slice(box.left * scale, (box.left + box.width) * scale),
        )
        if total is None:
            total = np.zeros((1, part.shape[1], height * scale, width * scale), np.float32)
        total[:, :, place[0], place[1]] += part * weight
        weights[place] += weight
    assert total is not None, "a picture has at least one tile"
    return total / weights


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Evenly spread, from 0 to `length - tile`."""
    if tile >= length:
        return [0]
    steps = -(-(length - tile) // max(1, tile - overlap))
    return [round(index * (length - tile) / steps) for index in range(steps + 1)]


def _weight(box: Box, tiling: Tiling, *, height: int, width: int, scale: int) -> Floats:
    """1 inside, falling towards each side that has a neighbour; (box height, box width) * scale."""
    vertical = _ramp(box.top, box.height, height, tiling.overlap, scale)
    horizontal = _ramp(box.left, box.width, width, tiling.overlap, scale)
    return np.outer(vertical, horizontal)


def _ramp(start: int, size: int, length: int, overlap: int, scale: int) -> Floats:
    fade = max(1, overlap * scale)
    rising = (np.arange(size * scale, dtype=np.float32) + np.float32(0.5)) / np.float32(fade)
    rising = np.minimum(rising, np.float32(1))
    values = np.ones(size * scale, np.float32)
    if start > 0:
        values = values * rising
    if start + size < length:
        values = values * rising[::-1]
    return values
