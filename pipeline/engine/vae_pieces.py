"""Whether a picture goes through the VAE in one piece or in tiles.

In one piece where that fits: the result is the stock pipeline's then. Main memory is looked at
before, because a machine that runs out kills the process; a device says that it ran out. Tiles
differ from the whole by some levels of tone, for each is normalised by itself.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.tiles import Box, Tiling
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.model.memory import vae_activation_bytes
from pipeline.model.providers import CPU

Floats = NDArray[np.float32]

TILE_PIXELS: Final = (512, 256)
"""Sides of tiles to try, in pixels. Smaller ones would each have a tone of their own."""

_OVERLAP: Final = 0.25  # of a tile's side
_MIN_SIDE: Final = 4  # latent pixels, for VAEs of large factors
_USABLE: Final = 0.85  # of the free memory: estimates are rough, and others live here too


def tiling_for(folder: ModelFolder, *, width: int, height: int, free_bytes: int) -> Tiling | None:
    """None where `width` x `height` pixels fit into `free_bytes` in one piece, else the largest
    tiles that fit, or the smallest there are."""
    usable = free_bytes * _USABLE
    if vae_activation_bytes(folder, width=width, height=height) <= usable:
        return None
    fitting = (s for s in TILE_PIXELS if vae_activation_bytes(folder, width=s, height=s) <= usable)
    return _tiles(folder, next(fitting, TILE_PIXELS[-1]))


class Pieces:
    """Decides for one session of one model. `free_bytes` tells how much main memory is free."""

    def __init__(self, folder: ModelFolder, provider: str, free_bytes: Callable[[], int]) -> None:
        self._folder = folder
        self._on_device = provider != CPU
        self._free_bytes = free_bytes

    def run(
        self,
        whole: Callable[[], Floats],
        in_some: Callable[[Tiling], Floats],
        *,
        width: int,
        height: int,
    ) -> Floats:
        """`whole()`, or `in_some(tiling)` where that would not fit. Raises EngineError."""
        tiling = None
        if not self._on_device:
            free = self._free_bytes()
            tiling = tiling_for(self._folder, width=width, height=height, free_bytes=free)
        if tiling is not None:
            return in_some(tiling)
        try:
            return whole()
        except EngineError as error:
            if error.key != "out_of_memory":
                raise
        return in_some(_tiles(self._folder, TILE_PIXELS[0]))


def cut(values: Floats, box: Box, *, scale: int = 1) -> Floats:
    """The part of `values` (1, channels, height, width) in `box`, of `scale` values a unit."""
    rows = slice(box.top * scale, (box.top + box.height) * scale)
    columns = slice(box.left * scale, (box.left + box.width) * scale)
    return values[:, :, rows, columns]


def _tiles(folder: ModelFolder, pixels: int) -> Tiling:
    side = max(_MIN_SIDE, pixels // folder.vae_scale_factor)
    return Tiling(side=side, overlap=max(1, round(side * _OVERLAP)))
