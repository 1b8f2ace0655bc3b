"""Colours measured where they must be: hair, eyes and clothes, on a picture at an eighth of its
size.

Independent of any network: pixels at known places vote for the palette's nearest colour (CIE
L*a*b*).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.framing import Framing, framing
from training.demo.latents import SCALE
from training.demo.look import CLOTHES, EYES, HAIR

Colour = tuple[float, float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom; face-centred."""

_SKIN: Final[tuple[Colour, ...]] = ((255, 230, 212), (248, 208, 178), (240, 186, 168))
_OTHERS: Final[Mapping[str, tuple[Colour, ...]]] = {
    "hair": (*_SKIN, (58, 34, 50)),
    "eyes": (*_SKIN, (255, 255, 255), (58, 34, 50), (24, 12, 30)),
    "clothes": (),
}
_BOXES: Final[Mapping[str, tuple[Box, ...]]] = {
    "hair": ((-150, -130, 150, -85), (-242, -120, -205, -50), (205, -120, 242, -50)),
    "eyes": ((-148, 20, -64, 96), (64, 20, 148, 96)),
    "clothes": (
        *((-212, 440, -150, 530), (150, 440, 212, 530)),
        *((-345, 362, -285, 400), (285, 362, 345, 400)),  # what wide pictures show of them
    ),
}
_PALETTES: Final[Mapping[str, Mapping[str, Colour]]] = {
    "hair": HAIR,
    "eyes": EYES,
    "clothes": CLOTHES,
}
_CHEEKS: Final[Box] = (-120, 140, 120, 240)
_NOSE: Final[Box] = (-50, 80, 50, 150)
_NEAR: Final = 30.0
"""Largest distance (delta E, CIE 1976) at which a pixel still votes."""


def as_is(colour: Colour) -> Colour:
    """The tone of pictures without a style."""
    return colour


def measured(
    small: NDArray[np.uint8],
    *,
    width: int,
    height: int,
    tone: Callable[[Colour], Colour] = as_is,
    side: int = 0,
) -> dict[str, str]:
    """The palette names found for "hair", "eyes" and "clothes" ("?" where nothing is near).

    `small`: the picture of width x height at an eighth of its size, RGB. `tone`: what the picture's
    style makes of a colour. `side`: which of two figures is meant, -1 (left) or 1.
    """
    places = [framing(width, height, shift=step, side=side) for step in (0, -1, 1)]
    place = max(places, key=lambda each: _face_at(small, each, tone))
    found: dict[str, str] = {}
    for name, boxes in _BOXES.items():
        pixels = np.concatenate([_pixels(small, box, place) for box in boxes])
        if name == "eyes":  # lashes, pupils and the lid's shadow are dark in every eye
            lightness = lab(pixels)[:, 0]
            pixels = pixels[lightness >= np.quantile(lightness, 0.4)]
        palette = {key: tone(colour) for key, colour in _PALETTES[name].items()}
        found[name] = _vote(pixels, palette, [tone(colour) for colour in _OTHERS[name]])
    return found


def _face_at(small: NDArray[np.uint8], place: Framing, tone: Callable[[Colour], Colour]) -> float:
    """How much a face seems to be there: skin on cheeks and nose, less where the eyes are."""
    skin = np.array([tone(colour) for colour in _SKIN])
    cheeks, nose, eyes = (
        _near_share(np.concatenate([_pixels(small, box, place) for box in boxes]), skin)
        for boxes in ((_CHEEKS,), (_NOSE,), _BOXES["eyes"])
    )
    return cheeks + nose - eyes / 2  # closed eyes are skin, too


def _near_share(pixels: NDArray[np.float64], colours: NDArray[np.float64]) -> float:
    distances = np.linalg.norm(lab(pixels)[:, None] - lab(colours), axis=-1).min(1)
    return float((distances < _NEAR).mean())


def _pixels(small: NDArray[np.uint8], box: Box, place: Framing) -> NDArray[np.float64]:
    left, right = (round((place.x + place.scale * x) * SCALE) for x in (box[0], box[2]))
    top, bottom = (round((place.y + place.scale * y) * SCALE) for y in (box[1], box[3]))
    part = small[max(0, top) : max(bottom, top + 1), max(0, left) : max(right, left + 1)]
    return part.reshape(-1, 3).astype(np.float64)


def lab(colours: NDArray[np.generic]) -> NDArray[np.float64]:
    """From sRGB (0 to 255, last axis) to CIE L*a*b*, D65."""
    share = colours.astype(np.float64) / 255
    linear = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    matrix = np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    xyz = linear @ matrix / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def _vote(
    pixels: NDArray[np.float64], palette: Mapping[str, Colour], others: Sequence[Colour]
) -> str:
    names = list(palette)
    colours = lab(np.array([*palette.values(), *others]))
    distances = np.linalg.norm(lab(pixels)[:, None] - colours, axis=-1)
    nearest = distances.argmin(1)[distances.min(1) < _NEAR]
    votes = np.bincount(nearest, minlength=len(colours))[: len(names)]
    return names[int(votes.argmax())] if votes.any() else "?"
