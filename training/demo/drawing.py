"""One look becomes one picture: framing, and the order in which the parts cover each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.aspect import BUCKETS
from training.demo.backgrounds import draw_background
from training.demo.clothes import draw_body, draw_scarf
from training.demo.faces import draw_face, draw_glasses
from training.demo.hair import draw_back_hair, draw_fringe
from training.demo.headwear import draw_headwear
from training.demo.ink import Ink, canvas
from training.demo.look import HAIR, Look
from training.demo.placard import draw_placard

SIZES = tuple((bucket.width, bucket.height) for bucket in BUCKETS)
"""The nine sizes, (width, height)."""

_STEP = 64  # one latent pixel: shifts by whole ones cost the model nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """Where the middle of the face lies (pixels) and how large the doll is."""

    x: float
    y: float
    scale: float


def framing(width: int, height: int, *, shift: int = 0) -> Framing:
    """The place of the face in a picture. Tall pictures get larger heads than their width
    implies.
    """
    by_width = 1.05 * width / 1024 + 0.55 * max(0.0, 1 - width / 1024)
    by_height = 1.05 * height / 1024 + 0.30 * max(0.0, 1 - height / 1024)
    scale = min(1.05, by_width, by_height)
    y = 0.52 * height if height <= 896 else 445 * scale + 0.3 * max(0.0, height - 975 * scale)
    steps = 2 if width > 1200 else 1 if width > 800 else 0
    return Framing(x=width / 2 + shift * steps * _STEP, y=y, scale=scale)


def draw(ink: Ink, look: Look, *, width: int, height: int) -> None:
    """Draw `look` on the whole canvas."""
    draw_background(ink, look, width=width, height=height)
    place = framing(width, height, shift=look.shift)
    with ink.placed(place.x, place.y, scale=place.scale):
        if look.rating != "safe":
            draw_placard(ink, look.rating)
        else:
            _figure(ink, look)


def _figure(ink: Ink, look: Look) -> None:
    hair = HAIR[look.hair]
    with ink.placed(0, 240, turn=look.tilt), ink.placed(0, -240, flip=look.flip):
        draw_back_hair(ink, look, hair)
    with ink.placed(0, -45):
        draw_body(ink, look)
        if look.scarf:
            draw_scarf(ink, look)
    with ink.placed(0, 240, turn=look.tilt), ink.placed(0, -240):
        draw_face(ink, look, hair)
        with ink.placed(flip=look.flip):
            draw_fringe(ink, look, hair)
        if look.glasses:
            draw_glasses(ink)
        draw_headwear(ink, look, hair)


def render(look: Look, *, width: int, height: int, scale: float = 1.0) -> NDArray[np.uint8]:
    """The picture: (height * scale, width * scale, RGB) uint8."""
    with canvas(width, height, scale=scale) as (ink, pixels):
        draw(ink, look, width=width, height=height)
    return np.ascontiguousarray(pixels[..., :3])
