"""The face: its outline, eyes, mouth, blush and glasses. Face-centred coordinates, y down.

Mouths and closed eyes are drawn large and thick on purpose: the model sees the picture at an eighth
of its size, where a line of 16 is two pixels.
"""

from training.demo.ink import OUTLINE, Colour, Ink, Path, dark, light, mix
from training.demo.look import EYES, Look

_LASH: Colour = (58, 34, 50)
_LINE: Colour = (166, 92, 84)
_LIPS: Colour = (172, 44, 58)
_GLASSES: Colour = (52, 46, 62)
EYE_X, EYE_Y = 106, 44
"""Centre of an eye (to both sides)."""


def skin_of(look: Look) -> Colour:
    """The skin's colour."""
    return mix((255, 230, 212), (248, 208, 178), look.skin)


def draw_face(ink: Ink, look: Look, hair: Colour) -> None:
    """Head, mouth and eyes; the fringe comes over it."""
    skin, narrow = skin_of(look), 24 if look.sex == "1boy" else 0
    for side in (-1, 1):
        ink.oval(side * 218, 62, 34, 54, skin, edge=_LINE, width=OUTLINE)
    outline: Path = (
        (-214, -120), (-234, 90, -152 - narrow, 178 + narrow / 2), (-82 - narrow, 250, 0, 256),
        (82 + narrow, 250, 152 + narrow, 178 + narrow / 2), (234, 90, 214, -120),
        (0, -350, -214, -120),
    )  # fmt: skip
    ink.shape(outline, skin, edge=_LINE)
    with ink.inside(outline):
        if look.bangs != "none":  # the fringe's shadow
            ink.oval(0, -130, 262, 104, mix(skin, (226, 146, 130), 0.45))
    if look.blush:
        for side in (-1, 1):
            _blush(ink, side * 152)
    ink.line(((-5, 126), (5, 134)), _LINE, 9)
    _mouth(ink, look.mouth)
    for side in (-1, 1):
        _eye(ink, look, side, hair)


def draw_glasses(ink: Ink) -> None:
    """Round rims."""
    for side in (-1, 1):
        x = side * 110
        ink.rounded((x - 96, -52, x + 96, 144), 84, _GLASSES, width=17)
        ink.line(((side * 206, 30), (side * 236, 20)), _GLASSES, 16)
    ink.line(((-14, 36), (0, 24, 14, 36)), _GLASSES, 16)


def _blush(ink: Ink, x: float) -> None:
    ink.oval(x, 148, 66, 44, (255, 104, 118), alpha=0.9)
    for shift in (-28, 0, 28):
        ink.line(((x + shift + 8, 132), (x + shift - 8, 162)), (236, 60, 84), 9)


def _mouth(ink: Ink, mouth: str) -> None:
    if mouth == "smile":
        smile: Path = ((-82, 168), (0, 214, 82, 168), (64, 236, 0, 236), (-64, 236, -82, 168))
        ink.shape(smile, (255, 255, 255), edge=_LIPS, width=14)
    elif mouth == "open mouth":
        wide: Path = ((-50, 172), (-44, 156, 0, 156), (44, 156, 50, 172), (54, 240, 0, 240),
                      (-54, 240, -50, 172))  # fmt: skip
        ink.shape(wide, (190, 40, 56), edge=(118, 30, 48), width=12)
        with ink.inside(wide):
            ink.oval(0, 240, 38, 30, (252, 134, 136))
    elif mouth == "frown":
        ink.line(((-70, 222), (0, 146, 70, 222)), _LIPS, 18)
    else:
        ink.line(((-40, 192), (0, 212, 40, 192)), _LIPS, 15)  # friendly, though no smile


def _eye(ink: Ink, look: Look, side: int, hair: Colour) -> None:
    x, y = side * EYE_X, EYE_Y
    boy, frown = look.sex == "1boy", look.mouth == "frown"
    _brow(ink, x, side, hair, boy=boy, frown=frown)
    if look.lids == "closed eyes" or (look.lids == "wink" and side == 1):
        lid: Path = ((x - 72, 84), (x, -2, x + 72, 84))
        ink.line(lid, _LASH, 24)
        if not boy:
            ink.line(((x + side * 68, 82), (x + side * 98, 58)), _LASH, 18)
        return
    half, tall = (70, 66) if boy else (74, 92)
    white: Path = (
        (x - half, y), (x - half * 0.95, y - tall, x, y - tall),
        (x + half * 0.95, y - tall, x + half, y), (x + half * 0.85, y + tall, x, y + tall),
        (x - half * 0.85, y + tall, x - half, y),
    )  # fmt: skip
    ink.shape(white, (255, 255, 255), width=0)
    with ink.inside(white):
        _iris(ink, EYES[look.eyes], x + 10 * look.gaze, y, tall)
    crease: Path = (
        (x - half - 2, y - 4), (x - half * 0.95, y - tall, x, y - tall),
        (x + half * 0.95, y - tall, x + half + 2, y - 4),
    )  # fmt: skip
    ink.line(crease, _LASH, 17 if boy else 21)
    if not boy:
        ink.line(((x + side * (half - 2), y - 6), (x + side * (half + 34), y - 40)), _LASH, 19)


def _iris(ink: Ink, colour: Colour, x: float, y: float, tall: float) -> None:
    """Mostly the plain colour: it is what the tag names, and what is measured."""
    ink.oval(x, y + 4, 62, tall * 0.94, colour, edge=dark(colour, 0.6), width=9)
    ink.oval(x, y - tall * 0.66, 60, tall * 0.4, dark(colour, 0.42))
    ink.oval(x, y + 6, 18, tall * 0.3, dark(colour, 0.8))
    ink.oval(x, y + tall * 0.66, 34, tall * 0.16, light(colour, 0.5))
    ink.oval(x - 24, y - tall * 0.4, 21, tall * 0.27, (255, 255, 255))
    ink.oval(x + 26, y + tall * 0.34, 11, tall * 0.15, (255, 255, 255))


def _brow(ink: Ink, x: float, side: int, hair: Colour, *, boy: bool, frown: bool) -> None:
    outer, inner = (x + side * 66, -84 if frown else -74), (x - side * 62, -48 if frown else -72)
    middle = (x, -76 if frown else -100)
    ink.line((outer, (*middle, *inner)), dark(hair, 0.5), 26 if boy else 13)
