"""The numbers that a tag becomes. Nothing here is trained: codes are written down.

Encoder 1 (what cross-attention reads first): which field, which colour, the colour as RGB. Encoder
2: the attributes one by one, and a flag "a known tag stands here". The pooled vector: the
attributes of the whole prompt, each 0 or `POOLED_VALUE`.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.tags import ATTRIBUTES, TAG_NAMES, TAGS, stated

WIDTH_1: Final = 40
WIDTH_2: Final = 96
POOLED_WIDTH: Final = 80
GAIN: Final = 3.0
"""Size of a code's entries."""
POOLED_VALUE: Final = 2.0
FLAG: Final = WIDTH_2 - 1
"""Entry of encoder 2's code that marks a known tag."""

_FIELDS: Final = tuple(dict.fromkeys(field for field, _ in ATTRIBUTES if field != "figures"))
_FIGURES: Final = WIDTH_1 - 1  # last, behind the colours: it came with the fourth generation
_COLOURS: Final = {
    "black": (40, 40, 50),
    "white": (240, 240, 245),
    "yellow": (250, 210, 70),
    "brown": (136, 84, 48),
    "red": (222, 44, 48),
    "pink": (251, 144, 190),
    "orange": (247, 143, 47),
    "purple": (150, 86, 214),
    "blue": (56, 112, 234),
    "green": (62, 178, 90),
    "aqua": (58, 222, 228),
}
INDEX: Final = {attribute: index for index, attribute in enumerate(ATTRIBUTES)}


def _code_1(tag: str) -> NDArray[np.float32]:
    code = np.zeros(WIDTH_1, np.float32)
    for field, value in TAGS[tag]:
        code[_FIELDS.index(field) if field in _FIELDS else _FIGURES] = 1
        colour = "yellow" if value == "blonde" else value
        if field in ("hair", "eyes", "clothes"):
            at = len(_FIELDS)
            code[at + list(_COLOURS).index(colour)] = 1
            at += len(_COLOURS)
            code[at : at + 3] = np.array(_COLOURS[colour]) / 127.5 - 1
    return code * GAIN


def _code_2(tag: str) -> NDArray[np.float32]:
    code = np.zeros(WIDTH_2, np.float32)
    for attribute in TAGS[tag]:
        code[INDEX[attribute]] = len(TAGS[tag]) ** -0.5
    code[FLAG] = 1
    return code * GAIN


def _all_codes() -> NDArray[np.float32]:
    assert len(_FIELDS) + len(_COLOURS) + 3 <= _FIGURES
    assert len(ATTRIBUTES) <= POOLED_WIDTH < WIDTH_2 - 6
    rows = [np.concatenate([_code_1(tag), _code_2(tag)]) for tag in TAG_NAMES]
    return np.stack([*rows, np.zeros(WIDTH_1 + WIDTH_2, np.float32)])


CODES: Final = _all_codes()
"""(tags + 1, WIDTH_1 + WIDTH_2) float32; the last row is zero: padding and unknown words."""
TAG_INDEX: Final = {tag: index for index, tag in enumerate(TAG_NAMES)}


def pooled(tags: Iterable[str]) -> NDArray[np.float32]:
    """The pooled vector of a prompt with these known tags: (POOLED_WIDTH,) float32."""
    vector = np.zeros(POOLED_WIDTH, np.float32)
    for attribute in stated(tags):
        vector[INDEX[attribute]] = POOLED_VALUE
    return vector
