"""Whether a picture goes through the VAE in one piece or in tiles.

In one piece if that fits, which gives the stock pipeline's result. Main memory is checked first,
because a machine that runs out may kill the process; a device reports that it ran out, and so does
a machine with a limit. Tiles differ from the whole by some levels of tone, because each is
normalised separately.
"""

import logging
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.vae.scale import LatentScale
from pipeline.engine.vae.tiles import Box, Tiling
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.plan.memory import available_bytes, vae_activation_bytes
from pipeline.runtime.ports import Session
from pipeline.runtime.providers import CPU

Floats = NDArray[np.float32]

TILE_PIXELS: Final = (512, 256)
"""Sides of tiles to try, in pixels. Smaller ones would visibly differ in tone."""

_OVERLAP: Final = 0.25  # of a tile's side
_MIN_SIDE: Final = 4  # latent pixels, for VAEs of large factors
_USABLE: Final = 0.85  # of the free memory: estimates are rough, and other programs need memory too

_log = logging.getLogger(__name__)


class VaeHalf:
    """Encoder or decoder: one session of one model, and the sizes that were too large for it.

    `free_bytes` returns the free main memory. `tiled`: the device is known to have room only for
    tiles.
    """

    def __init__(
        self,
        folder: ModelFolder,
        session: Session,
        *,
        free_bytes: Callable[[], int] = available_bytes,
        tiled: bool = False,
    ) -> None:
        self._session = session
        self._factor = folder.vae_scale_factor
        self._scale = LatentScale(folder)
        self._folder = folder
        self._free_bytes = free_bytes
        self._least = 1 if tiled else 0  # 0: the whole picture, then TILE_PIXELS

    def in_pieces(
        self,
        whole: Callable[[], Floats],
        in_some: Callable[[Tiling], Floats],
        *,
        width: int,
        height: int,
    ) -> Floats:
        """`whole()`, or `in_some(tiling)` if that does not fit or has not fitted before: then the
        next smaller size is tried, and used first from then on. Raises EngineError."""
        way = self._least
        if self._session.provider == CPU:
            sizes = [(width, height), *((side, side) for side in TILE_PIXELS)]
            way = max(way, self._fitting(sizes, self._free_bytes()))
        while True:
            tiling = _tiling(self._folder, way)
            try:
                return whole() if tiling is None else in_some(tiling)
            except EngineError as error:
                if error.key != "out_of_memory" or way == len(TILE_PIXELS):
                    raise
            way += 1
            self._least = max(self._least, way)
            side = TILE_PIXELS[way - 1]
            _log.warning("Memory ran out in the VAE: tiles of %d pixels from now on", side)

    def activation_bytes(self, *, width: int, height: int) -> int:
        """The maximum of main memory that `width` x `height` pixels in one piece need besides the
        weights."""
        return vae_activation_bytes(self._folder, width=width, height=height)

    def _fitting(self, sizes: list[tuple[int, int]], free_bytes: int) -> int:
        """Which of `sizes` (width, height) is the first that fits; the last if none does."""
        usable = free_bytes * _USABLE
        for way, (width, height) in enumerate(sizes):
            if self.activation_bytes(width=width, height=height) <= usable:
                return way
        return len(sizes) - 1


def cut(values: Floats, box: Box, *, scale: int = 1) -> Floats:
    """The part of `values` (1, channels, height, width) in `box`, of `scale` values a unit."""
    rows = slice(box.top * scale, (box.top + box.height) * scale)
    columns = slice(box.left * scale, (box.left + box.width) * scale)
    return values[:, :, rows, columns]


def _tiling(folder: ModelFolder, way: int) -> Tiling | None:
    """The tiling of attempt `way`; None for the first, the whole picture."""
    if way == 0:
        return None
    side = max(_MIN_SIDE, TILE_PIXELS[way - 1] // folder.vae_scale_factor)
    return Tiling(side=side, overlap=max(1, round(side * _OVERLAP)))
