"""Aspect-ratio buckets: the nine sizes that the model was trained on, and their names."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipeline.card import DEFAULT_HEIGHT, DEFAULT_WIDTH
from pipeline.errors import InputError

_MAX_TYPED = 40  # characters: longer text is no size
_PAIR = re.compile(r"(\d+(?:\.\d+)?)\s*[:/x×*]\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


_IN_BRACKETS = re.compile(r"\((\d{2,5})x(\d{2,5})\)$")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of the sizes of the model card. `width` and `height` in pixels, multiples of 64.

    `about` is the common ratio for this shape, such as 2:3 for 13:19.
    """

    name: str
    ratio: str
    about: str
    width: int
    height: int

    @property
    def pixels(self) -> str:
        """`832x1216`: width x height, as users write it."""
        return f"{self.width}x{self.height}"


BUCKETS: Final = (
    Bucket("square", "1:1", "1:1", 1024, 1024),
    Bucket("landscape", "19:13", "3:2", 1216, 832),
    Bucket("portrait", "13:19", "2:3", 832, 1216),
    Bucket("slightly_wide", "9:7", "4:3", 1152, 896),
    Bucket("slightly_tall", "7:9", "3:4", 896, 1152),
    Bucket("wide", "7:4", "16:9", 1344, 768),
    Bucket("tall", "4:7", "9:16", 768, 1344),
    Bucket("panorama", "12:5", "21:9", 1536, 640),
    Bucket("tower", "5:12", "9:21", 640, 1536),
)
"""The nine sizes of the model card. Square is its word, the others are ours."""

DEFAULT_BUCKET: Final = next(
    bucket for bucket in BUCKETS if (bucket.width, bucket.height) == (DEFAULT_WIDTH, DEFAULT_HEIGHT)
)

_KNOWN_RATIOS: Final = (
    *(bucket.about for bucket in BUCKETS),
    *("5:4", "4:5", "16:10", "10:16", "1:2", "2:1", "1.85:1", "2.39:1"),
)
"""What people type for a shape, most common first."""

_ALIASES: Final = {
    "ultrawide": "panorama", "cinema": "panorama", "banner": "panorama",
    "phone": "tall", "wallpaper": "wide", "desktop": "wide",
    "vertical": "tall", "horizontal": "wide",  # the model card's words
}  # fmt: skip


def nearest_bucket(*, width: float, height: float) -> Bucket:
    """The bucket nearest in shape to `width` : `height` (both above 0), by log ratio."""
    wanted = math.log(width) - math.log(height)
    return min(BUCKETS, key=lambda bucket: abs(_log_ratio(bucket) - wanted))


def parse_aspect(text: str) -> Bucket:
    """The bucket that `text` names: a name, a ratio (`3:2`, `3/2`) or pixels (`832x1216`).

    Any positive W:H selects the nearest bucket. So does text that ends in pixels in brackets, as
    labels do in every language. Raises InputError `aspect_unknown` for anything else (`abc`,
    `0:0`).
    """
    typed = _normalise(text)
    for bucket in BUCKETS:
        if typed in _names(bucket):
            return bucket
    short = typed if len(typed) <= _MAX_TYPED else ""
    pair = _PAIR.fullmatch(short) or _IN_BRACKETS.search(short)
    if pair is not None:
        width, height = float(pair[1]), float(pair[2])
        if width > 0 and height > 0:
            return nearest_bucket(width=width, height=height)
    raise InputError("aspect_unknown", value=text.strip()[:_MAX_TYPED].replace("`", "'"))


def suggest_aspects(typed: str, label: Callable[[Bucket], str]) -> list[Bucket]:
    """Buckets that fit what was typed so far, best first; all nine for empty text.

    Completes names, ratios, pixels and what `label` shows. A complete ratio of another shape puts
    its nearest bucket first, a partial one (`16`) those of common ratios. Text that matches nothing
    gives an empty list.
    """
    start = _normalise(typed)
    if not start:
        return list(BUCKETS)
    begun = (parse_aspect(each) for each in _KNOWN_RATIOS if each.startswith(start))
    named = (b for b in BUCKETS if any(name.startswith(start) for name in _names(b)))
    shown = (b for b in BUCKETS if start in _normalise(label(b)))
    found = dict.fromkeys((*named, *begun, *shown))
    try:
        nearest = parse_aspect(typed)
    except InputError:
        return list(found)
    return [nearest, *(bucket for bucket in found if bucket != nearest)]


def _names(bucket: Bucket) -> tuple[str, ...]:
    aliases = (alias for alias, name in _ALIASES.items() if name == bucket.name)
    return (bucket.name, bucket.name.replace("_", " "), bucket.ratio, bucket.pixels, *aliases)


def _normalise(text: str) -> str:
    return re.sub(r"\s*([:/x×])\s*(?=\d)", r"\1", text.strip().casefold()).replace("×", "x")


def _log_ratio(bucket: Bucket) -> float:
    return math.log(bucket.width / bucket.height)
