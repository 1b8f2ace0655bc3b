"""Converts any picture to RGB."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHITE: Final = (255, 255, 255, 255)
BLACK: Final = (0, 0, 0, 255)
_MAX_16_BIT: Final = 65535.0


def opaque(image: Image.Image, ground: tuple[int, int, int, int] = WHITE) -> Image.Image:
    """`image` as RGB, with transparency on `ground`.

    Grey of 16 bits or of floating point is scaled: Pillow would cut it off at 255, which makes it
    white. Costs milliseconds a megapixel: call it in a thread.
    """
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    image = _eight_bit(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    below = Image.new("RGBA", layered.size, ground)
    return Image.alpha_composite(below, layered).convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """`image` with bands of 8 bits, and the transparent colour that a PNG of 16 bits names."""
    key: object = image.info.get("transparency")
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image, np.float32)
        scaled = Image.fromarray(_grey(values, mode=image.mode))
        if isinstance(key, int):
            scaled.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
        return scaled
    if image.mode == "RGB" and isinstance(key, tuple):
        colour = [int(each) for each in key]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if max(colour, default=0) > 255:  # Pillow reads the pixels as 8 bits and leaves this
            image = image.copy()
            image.info["transparency"] = tuple(each >> 8 for each in colour)
    return image


def _grey(values: NDArray[np.float32], *, mode: str) -> NDArray[np.uint8]:
    """Grey as 8 bits. Only `I;16` has a known range; for others the highest value decides."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    highest = float(values.max(initial=0.0))
    full = _MAX_16_BIT
    if mode == "F" and highest <= 1:
        full = 1.0
    elif not mode.startswith("I;"):
        full = 255.0 if highest <= 255 else max(highest, _MAX_16_BIT)
    return np.rint(np.clip(values, 0, full) * (255.0 / full)).astype(np.uint8)
