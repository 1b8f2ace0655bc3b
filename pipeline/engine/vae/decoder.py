"""From latents to pixels, with exactly diffusers' arithmetic and rounding."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.vae.pieces import VaeHalf, cut
from pipeline.engine.vae.tiles import Box, Tiling, in_tiles
from pipeline.errors import EngineError

Floats = NDArray[np.float32]

_INPUT: Final = "latent_sample"
_OUTPUT: Final = "sample"


def _go_on() -> None:
    """The `between` of decoding that can't be stopped."""


class VaeDecoder(VaeHalf):
    """The decoder half of a model's VAE. `decode` may be called by several threads."""

    def decode(self, latents: Floats) -> Floats:
        """Pixels from -1 to 1 (beyond it too), (rows, 3, height, width), of latents
        (rows, latent_channels, height / factor, width / factor). Raises EngineError."""
        return self.run(self._scale.unscaled(latents))

    def run(self, latents: Floats) -> Floats:
        """The session's answer to latents as it takes them. Raises EngineError."""
        outputs = self._session.run({_INPUT: latents}, [_OUTPUT])
        return outputs[_OUTPUT].astype(np.float32, copy=False)

    def decode_in_tiles(
        self, latents: Floats, tiling: Tiling, *, between: Callable[[], None] = _go_on
    ) -> Floats:
        """The same for one row, tile by tile; `between` is called before each and may raise."""

        def run(box: Box) -> Floats:
            between()
            return self.decode(cut(latents, box))

        _, _, height, width = latents.shape
        return in_tiles(run, tiling, height=height, width=width, scale=self._factor)

    def picture(self, latents: Floats, *, between: Callable[[], None] = _go_on) -> Image.Image:
        """The RGB picture of one row, in tiles if memory is short (`between` as in `tiles`).

        Raises EngineError, also `picture_not_finite` if the model returns NaN (half precision does
        that when it overflows).
        """
        pixels = self.in_pieces(
            lambda: self.decode(latents),
            lambda tiling: self.decode_in_tiles(latents, tiling, between=between),
            width=latents.shape[3] * self._factor,
            height=latents.shape[2] * self._factor,
        )
        if not np.isfinite(pixels).all():
            raise EngineError("picture_not_finite")
        return to_image(pixels)


def to_image(pixels: Floats) -> Image.Image:
    """The first of `pixels` (rows, 3, height, width), -1 to 1, as 8-bit RGB."""
    unit = np.clip(pixels[0] * np.float32(0.5) + np.float32(0.5), 0, 1)
    levels = (unit.transpose(1, 2, 0) * np.float32(255)).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels))
