"""Which faces are drawn again, and which part of the picture with them. Pure, in pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.canvas import Box
from pipeline.faces.found import Face
from pipeline.rework import MAX_FACES, Size

SMALL_SHARE: Final = 0.3
"""A face is small if its longer side is below this share of the side of a square as large as the
picture: 307 of 1024 pixels. Larger ones the model draws well by itself."""

_CONTEXT: Final = 2.0  # sides of the square around a face, in sides of the face
_GROWN: Final = 0.15  # of the face's side, at each of its sides: hair and chin belong to it
_FEATHER: Final = 0.15  # of the face's side: over so much the new face passes into the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One face to draw. `square`: the part of the picture that is enlarged; `changed`: what of it
    may change, in pixels of the square. `feather`: pixels inward from the edge of `changed` over
    which the old passes into the new."""

    square: Box
    changed: Box
    feather: int

    @property
    def side(self) -> int:
        """Of the square."""
        return self.square.right - self.square.left

    def enlarged(self, side: int) -> Box:
        """`changed` in the square enlarged to `side` pixels."""
        scale = side / self.side
        return Box(
            left=math.floor(self.changed.left * scale),
            top=math.floor(self.changed.top * scale),
            right=math.ceil(self.changed.right * scale),
            bottom=math.ceil(self.changed.bottom * scale),
        )


def patches(faces: Sequence[Face], size: Size, *, native: int) -> list[Patch]:
    """Of the surest small faces, at most MAX_FACES, from left to right. `native`: the side that the
    model draws; a square that is not enlarged by that gains nothing and is left out."""
    found = [_patch(face.box, size) for face in faces if is_small(face.box, size)]
    chosen = [each for each in found if each.side < native][:MAX_FACES]
    return sorted(chosen, key=lambda each: (each.square.left, each.square.top))


def is_small(box: Box, size: Size) -> bool:
    """See SMALL_SHARE."""
    return _side(box) < SMALL_SHARE * math.sqrt(size.width * size.height)


def grown(box: Box) -> Box:
    """`box` with the hair and chin that belong to its face; it may reach out of the picture."""
    more = round(_GROWN * _side(box))
    return Box(
        left=box.left - more, top=box.top - more, right=box.right + more, bottom=box.bottom + more
    )


def _side(box: Box) -> int:
    return max(box.right - box.left, box.bottom - box.top)


def _patch(box: Box, size: Size) -> Patch:
    face = _side(box)
    side = max(1, min(round(_CONTEXT * face), size.width, size.height))
    left = _placed((box.left + box.right) / 2, side, size.width)
    top = _placed((box.top + box.bottom) / 2, side, size.height)
    whole = grown(box)
    changed = Box(
        left=max(0, whole.left - left),
        top=max(0, whole.top - top),
        right=min(side, whole.right - left),
        bottom=min(side, whole.bottom - top),
    )
    return Patch(
        square=Box(left=left, top=top, right=left + side, bottom=top + side),
        changed=changed,
        feather=max(1, round(_FEATHER * face)),
    )


def _placed(middle: float, side: int, length: int) -> int:
    """Where a side around `middle` begins, inside of `length` pixels."""
    return min(max(0, round(middle - side / 2)), length - side)
