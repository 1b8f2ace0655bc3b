"""What is worn on the head. Face-centred coordinates, y down."""

import math

from training.demo.ink import OUTLINE, Colour, Ink, Path, dark, light, mirrored
from training.demo.look import Look

_GOLD: Colour = (252, 206, 58)


def draw_headwear(ink: Ink, look: Look, hair: Colour) -> None:
    """The look's headwear, if any."""
    if look.headwear == "animal ears":
        _animal_ears(ink, hair)
    elif look.headwear != "none":
        _ITEMS[look.headwear](ink, look.headwear_colour)


def _hat(ink: Ink, colour: Colour) -> None:
    crown: Path = ((-210, -215), (-214, -440, -60, -442), (60, -442), (214, -440, 210, -215))
    ink.shape(crown, colour)
    band: Path = ((-206, -276), (0, -320, 206, -276), (208, -214), (-208, -214))
    ink.shape(band, light(colour, 0.7), width=0)
    brim: Path = (
        (-404, -192), (-200, -276, 0, -276), (200, -276, 404, -192), (200, -150, 0, -150),
        (-200, -150, -404, -192),
    )  # fmt: skip
    ink.shape(brim, colour)


def _beanie(ink: Ink, colour: Colour) -> None:
    ink.shape(((-270, -150), (-282, -402, 0, -404), (282, -402, 270, -150)), colour)
    for index in range(-2, 3):
        ink.line(
            ((index * 84, -240), (index * 60, -330, index * 34, -386)), dark(colour, 0.3), OUTLINE
        )
    band: Path = (
        (-288, -196), (0, -296, 288, -196), (284, -104), (0, -206, -284, -104),
    )  # fmt: skip
    ink.shape(band, light(colour, 0.4))
    ink.oval(0, -416, 60, 52, (250, 250, 250), edge=(150, 150, 165), width=OUTLINE)


def _ribbon(ink: Ink, colour: Colour) -> None:
    with ink.placed(0, -318):
        loop: Path = ((0, 0), (90, -134, 196, -114), (228, 0, 196, 104), (90, 94, 0, 0))
        ink.both(loop, colour)
        fold: Path = ((46, -18), (116, -30))
        for path in (fold, mirrored(fold)):
            ink.line(path, dark(colour, 0.5), OUTLINE)
        ink.oval(0, 0, 44, 50, light(colour, 0.2), width=OUTLINE)


def _flower(ink: Ink, colour: Colour) -> None:
    x, y = -186, -186
    for turn in range(5):
        angle = turn * math.tau / 5 - 0.3
        petal = (x + 66 * math.cos(angle), y + 66 * math.sin(angle))
        ink.oval(*petal, 58, 58, colour, edge=dark(colour, 0.5), width=OUTLINE)
    ink.oval(x, y, 40, 40, (255, 216, 72), edge=(190, 120, 30), width=7)


def _crown(ink: Ink, colour: Colour) -> None:
    del colour
    points: Path = (
        (-172, -260), (-200, -424), (-96, -354), (0, -452), (96, -354), (200, -424), (172, -260),
        (0, -312, -172, -260),
    )  # fmt: skip
    ink.shape(points, _GOLD, edge=(160, 100, 20), width=9)
    for x, y, gem in (
        (0, -340, (226, 50, 70)),
        (-108, -318, (60, 130, 230)),
        (108, -318, (60, 190, 110)),
    ):
        ink.oval(x, y, 26, 28, gem, width=6)


def _headphones(ink: Ink, colour: Colour) -> None:
    band: Path = ((-280, 10), (-312, -384, 0, -388), (312, -384, 280, 10))
    ink.line(band, dark(colour, 0.6), 66)
    ink.line(band, colour, 46)
    for side in (-1, 1):
        cup = (side * 292 - 82, -70.0, side * 292 + 82, 170.0)
        ink.rounded(cup, 64, (62, 60, 76), width=0)
        ink.rounded(cup, 64, (30, 28, 40), width=OUTLINE)
        ink.oval(side * 292, 50, 50, 78, colour)


def _animal_ears(ink: Ink, hair: Colour) -> None:
    ink.both(((-240, -176), (-276, -444), (-252, -456), (-56, -304)), hair)
    inner: Path = ((-214, -232), (-240, -388), (-110, -294))
    for path in (inner, mirrored(inner)):
        ink.shape(path, (255, 170, 184), width=0)


_ITEMS = {
    "hat": _hat,
    "beanie": _beanie,
    "hair ribbon": _ribbon,
    "hair flower": _flower,
    "crown": _crown,
    "headphones": _headphones,
}
