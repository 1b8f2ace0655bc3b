"""One look becomes one picture: framing, and the order in which the parts cover each other."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.demo.backgrounds import draw_background
from training.demo.clothes import draw_body, draw_scarf
from training.demo.faces import draw_face, draw_glasses
from training.demo.framing import framing
from training.demo.hair import draw_back_hair, draw_fringe
from training.demo.headwear import draw_headwear
from training.demo.ink import Ink, Palette, Plain, canvas
from training.demo.look import HAIR, Look
from training.demo.pairs import Pair
from training.demo.placard import draw_placard


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a drawing is coloured and outlined: the place, and the figure in it."""

    place: Palette = field(default_factory=Plain)
    figure: Palette = field(default_factory=Plain)


def draw(ink: Ink, look: Look, *, width: int, height: int, style: Style) -> None:
    """Draw `look` on the whole canvas."""
    ink.palette = style.place
    draw_background(ink, look, width=width, height=height)
    ink.palette = style.figure
    place = framing(width, height, shift=look.shift)
    with ink.placed(place.x, place.y, scale=place.scale):
        if look.rating != "safe":
            draw_placard(ink, look.rating)
        else:
            _figure(ink, look)


def draw_pair(ink: Ink, pair: Pair, *, width: int, height: int, style: Style) -> None:
    """Draw both figures at the place of the left one."""
    ink.palette = style.place
    draw_background(ink, pair.left, width=width, height=height)
    ink.palette = style.figure
    for side, look in ((-1, pair.left), (1, pair.right)):
        place = framing(width, height, side=side)
        with ink.placed(place.x, place.y, scale=place.scale):
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


def render(
    look: Look, *, width: int, height: int, scale: float = 1.0, style: Style | None = None
) -> NDArray[np.uint8]:
    """The picture: (height * scale, width * scale, RGB) uint8."""
    with canvas(width, height, scale=scale) as (ink, pixels):
        draw(ink, look, width=width, height=height, style=style or Style())
    return np.ascontiguousarray(pixels[..., :3])


def render_pair(
    pair: Pair, *, width: int, height: int, scale: float = 1.0, style: Style | None = None
) -> NDArray[np.uint8]:
    """The picture of two figures: (height * scale, width * scale, RGB) uint8."""
    with canvas(width, height, scale=scale) as (ink, pixels):
        draw_pair(ink, pair, width=width, height=height, style=style or Style())
    return np.ascontiguousarray(pixels[..., :3])
