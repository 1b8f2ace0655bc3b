"""Parts of a picture that have names, for redrawing without painting a mask."""

from enum import StrEnum
from typing import Final

from pipeline.canvas import Box
from pipeline.rework import Size


class Area(StrEnum):
    """A part of a picture. The words stand in old messages: never change one."""

    UPPER_HALF = "upper_half"
    LOWER_HALF = "lower_half"
    LEFT_HALF = "left_half"
    RIGHT_HALF = "right_half"
    LEFT_THIRD = "left_third"
    MIDDLE_THIRD = "middle_third"
    RIGHT_THIRD = "right_third"
    UPPER_THIRD = "upper_third"
    LOWER_THIRD = "lower_third"
    CENTRE = "centre"
    EDGES = "edges"
    EVERYTHING = "everything"


_THIRD: Final = 1 / 3
_SHARES: Final = {
    Area.UPPER_HALF: (0.0, 0.0, 1.0, 0.5),
    Area.LOWER_HALF: (0.0, 0.5, 1.0, 1.0),
    Area.LEFT_HALF: (0.0, 0.0, 0.5, 1.0),
    Area.RIGHT_HALF: (0.5, 0.0, 1.0, 1.0),
    Area.LEFT_THIRD: (0.0, 0.0, _THIRD, 1.0),
    Area.MIDDLE_THIRD: (_THIRD, 0.0, 1 - _THIRD, 1.0),
    Area.RIGHT_THIRD: (1 - _THIRD, 0.0, 1.0, 1.0),
    Area.UPPER_THIRD: (0.0, 0.0, 1.0, _THIRD),
    Area.LOWER_THIRD: (0.0, 1 - _THIRD, 1.0, 1.0),
    Area.CENTRE: (0.25, 0.25, 0.75, 0.75),
    Area.EDGES: (0.25, 0.25, 0.75, 0.75),
    Area.EVERYTHING: (0.0, 0.0, 1.0, 1.0),
}
"""(left, top, right, bottom) as shares of width and height."""

_OUTSIDE: Final = frozenset({Area.EDGES})


def box_of(area: Area, size: Size) -> tuple[Box, bool]:
    """The rectangle of `area` in a picture of `size`, and whether the area is what lies inside of
    it (otherwise what lies outside)."""
    left, top, right, bottom = _SHARES[area]
    box = Box(
        left=round(left * size.width),
        top=round(top * size.height),
        right=round(right * size.width),
        bottom=round(bottom * size.height),
    )
    return box, area not in _OUTSIDE
