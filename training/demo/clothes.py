"""What is worn below the head: six kinds of clothing and the scarf. Face-centred, y down."""

import math

from training.demo.faces import skin_of
from training.demo.ink import OUTLINE, Colour, Ink, Path, box, dark, light, mirrored, mix
from training.demo.look import CLOTHES, Look

_BOTTOM = 1900.0  # below any canvas
_NECKLINE: Colour = (150, 80, 80)
_PAPER: Colour = (252, 250, 246)


def draw_body(ink: Ink, look: Look) -> None:
    """Neck, torso and collar."""
    colour, kind, skin = CLOTHES[look.clothes], look.kind, skin_of(look)
    if kind == "hoodie":
        hood: Path = ((-236, 404), (-300, 196, -150, 166), (150, 166), (300, 196, 236, 404))
        ink.shape(hood, dark(colour, 0.24))
    neck: Path = ((-62, 150), (-66, 334), (66, 334), (62, 150))
    ink.shape(neck, mix(skin, (226, 140, 120), 0.45), edge=_NECKLINE)
    wide = 44 if look.sex == "1boy" else 0
    torso: Path = (
        (-78, 318), (-200, 350, -300 - wide, 390), (-392 - wide, 430, -420 - wide, 640),
        (-440 - wide, _BOTTOM), (440 + wide, _BOTTOM), (420 + wide, 640),
        (392 + wide, 430, 300 + wide, 390), (200, 350, 78, 318), (0, 370, -78, 318),
    )  # fmt: skip
    ink.shape(torso, colour)
    for side in (-1, 1):
        arm: Path = ((side * (280 + wide), 560), (side * (266 + wide), 920))
        ink.line(arm, dark(colour, 0.5), OUTLINE)
    with ink.inside(torso):
        _PATTERNS[kind](ink, look, colour)
    _COLLARS[kind](ink, look, colour)


def draw_scarf(ink: Ink, look: Look) -> None:
    """A scarf, one end hanging."""
    colour = look.scarf_colour
    ink.shape(((60, 330), (156, 340), (196, 600), (90, 620)), dark(colour, 0.14))
    for index in range(4):
        x = 98 + 27 * index
        ink.line(((x, 606), (x + 2, 642)), dark(colour, 0.24), 13)
    around: Path = (
        (-184, 238), (0, 300, 184, 238), (232, 330, 172, 374), (0, 434, -172, 374),
        (-232, 330, -184, 238),
    )  # fmt: skip
    ink.shape(around, colour)
    ink.line(((-152, 322), (0, 384, 152, 318)), dark(colour, 0.38), OUTLINE)


def _ribs(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    for index in range(-6, 7):
        ink.line(((index * 64, 380), (index * 64, _BOTTOM)), dark(colour, 0.3), OUTLINE, alpha=0.8)


def _buttons(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    ink.line(((0, 340), (0, _BOTTOM)), dark(colour, 0.45), OUTLINE)
    for y in range(446, int(_BOTTOM), 116):
        ink.oval(0, y, 17, 17, light(colour, 0.75), edge=dark(colour, 0.5), width=6)


def _pocket(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    ink.shape(((-150, 760), (150, 760), (200, 960), (-200, 960)), dark(colour, 0.12))
    for side in (-1, 1):
        ink.line(((side * 62, 390), (side * 70, 550)), (255, 255, 255), 19)


def _flowers(ink: Ink, look: Look, colour: Colour) -> None:
    petal = light(colour, 0.72)
    for index, across in enumerate((300, -230, 190, -330, 260, -170) * 3):
        y = 440 + index * 66
        for turn in range(5):
            angle = turn * math.tau / 5
            ink.oval(across + 24 * math.cos(angle), y + 24 * math.sin(angle), 17, 17, petal)
    ink.shape(box(-520, 700, 1040, 160), look.accent)


def _vest(ink: Ink, look: Look, colour: Colour) -> None:
    del look, colour
    ink.shape(
        ((-82, 300), (-112, _BOTTOM), (112, _BOTTOM), (82, 300)), _PAPER, edge=(150, 150, 165)
    )


def _plain(ink: Ink, look: Look, colour: Colour) -> None:
    del ink, look, colour


def _turtleneck(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    band: Path = ((-106, 266), (0, 300, 106, 266), (124, 350), (0, 404, -124, 350))
    ink.shape(band, light(colour, 0.14))


def _shirt_collar(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    ink.both(((0, 354), (-86, 288), (-154, 340), (-98, 436)), light(colour, 0.45))


def _hood_edge(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    edge: Path = ((0, 396), (-60, 300), (-174, 260), (-242, 354), (-112, 406))
    ink.both(edge, dark(colour, 0.13))


def _sailor_collar(ink: Ink, look: Look, colour: Colour) -> None:
    ink.shape(((-60, 312), (0, 424), (60, 312)), skin_of(look), edge=_NECKLINE)
    flap: Path = ((0, 474), (-66, 302), (-194, 330), (-254, 412), (-152, 474))
    ink.both(flap, light(colour, 0.35) if look.clothes == "black" else dark(colour, 0.48))
    stripe: Path = ((-24, 454), (-142, 446), (-218, 404))
    for path in (stripe, mirrored(stripe)):
        ink.line(path, (255, 255, 255), 13)
    ink.both(((0, 480), (-96, 436), (-104, 546)), look.accent)
    ink.both(((0, 492), (-62, 626), (-14, 606)), look.accent)
    ink.oval(0, 486, 30, 30, look.accent, width=OUTLINE)


def _kimono_collar(ink: Ink, look: Look, colour: Colour) -> None:
    ink.shape(((-66, 306), (0, 400), (66, 306)), skin_of(look), edge=_NECKLINE)
    # left over right, as the living wear it: the viewer's right flap lies on top
    ink.shape(((-66, 290), (-124, 310), (70, 700), (170, 700)), _PAPER, edge=(150, 150, 165))
    ink.shape(((-124, 304), (-178, 326), (20, 700), (120, 700)), dark(colour, 0.32))
    ink.shape(((66, 290), (124, 310), (-70, 700), (-170, 700)), _PAPER, edge=(150, 150, 165))
    ink.shape(((124, 304), (178, 326), (-20, 700), (-120, 700)), dark(colour, 0.32))


def _lapels(ink: Ink, look: Look, colour: Colour) -> None:
    del look
    lapel: Path = ((-72, 294), (-174, 328), (-222, 422), (-154, 474), (-98, 650), (-62, 650))
    ink.both(lapel, dark(colour, 0.26))


_PATTERNS = {
    "sweater": _ribs,
    "school uniform": _plain,
    "hoodie": _pocket,
    "shirt": _buttons,
    "kimono": _flowers,
    "jacket": _vest,
}
_COLLARS = {
    "sweater": _turtleneck,
    "school uniform": _sailor_collar,
    "hoodie": _hood_edge,
    "shirt": _shirt_collar,
    "kimono": _kimono_collar,
    "jacket": _lapels,
}
