"""Converts between a VAE's latents and those of about unit variance for the UNet."""

import numpy as np
from numpy.typing import NDArray

from pipeline.model.folder import ModelFolder

Floats = NDArray[np.float32]


class LatentScale:
    """The factors of one model, applied with diffusers' arithmetic."""

    def __init__(self, folder: ModelFolder) -> None:
        self._scaling_factor = np.float32(folder.scaling_factor)
        self._shift_factor = np.float32(folder.shift_factor)
        self._mean = _per_channel(folder.latents_mean)
        self._std = _per_channel(folder.latents_std)

    def unscaled(self, latents: Floats) -> Floats:
        """Latents for the decoder."""
        if self._mean is not None and self._std is not None:
            return latents * self._std / self._scaling_factor + self._mean
        unscaled = latents / self._scaling_factor
        return unscaled + self._shift_factor if self._shift_factor else unscaled

    def scaled(self, latents: Floats) -> Floats:
        """The encoder's latents for the UNet."""
        if self._mean is not None and self._std is not None:
            return (latents - self._mean) * self._scaling_factor / self._std
        shifted = latents - self._shift_factor if self._shift_factor else latents
        return self._scaling_factor * shifted


def _per_channel(values: tuple[float, ...] | None) -> Floats | None:
    return None if values is None else np.array(values, np.float32).reshape(1, -1, 1, 1)
