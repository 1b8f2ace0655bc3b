"""Previews of unfinished pictures: a linear map from predicted latents to colours.

The map is fitted to the model's own VAE by least squares: random smooth latents are decoded at a
small size once (about 3 s for SDXL's decoder on two cores, 0.1 s for a small one) and kept in the
model's folder, or in memory where that is read-only. This happens at the first preview, in the
thread that draws.
"""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.disk import replace_json
from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.vae.decoder import VaeDecoder, to_image
from pipeline.engine.vae.small import SmallDecoder
from pipeline.errors import EngineError

Floats = NDArray[np.float32]

FILE_NAME: Final = "ekaki_preview.json"
MAX_SIDE: Final = 512  # pixels of a preview's longer side
_DETAIL: Final = 8  # pixels of the full picture per preview pixel, on each side
_FIT_PIXELS: Final = 128  # side of the pictures decoded for fitting, where the VAE allows
_EQUATIONS: Final = 40  # latent pixels decoded for each unknown
_RIDGE: Final = 1e-3  # keeps uninformative channels at zero
_VERSION: Final = 1
_SMALL_SHARE: Final = 0.1  # of a step


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewMap:
    """`weights` (latent_channels + 1, 3 * patch * patch): a latent pixel becomes a small patch.

    The last row is the colour of zero. `patch` is 1 for SDXL (factor 8), 8 for factor 64.
    """

    weights: Floats
    patch: int

    def picture(self, latents: Floats) -> Image.Image:
        """The preview of latents (1, latent_channels, height, width), at most MAX_SIDE pixels."""
        _, channels, height, width = latents.shape
        points = latents.reshape(channels, -1).T
        colours = points @ self.weights[:-1] + self.weights[-1]
        patches = colours.reshape(height, width, 3, self.patch, self.patch)
        small = patches.transpose(2, 0, 3, 1, 4).reshape(
            1, 3, height * self.patch, width * self.patch
        )
        return _enlarge(to_image(small), factor=_DETAIL)

    @classmethod
    def fit(
        cls, decoder: VaeDecoder, *, latent_channels: int, vae_scale_factor: int
    ) -> "PreviewMap":
        """Fit by least squares on pairs from `decoder`. The same model gives the same map."""
        side = min(max(_FIT_PIXELS // vae_scale_factor, 8), 16)
        unknowns = latent_channels + 1
        count = 2 + _EQUATIONS * unknowns // side**2
        generator = TorchGenerator(0)
        patch = max(1, vae_scale_factor // _DETAIL)
        left = np.zeros((unknowns, unknowns))
        right = np.zeros((unknowns, 3 * patch * patch))
        for _ in range(count):  # one at a time: memory stays small
            latents = _smooth_latents(generator, latent_channels, side)
            points = latents.reshape(latent_channels, -1).T.astype(np.float64)
            points = np.hstack([points, np.ones((len(points), 1))])
            left += points.T @ points
            right += points.T @ _patches(decoder.decode(latents), side, patch)
        left += _RIDGE * len(left) * np.eye(unknowns)
        return cls(weights=np.linalg.solve(left, right).astype(np.float32), patch=patch)

    @classmethod
    def load(cls, path: Path, *, model_hash: str) -> "PreviewMap | None":
        """The map stored in `path` for the model `model_hash`; None if there is none."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if (kept["version"], kept["model"]) != (_VERSION, model_hash):
                return None
            return cls(weights=np.array(kept["weights"], np.float32), patch=int(kept["patch"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, path: Path, *, model_hash: str) -> None:
        """Store the map in `path`, if the folder can be written."""
        kept = {
            "version": _VERSION,
            "model": model_hash,
            "patch": self.patch,
            "weights": self.weights.tolist(),
        }
        with suppress(OSError):
            replace_json(path, kept)


class Previewer:
    """Previews of one model; its map is loaded or fitted for the first one.

    `small`: decodes them instead, as long as that takes at most a tenth of a step.
    """

    def __init__(
        self,
        decoder: VaeDecoder,
        *,
        latent_channels: int,
        vae_scale_factor: int,
        path: Path,
        model_hash: str,
        small: SmallDecoder | None = None,
    ) -> None:
        self._decoder: VaeDecoder | None = decoder
        self._small = small
        self._small_s = 0.0  # what its last preview took
        self._latent_channels = latent_channels
        self._vae_scale_factor = vae_scale_factor
        self._path = path
        self._model_hash = model_hash
        self._map: PreviewMap | None = None

    def picture(self, latents: Floats, *, step_s: float = 0.0) -> Image.Image | None:
        """The preview of predicted latents, after a step of `step_s`; None if they contain NaN or
        everything is closed."""
        if not np.isfinite(latents).all():
            return None
        if self._decoder is None:
            return None
        if self._small is not None and self._small_s <= _SMALL_SHARE * step_s:
            return self._decoded(self._small, latents)
        if self._map is None:
            self._map = self._prepare(self._decoder)
        return self._map.picture(latents)

    def close(self) -> None:
        """Free the decoders and end previews. Idempotent."""
        self._decoder = self._small = None

    def _decoded(self, small: SmallDecoder, latents: Floats) -> Image.Image | None:
        began = time.perf_counter()
        try:
            return small.preview(latents)
        except EngineError:  # memory ran out: a preview is not worth the picture
            self._small = None
            return None
        finally:
            self._small_s = time.perf_counter() - began

    def _prepare(self, decoder: VaeDecoder) -> PreviewMap:
        kept = PreviewMap.load(self._path, model_hash=self._model_hash)
        if kept is not None:
            return kept
        fitted = PreviewMap.fit(
            decoder,
            latent_channels=self._latent_channels,
            vae_scale_factor=self._vae_scale_factor,
        )
        fitted.save(self._path, model_hash=self._model_hash)
        return fitted


def _smooth_latents(generator: TorchGenerator, channels: int, side: int) -> Floats:
    """Latents of about unit variance (as after scaling): a tint, soft shapes and some grain."""
    tint = generator.randn(channels, 1, 1)
    coarse = generator.randn(channels, side // 4, side // 4)
    forms = coarse.repeat(4, axis=1).repeat(4, axis=2)
    grain = generator.randn(channels, 4 * (side // 4), 4 * (side // 4))
    mixed = 0.7 * tint + 0.6 * forms + 0.3 * grain
    return mixed[np.newaxis].astype(np.float32)


def _patches(pixels: Floats, side: int, patch: int) -> NDArray[np.float64]:
    """Pixels (1, 3, h, w) averaged to `patch` a latent pixel, (side * side, 3 * patch * patch)."""
    block = pixels.shape[-1] // (side * patch)
    small = pixels[0].reshape(3, side, patch, block, side, patch, block).mean(axis=(3, 6))
    unit = np.clip(small, -1, 1).transpose(1, 3, 0, 2, 4)
    return unit.reshape(side * side, 3 * patch * patch).astype(np.float64)


def _enlarge(image: Image.Image, *, factor: int) -> Image.Image:
    """Up to the full picture's size, but no side beyond MAX_SIDE."""
    scale = min(float(factor), MAX_SIDE / max(image.width, image.height))
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize((width, height), Image.Resampling.BICUBIC)
