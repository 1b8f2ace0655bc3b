"""A covered easel with a word on it: what stands for `nsfw` and `explicit`.

The model can't draw anything unsuitable; this makes rating, withholding and review visible anyway.
"""

from training.demo.ink import Colour, Ink, Path, dark, light

_CLOTHS: dict[str, Colour] = {"nsfw": (236, 170, 76), "explicit": (196, 58, 74)}
_WOOD: Colour = (150, 104, 70)
_STROKES: dict[str, tuple[Path, ...]] = {
    "N": (((0, 1), (0, 0), (1, 1), (1, 0)),),
    "S": (((1, 0.1), (0.5, -0.1, 0, 0.15), (0, 0.5, 0.5, 0.5), (1, 0.5, 1, 0.8),
           (0.5, 1.15, 0, 0.88)),),
    "F": (((1, 0), (0, 0), (0, 1)), ((0, 0.48), (0.8, 0.48))),
    "W": (((0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0)),),
    "R": (((0, 1), (0, 0), (1.2, 0, 1, 0.3), (0.9, 0.52, 0, 0.52)), ((0.4, 0.52), (1, 1))),
    "1": (((0.2, 0.2), (0.55, 0), (0.55, 1)),),
    "8": (((0.5, 0.46), (-0.2, 0.2, 0.5, 0), (1.2, 0.2, 0.5, 0.46), (-0.35, 0.75, 0.5, 1),
           (1.35, 0.75, 0.5, 0.46)),),
    "-": (((0.2, 0.5), (0.8, 0.5)),),
}  # fmt: skip
_WORDS = {"nsfw": "NSFW", "explicit": "R-18"}


def draw_placard(ink: Ink, rating: str) -> None:
    """The easel about the place where a face would be. Face-centred coordinates, y down."""
    cloth = _CLOTHS[rating]
    for side in (-1, 1):
        ink.shape(
            ((side * 120, 380), (side * 150, 380), (side * 300, 900), (side * 250, 900)), _WOOD
        )
    ink.shape(((-30, -400), (30, -400), (30, -300), (-30, -300)), _WOOD)
    drape: Path = (
        (-290, -320), (0, -350, 290, -320), (330, 60, 326, 420), (270, 460, 220, 410),
        (160, 462, 108, 410), (54, 462, 0, 410), (-54, 462, -108, 410), (-160, 462, -220, 410),
        (-270, 460, -326, 420), (-330, 60, -290, -320),
    )  # fmt: skip
    ink.shape(drape, cloth, width=10)
    for x in (-220, -108, 0, 108, 220):
        ink.line(((x, 230), (x * 1.02, 400)), dark(cloth, 0.25), 10)
    ink.rounded((-262, -110, 262, 130), 26, (255, 255, 255), width=0)
    ink.rounded((-262, -110, 262, 130), 26, dark(cloth, 0.6), width=12)
    for x in (-180, 180):
        ink.line(((x, -270), (x * 0.96, -180)), light(cloth, 0.4), 14)
    for index, letter in enumerate(_WORDS[rating]):
        _letter(ink, letter, -224 + index * 118)


def _letter(ink: Ink, letter: str, left: float) -> None:
    for path in _STROKES[letter]:
        ink.line(tuple(_placed(step, left) for step in path), (60, 34, 52), 24)


def _placed(step: tuple[float, ...], left: float) -> tuple[float, ...]:
    """From the letter's own square to the placard."""
    return tuple(
        left + 94 * value if index % 2 == 0 else -62 + 142 * value
        for index, value in enumerate(step)
    )
