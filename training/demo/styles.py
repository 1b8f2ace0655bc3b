"""The styles that the demo's LoRAs are trained on: the same drawings, coloured otherwise.

Hair, eyes and clothes keep colours that tell them apart, so that a styled picture can still obey
its tags.
"""

from dataclasses import dataclass
from typing import Final

from training.demo.drawing import Style
from training.demo.ink import Colour, mix

_BLACK: Final[Colour] = (22, 20, 26)
_PAPER: Final[Colour] = (252, 250, 244)
_CREAM: Final[Colour] = (255, 250, 242)
_LILAC: Final[Colour] = (206, 186, 222)
_PEN: Final = 7.0  # of things that have no outline elsewhere


def _is_skin(colour: Colour) -> bool:
    """Light or shaded skin; neither blonde nor pink hair, in any of their tones."""
    red, green, blue = colour
    return red > 225 and 15 < red - green < 75 and 0 < green - blue < 40


def _lightness(colour: Colour) -> float:
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


@dataclass(frozen=True, slots=True)
class _Wash:
    """Black pen on paper; what is behind the figure in grey wash."""

    def fill(self, colour: Colour) -> Colour:
        grey = _lightness(colour)
        return mix((grey, grey, grey), _PAPER, 0.3 if grey < 128 else 0.55)

    def stroke(self, colour: Colour) -> Colour:
        return _BLACK if _lightness(colour) < 200 else self.fill(colour)

    def width(self, width: float) -> float:
        return max(width, _PEN)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Black pen on paper; only hair, eyes and clothes have colours."""

    def fill(self, colour: Colour) -> Colour:
        return _PAPER if _is_skin(colour) else colour

    def stroke(self, colour: Colour) -> Colour:
        return _BLACK if _lightness(colour) < 200 else colour

    def width(self, width: float) -> float:
        return width * 1.5


@dataclass(frozen=True, slots=True)
class _Chalk:
    """Everything pale; outlines are thin and lilac."""

    def fill(self, colour: Colour) -> Colour:
        return mix(colour, _CREAM, 0.42)

    def stroke(self, colour: Colour) -> Colour:
        return mix(mix(colour, _LILAC, 0.5), _CREAM, 0.15)

    def width(self, width: float) -> float:
        return width * 0.9


STYLES: Final = {
    "ink": Style(place=_Wash(), figure=_Spot()),
    "pastel": Style(place=_Chalk(), figure=_Chalk()),
}
"""By the LoRA's name."""

TRIGGERS: Final = {"ink": "spot color", "pastel": "pastel colors"}
"""The word that stands in every caption of a style. The demo model reads only its own tags, so it
does without: as with many LoRAs of a style, the weights alone make it."""
