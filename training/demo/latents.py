"""Latents: 16 numbers for 64 x 64 pixels, by a linear encoder that is solved, not trained.

The picture at an eighth of its size is cut into patches of 8 x 8; their first principal components,
scaled, are the latent. Patches of faces weigh more in the fit, so that mouths and eyes survive it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHANNELS = 16
CELL = 64  # pixels of the full picture a latent pixel covers
PATCH = 8  # pixels of the small picture a latent pixel covers
SCALE = PATCH / CELL

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def patches_of(small: Pixels) -> Floats:
    """Small picture (8 rows, 8 columns, RGB) to (rows, columns, 192), -1 to 1, order y, x,
    colour.
    """
    height, width, _ = small.shape
    rows, columns = height // PATCH, width // PATCH
    cells = (small.astype(np.float32) / 127.5 - 1).reshape(rows, PATCH, columns, PATCH, 3)
    return cells.transpose(0, 2, 1, 3, 4).reshape(rows, columns, PATCH * PATCH * 3)


def picture_of(patches: Floats) -> Pixels:
    """The inverse of `patches_of`, clipped."""
    rows, columns, _ = patches.shape
    cells = patches.reshape(rows, columns, PATCH, PATCH, 3).transpose(0, 2, 1, 3, 4)
    pixels = (cells.reshape(rows * PATCH, columns * PATCH, 3) + 1) * 127.5
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def shrunk(picture: Pixels, factor: int) -> Pixels:
    """The picture at 1/factor of its size, by averages."""
    height, width, _ = picture.shape
    cells = picture.reshape(height // factor, factor, width // factor, factor, 3)
    averages: Floats = cells.astype(np.float32).mean((1, 3), dtype=np.float32)
    return np.round(averages).astype(np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearEncoder:
    """latent = (patch - mean) @ encode; patch = latent @ decode + mean."""

    mean: Floats  # (192,)
    encode: Floats  # (192, CHANNELS)
    decode: Floats  # (CHANNELS, 192)

    def latents(self, small: Pixels) -> Floats:
        """Small picture to (CHANNELS, rows, columns)."""
        latents = (patches_of(small) - self.mean) @ self.encode
        return np.moveaxis(latents, -1, 0).astype(np.float32)

    def preview(self, latents: Floats) -> Pixels:
        """(CHANNELS, rows, columns) to the small picture."""
        return picture_of(
            (np.moveaxis(latents, 0, -1) @ self.decode + self.mean).astype(np.float32)
        )

    def save(self, path: Path) -> None:
        np.savez(path, mean=self.mean, encode=self.encode, decode=self.decode)

    @classmethod
    def load(cls, path: Path) -> "LinearEncoder":
        with np.load(path) as kept:
            return cls(mean=kept["mean"], encode=kept["encode"], decode=kept["decode"])


def fit(patches: Floats, weights: Floats) -> tuple[LinearEncoder, float]:
    """The encoder of these patches (count, 192) and the share of their variance that it keeps.

    The spectrum is softened (power 0.4) and scaled to a mean variance of one: equal variances would
    make the UNet spend itself on the least visible components.
    """
    mean = np.average(patches, axis=0, weights=weights)
    centred = patches - mean
    covariance = (centred * weights[:, None]).T @ centred / weights.sum()
    values, vectors = np.linalg.eigh(covariance.astype(np.float64))
    values, vectors = values[::-1][:CHANNELS], vectors[:, ::-1][:, :CHANNELS]
    kept = float(values.sum() / np.trace(covariance))
    spread = values**0.5
    target = spread**0.4
    target /= np.mean(target**2) ** 0.5
    encoder = LinearEncoder(
        mean=mean.astype(np.float32),
        encode=(vectors * (target / spread)).astype(np.float32),
        decode=(vectors * (spread / target)).T.astype(np.float32),
    )
    return encoder, kept
