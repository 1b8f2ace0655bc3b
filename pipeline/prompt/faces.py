"""Emoticons, which are Danbooru tags and not syntax."""

from itertools import product
from typing import Final

from pipeline.prompt.weights import KAOMOJI

_BROWS: Final = ("", ">")
_EYES: Final = (":", ";")
_NOSES: Final = ("", "-", "'")
_MOUTHS: Final = (
    "(", ")", "[", "]", "{", "}", "|", "/", "\\", "<", ">", "<>", ">=", "d", "o", "p", "q", "t",
    "x", "c", "i", "3", "*", "@", "$",
)  # fmt: skip
_OTHERS: Final = (
    "d:", "c:", "3:", "d;", "3;", "x<", ">o<", ">3<", "+++", r"\m/", r"\o/", r"\n/", r"\||/",
    r"\(^o^)/", r"\\//", "(o)_(o)",
)  # fmt: skip

FACES: Final = frozenset(
    {*map("".join, product(_BROWS, _EYES, _NOSES, _MOUTHS)), *_OTHERS, *KAOMOJI}
)
"""In lower case. Characters between two commas or blanks that form one of these are no brackets,
weights or escapes, whatever vocabulary is loaded."""
