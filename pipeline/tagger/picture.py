"""A picture as the WD v3 taggers take it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE: Final = (255, 255, 255)


def as_input(image: Image.Image, side: int) -> NDArray[np.float32]:
    """(1, side, side, 3) float32, BGR, 0 to 255: laid on white, padded with white to a square,
    then made `side` pixels wide by bicubic interpolation. Costs milliseconds: call it in a thread.
    """
    opaque = _on_white(image)
    longest = max(opaque.size)
    square = Image.new("RGB", (longest, longest), _WHITE)
    square.paste(opaque, ((longest - opaque.width) // 2, (longest - opaque.height) // 2))
    if longest != side:
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    rgb = np.asarray(square, dtype=np.float32)
    return np.ascontiguousarray(rgb[np.newaxis, :, :, ::-1])


def _on_white(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    above = image.convert("RGBA")
    below = Image.new("RGBA", above.size, (*_WHITE, 255))
    return Image.alpha_composite(below, above).convert("RGB")
