"""From latents to pixels, with exactly diffusers' arithmetic and rounding."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.model.sessions import Session

Floats = NDArray[np.float32]

_INPUT: Final = "latent_sample"
_OUTPUT: Final = "sample"


class VaeDecoder:
    """The decoder half of a model's VAE. `decode` may be called by several threads."""

    def __init__(self, folder: ModelFolder, session: Session) -> None:
        self._session = session
        self._scaling_factor = np.float32(folder.scaling_factor)
        self._shift_factor = np.float32(folder.shift_factor)
        self._mean = _per_channel(folder.latents_mean)
        self._std = _per_channel(folder.latents_std)

    def decode(self, latents: Floats) -> Floats:
        """Pixels from -1 to 1 (beyond it too), (rows, 3, height, width), of latents
        (rows, latent_channels, height / factor, width / factor). Raises EngineError."""
        outputs = self._session.run({_INPUT: self._unscaled(latents)}, [_OUTPUT])
        return outputs[_OUTPUT].astype(np.float32, copy=False)

    def picture(self, latents: Floats) -> Image.Image:
        """The RGB picture of one row. Raises EngineError `picture_not_finite` where the model gave
        no numbers (half precision does that when it overflows)."""
        pixels = self.decode(latents)
        if not np.isfinite(pixels).all():
            raise EngineError("picture_not_finite")
        return to_image(pixels)

    def _unscaled(self, latents: Floats) -> Floats:
        if self._mean is not None and self._std is not None:
            return latents * self._std / self._scaling_factor + self._mean
        unscaled = latents / self._scaling_factor
        return unscaled + self._shift_factor if self._shift_factor else unscaled


def to_image(pixels: Floats) -> Image.Image:
    """The first of `pixels` (rows, 3, height, width), -1 to 1, as 8-bit RGB."""
    unit = np.clip(pixels[0] * np.float32(0.5) + np.float32(0.5), 0, 1)
    levels = (unit.transpose(1, 2, 0) * np.float32(255)).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels))


def _per_channel(values: tuple[float, ...] | None) -> Floats | None:
    return None if values is None else np.array(values, np.float32).reshape(1, -1, 1, 1)
