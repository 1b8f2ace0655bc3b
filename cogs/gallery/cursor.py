"""A position in a gallery, encoded in a button. Pure."""

import re
import string
from dataclasses import dataclass, replace
from typing import Final, Literal

from data.gallery.entries import Order
from data.gallery.query import SHAPES
from pipeline.rating import Rating

MAX_WORDS: Final = 42
"""Characters of a search. Discord's limit for a `custom_id` is 100, and the search is in it."""

PERIODS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}  # days
Way = Literal["first", "after", "before", "random"]
_WAYS: Final[dict[str, Way]] = {"f": "first", "n": "after", "p": "before", "r": "random"}
_ORDERS: Final[dict[str, Order]] = {"n": "new", "t": "top"}
_DIGITS: Final = string.digits + string.ascii_lowercase
TEMPLATE: Final = (
    r"ekaki:gal:(?P<way>[fnpr])(?P<order>[nt])(?P<rating>[0-3-])(?P<shape>[pls-])(?P<period>[dwmy-])"
    r":(?P<maker>[0-9a-z]*):(?P<entry>[a-z0-9]*):(?P<words>.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Which entries are shown, in which order, and the current one (`entry`, "" at the start).
    `maker_id` 0: everybody's."""

    order: Order = "new"
    random: bool = False
    words: str = ""
    rating: Rating | None = None
    shape: str | None = None
    period: str | None = None
    maker_id: int = 0
    entry: str = ""

    @classmethod
    def parse(cls, match: re.Match[str]) -> "tuple[Looking, Way]":
        """From the `custom_id` that `custom_id` wrote."""
        shapes = {name[0]: name for name in SHAPES}
        periods = {name[0]: name for name in PERIODS}
        way = _WAYS[match["way"]]
        looking = cls(
            order=_ORDERS[match["order"]],
            random=way == "random",
            rating=None if match["rating"] == "-" else Rating(int(match["rating"])),
            shape=shapes.get(match["shape"]),
            period=periods.get(match["period"]),
            maker_id=int(match["maker"] or "0", 36),
            entry=match["entry"],
            words=match["words"],
        )
        return looking, way

    def custom_id(self, way: Way) -> str:
        """At most 100 characters."""
        letter = next(key for key, value in _WAYS.items() if value == way)
        rating = "-" if self.rating is None else str(int(self.rating))
        marks = f"{letter}{self.order[0]}{rating}{(self.shape or '-')[0]}{(self.period or '-')[0]}"
        return f"ekaki:gal:{marks}:{_base36(self.maker_id)}:{self.entry}:{self.words}"

    def at(self, entry_id: str) -> "Looking":
        """The same, at another entry."""
        return replace(self, entry=entry_id)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def words_of(typed: str | None) -> str:
    """A search as typed, on one line, cut to what fits."""
    return " ".join((typed or "").split())[:MAX_WORDS].strip()
