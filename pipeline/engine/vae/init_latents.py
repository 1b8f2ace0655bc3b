"""Turns an init picture into the latents from which a request starts."""

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.start import InitLatents, first_step
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.engine.vae.init_picture import cover, nearest_exact
from pipeline.engine.vae.redraw import Redraw, redraw_of
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.request import ResolvedRequest
from pipeline.rework import Size, before_upscale

Floats = NDArray[np.float32]


class InitPictures:
    """Calls `open_encoder` for the first picture, and caches the last picture's latents, because
    the pictures of one job start from the same one. One thread owns it.
    """

    def __init__(self, folder: ModelFolder, open_encoder: Callable[[], VaeEncoder]) -> None:
        self._folder = folder
        self._open_encoder = open_encoder
        self._encoder: VaeEncoder | None = None
        self._last: tuple[bytes, Floats] | None = None

    def latents(
        self,
        request: ResolvedRequest,
        image: Image.Image | None,
        mask_image: Image.Image | None = None,
    ) -> InitLatents | None:
        """The initial latents of `request`; None if it starts from noise alone.

        An upscale takes the picture's latents to the larger size by `nearest-exact`, as the
        official demo does, unless the model wants the picture itself enlarged. Raises EngineError
        `init_image_missing`, `mask_missing`, `img2img_unavailable`.
        """
        if not request.init_picture:
            return None
        if image is None:
            raise EngineError("init_image_missing")
        redraw = redraw_of(
            request,
            image,
            mask_image,
            size_multiple=self._folder.size_multiple,
            vae_scale_factor=self._folder.vae_scale_factor,
        )
        if redraw is not None:
            return self._redrawn(request, redraw)
        base = self._base(request)
        latents = self._encode(cover(image, width=base.width, height=base.height))
        factor = self._folder.vae_scale_factor
        height, width = request.height // factor, request.width // factor
        if latents.shape[2:] != (height, width):
            latents = nearest_exact(latents, height=height, width=width)
        return InitLatents(latents=latents, first_step=_first_step(request))

    def _redrawn(self, request: ResolvedRequest, redraw: Redraw) -> InitLatents:
        """The same for a picture of which a part is redrawn."""
        latents = self._encode(redraw.image)
        _, _, height, width = latents.shape
        return InitLatents(
            latents=latents,
            first_step=_first_step(request),
            mask=redraw.latent_mask(height=height, width=width),
            paste=redraw.paste(),
            noise_alone=request.strength == 1,
        )

    def close(self) -> None:
        """Free the encoder. Idempotent."""
        self._encoder = self._last = None

    def _base(self, request: ResolvedRequest) -> Size:
        """The size at which the picture is encoded."""
        size = Size(width=request.width, height=request.height)
        if self._folder.upscale_pixels:
            return size
        return before_upscale(
            size,
            factor=request.upscale_factor,
            size_multiple=self._folder.size_multiple,
        )

    def _encode(self, image: Image.Image) -> Floats:
        key = hashlib.sha256(image.tobytes() + bytes(str(image.size), "ascii")).digest()
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        if self._encoder is None:
            self._encoder = self._open_encoder()
        latents = self._encoder.encode(image)
        self._last = (key, latents)
        return latents


def _first_step(request: ResolvedRequest) -> int:
    return first_step(num_inference_steps=request.num_inference_steps, strength=request.strength)
