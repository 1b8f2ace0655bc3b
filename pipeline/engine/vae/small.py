"""The small decoder (TAESD): nearly the VAE's picture in a twentieth of the operations.

Drafts are decoded with it where a model's folder has one, and previews.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.vae.decoder import VaeDecoder, to_image

Floats = NDArray[np.float32]

NAME: Final = "small decoder"
"""What a picture's record says of it."""

_CHANNELS: Final = 64  # of its layers, at full size too
_BUFFERS: Final = 4  # of that size at once
_FLOAT_BYTES: Final = 4
_PREVIEW_SIDE: Final = 512  # pixels


class SmallDecoder(VaeDecoder):
    """Over the session of a small decoder. It takes latents as the UNet has them."""

    def decode(self, latents: Floats) -> Floats:
        """See `VaeDecoder.decode`."""
        return self.run(latents)

    def activation_bytes(self, *, width: int, height: int) -> int:
        """See `VaeHalf`."""
        return _FLOAT_BYTES * _CHANNELS * _BUFFERS * width * height

    def preview(self, latents: Floats) -> Image.Image | None:
        """The picture of one row, at most 512 pixels wide and high; None if there is NaN in it.

        Latents of larger pictures are averaged first: nobody sees more of a preview, and it takes a
        fourth of the time.
        """
        _, _, height, width = latents.shape
        step = -(-max(height, width) * self._factor // _PREVIEW_SIDE)
        pixels = self.decode(_averaged(latents, max(1, step)))
        return to_image(pixels) if np.isfinite(pixels).all() else None


def _averaged(latents: Floats, step: int) -> Floats:
    """Means over squares of `step` x `step`; what is left over at the edges is dropped."""
    rows, channels, height, width = latents.shape
    tall, wide = height // step, width // step
    squares = latents[:, :, : tall * step, : wide * step].reshape(
        rows, channels, tall, step, wide, step
    )
    return np.ascontiguousarray(squares.mean(axis=(3, 5), dtype=np.float32))
