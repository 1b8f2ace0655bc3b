"""From a picture to latents, deterministically."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.vae.init_picture import to_pixels
from pipeline.engine.vae.pieces import VaeHalf, cut
from pipeline.engine.vae.tiles import Box, Tiling, in_tiles
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.onnx.encoder_mean import SAMPLED, with_mean_output
from pipeline.runtime.ports import Session
from pipeline.runtime.sessions import SessionFactory

Floats = NDArray[np.float32]

_INPUT: Final = "sample"


class VaeEncoder(VaeHalf):
    """The encoder half of a model's VAE. It returns the mean of the latent distribution: sampling
    would add invisible randomness, and graphs that sample don't follow our seeds.

    `session` gives mean and log variance joined, or the mean alone.
    """

    @classmethod
    def open(
        cls, folder: ModelFolder, factory: SessionFactory, *, tiled: bool = False
    ) -> "VaeEncoder":
        """Load the encoder of `folder`; a graph that samples is cut at the mean. `tiled`: see
        `VaeHalf`.

        Raises EngineError `img2img_unavailable` if the model has none, ModelError as sessions.
        """
        if not folder.has("vae_encoder"):
            raise EngineError("img2img_unavailable")
        session = factory.open(folder, "vae_encoder")
        return cls.over(folder, factory, session, tiled=tiled)

    @classmethod
    def over(
        cls,
        folder: ModelFolder,
        factory: SessionFactory,
        session: Session,
        *,
        tiled: bool = False,
    ) -> "VaeEncoder":
        """The same over a session of the folder's graph, which is used unless the graph samples."""
        if SAMPLED in session.outputs:
            graph = with_mean_output(folder.onnx_file("vae_encoder"))
            if graph is not None:
                session = factory.open_graph(graph, folder, "vae_encoder")
        return cls(folder, session, tiled=tiled)

    def encode(self, image: Image.Image) -> Floats:
        """Latents for the UNet, (1, latent_channels, height / factor, width / factor), of an RGB
        picture whose sides are multiples of the factor. Raises EngineError."""
        pixels = to_pixels(image)
        mean = self.in_pieces(
            lambda: self._mean(pixels),
            lambda tiling: self._mean_in_tiles(pixels, tiling),
            width=image.width,
            height=image.height,
        )
        if not np.isfinite(mean).all():
            raise EngineError("picture_not_finite")
        return self._scale.scaled(mean)

    def _mean_in_tiles(self, pixels: Floats, tiling: Tiling) -> Floats:
        def run(box: Box) -> Floats:
            return self._mean(cut(pixels, box, scale=self._factor))

        _, _, height, width = pixels.shape
        return in_tiles(
            run, tiling, height=height // self._factor, width=width // self._factor, scale=1
        )

    def _mean(self, pixels: Floats) -> Floats:
        output = next(iter(self._session.outputs))
        outputs = self._session.run({_INPUT: pixels}, [output])
        return outputs[output][:, : self._folder.latent_channels].astype(np.float32, copy=False)
