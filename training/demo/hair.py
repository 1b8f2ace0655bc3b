"""Hair: what hangs behind the head, what lies over the forehead, tails and braids."""

from training.demo.ink import OUTLINE, Colour, Ink, Path, dark, light, mirrored
from training.demo.look import Look

_TOP: tuple[tuple[float, ...], ...] = ((-262, -10), (-300, -332, 0, -332), (300, -332, 262, -10))
_FRINGES: dict[str, Path] = {
    "bangs": (
        (238, 40, 226, 96), (214, -20, 196, -92), (176, -30, 132, -8), (132, -60, 104, -116),
        (60, -40, 10, -4), (20, -60, -16, -114), (-60, -40, -118, -10), (-110, -60, -134, -112),
        (-180, -40, -214, 84),
    ),
    "blunt bangs": (
        (238, 40, 226, 96), (216, -10, 202, -58), (100, -36, 0, -36), (-100, -36, -202, -58),
        (-216, -10, -226, 96),
    ),
    "none": (
        (240, 40, 226, 96), (224, -30, 172, -116), (90, -150, 20, -222), (-60, -150, -168, -112),
        (-214, -30, -226, 96),
    ),
}  # fmt: skip
_BOY_FRINGES: dict[str, Path] = {
    "bangs": (
        (244, 20, 222, 60), (210, -30, 188, -96), (160, -60, 110, -18), (112, -70, 74, -122),
        (20, -60, -44, -26), (-30, -80, -70, -124), (-120, -60, -166, -36), (-160, -80, -190, -112),
        (-210, -20, -222, 60),
    ),
    "blunt bangs": (
        (244, 20, 222, 60), (212, -20, 200, -62), (100, -44, 0, -44), (-100, -44, -200, -62),
        (-212, -20, -222, 60),
    ),
    "none": (
        (244, 20, 222, 60), (210, -70, 176, -150), (60, -176, -20, -214), (-120, -176, -182, -140),
        (-210, -70, -222, 60),
    ),
}  # fmt: skip
_BEHIND: dict[str, Path] = {
    "long hair": (
        (0, -320), (290, -320, 284, -60), (292, 220, 356, 640), (300, 690, 246, 660),
        (120, 712, 0, 680), (-120, 712, -246, 660), (-300, 690, -356, 640), (-292, 220, -284, -60),
        (-290, -320, 0, -320),
    ),
    "bob cut": (
        (0, -320), (304, -320, 300, -20), (352, 120, 346, 250), (310, 322, 224, 292), (0, 300),
        (-224, 292), (-310, 322, -346, 250), (-352, 120, -300, -20), (-304, -320, 0, -320),
    ),
    "short hair": (
        (0, -315), (285, -315, 272, -20), (284, 70, 236, 142), (190, 120, 0, 120),
        (-190, 120, -236, 142), (-284, 70, -272, -20), (-285, -315, 0, -315),
    ),
    "gathered": (
        (0, -315), (285, -315, 268, -20), (262, 90, 190, 150), (0, 190), (-190, 150),
        (-262, 90, -268, -20), (-285, -315, 0, -315),
    ),
}  # fmt: skip
_TAIL: Path = (
    (150, -250), (300, -424, 404, -220), (504, 60, 396, 450), (352, 512, 322, 436),
    (330, 260, 262, 60), (200, -120),
)  # fmt: skip
_TWIN: Path = (
    (222, -200), (352, -304, 404, -120), (474, 120, 396, 480), (372, 532, 326, 456),
    (286, 300, 262, 120), (250, -60),
)  # fmt: skip
_SIDE_LOCKS = {"long hair": 300, "bob cut": 250, "short hair": 104}
_SHEEN: Path = (
    (-228, -150), (0, -286, 228, -150), (206, -118), (150, -182), (105, -162), (60, -218),
    (0, -184), (-60, -218), (-105, -162), (-150, -182), (-206, -118),
)  # fmt: skip


def draw_back_hair(ink: Ink, look: Look, colour: Colour) -> None:
    """Everything behind the neck and the face. Face-centred coordinates, y down."""
    shade = dark(colour, 0.2)
    if look.sex == "1boy" and look.style == "short hair":
        return
    ink.shape(_BEHIND.get(look.style, _BEHIND["gathered"]), shade)
    if look.style == "ponytail":
        ink.shape(_TAIL, colour)
        ink.line(((336, -210), (410, 60, 364, 410)), dark(colour, 0.35), OUTLINE)
        ink.line(((290, -210), (340, 0, 340, 200)), light(colour, 0.3), OUTLINE)
        ink.oval(206, -252, 48, 48, look.accent, width=OUTLINE)
    elif look.style == "twintails":
        for path in (_TWIN, mirrored(_TWIN)):
            ink.shape(path, colour)
        strand: Path = ((330, -150), (404, 120, 362, 430))
        for path in (strand, mirrored(strand)):
            ink.line(path, dark(colour, 0.35), OUTLINE)


def draw_fringe(ink: Ink, look: Look, colour: Colour) -> None:
    """The hair over the forehead and beside the face, with its sheen."""
    boy = look.sex == "1boy"
    fringe = (_BOY_FRINGES if boy else _FRINGES)[look.bangs]
    path: Path = (*_TOP, *fringe, (-246, 40, -262, -10))
    if not (boy and look.style == "short hair"):
        _side_locks(ink, look, colour)
    ink.shape(path, colour)
    with ink.inside(path):
        ink.shape(_SHEEN, light(colour, 0.45), width=0)
        for x in (-150, 0, 150):
            ink.line(((x * 1.2, -300), (x * 1.3, -240, x * 1.35, -200)), dark(colour, 0.3), 6)
    if boy:
        _tuft(ink, colour)
    elif look.style in ("short hair", "bob cut"):
        ink.line(((-14, -326), (-50, -374, -88, -354)), dark(colour, 0.6), 13)
    _ties(ink, look, colour)


def _tuft(ink: Ink, colour: Colour) -> None:
    spikes: Path = (
        (-150, -270), (-150, -340, -104, -356), (-70, -330, -44, -322), (-10, -356, 40, -372),
        (50, -330, 74, -316), (120, -330, 156, -338), (170, -300, 170, -250), (0, -300),
    )  # fmt: skip
    ink.shape(spikes, colour)
    ink.shape(((-140, -262), (0, -324, 158, -246), (0, -284)), colour, width=0)


def _side_locks(ink: Ink, look: Look, colour: Colour) -> None:
    end = _SIDE_LOCKS.get(look.style, 186)
    lock: Path = (
        (-268, -40), (-226, -20), (-194, 90, -216, end), (-242, end + 22), (-280, 120, -268, -40),
    )  # fmt: skip
    ink.both(lock, colour)


def _ties(ink: Ink, look: Look, colour: Colour) -> None:
    if look.style == "twintails":
        for x in (-250, 250):
            ink.oval(x, -186, 46, 46, look.accent, width=OUTLINE)
    elif look.style == "braids":
        for side in (-1, 1):
            for index in range(5):
                x, y, half = side * (240 + 6 * index), 152 + index * 72, 60 - 4 * index
                ink.oval(x, y, half, 52, colour, width=OUTLINE)
                fold: Path = ((x - half * 0.8, y - 18), (x, y + 32), (x + half * 0.8, y - 18))
                ink.line(fold, dark(colour, 0.4), OUTLINE)
            ink.oval(side * 270, 562, 32, 42, colour, width=OUTLINE)
            ink.oval(side * 270, 514, 36, 24, look.accent, width=OUTLINE)
