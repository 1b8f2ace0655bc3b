"""Regions: parts of a picture with prompts of their own, side by side or one above the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from pipeline.aspect import Bucket, parse_aspect
from pipeline.errors import InputError
from pipeline.jsonfields import JsonFields


class Place(StrEnum):
    """Where a region is. CENTER is between the two others, whichever these are."""

    LEFT = "left"
    TOP = "top"
    CENTER = "center"
    RIGHT = "right"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """`prompt` is all that its part of the picture is drawn from, also what all regions share."""

    place: Place
    prompt: str


_SIDE_BY_SIDE: Final = (
    (Place.LEFT, Place.RIGHT),
    (Place.LEFT, Place.CENTER, Place.RIGHT),
)
_STACKED: Final = (
    (Place.TOP, Place.BOTTOM),
    (Place.TOP, Place.CENTER, Place.BOTTOM),
)
_MAX_RATIO: Final = 3.5
"""Of the sides of a region: no figure fits into a narrower one."""


def in_order(places: Iterable[Place]) -> tuple[Place, ...] | None:
    """`places` from left to right or from top to bottom; None if they don't fit together."""
    given = tuple(places)
    for order in (*_SIDE_BY_SIDE, *_STACKED):
        if len(given) == len(order) and set(given) == set(order):
            return order
    return None


def are_stacked(regions: Iterable[Region]) -> bool:
    """Whether they are one above the other."""
    return any(each.place is Place.TOP for each in regions)


def fitting_bucket(bucket: Bucket, regions: tuple[Region, ...]) -> Bucket:
    """`bucket`, or another where it is long in the wrong direction for `regions`."""
    stacked = are_stacked(regions)
    along, across = (bucket.height, bucket.width) if stacked else (bucket.width, bucket.height)
    if not regions or along > across:
        return bucket
    names = ("portrait", "tall") if stacked else ("landscape", "wide")
    return parse_aspect(names[len(regions) > 2])


def check_room(regions: tuple[Region, ...], *, width: int, height: int) -> None:
    """InputError `regions_too_narrow` if a picture of that size has no room for them."""
    if not regions:
        return
    stacked = are_stacked(regions)
    along, across = (height, width) if stacked else (width, height)
    if across / (along / len(regions)) > _MAX_RATIO:
        better = fitting_bucket(Bucket("", "", "", across, across), regions)
        raise InputError(
            "regions_too_narrow",
            regions=len(regions), width=width, height=height, better=better.pixels,
        )  # fmt: skip


def regions_to_json(regions: Iterable[Region]) -> list[dict[str, object]]:
    return [{"place": str(each.place), "prompt": each.prompt} for each in regions]


def regions_from_json(stored: JsonFields, name: str) -> tuple[Region, ...]:
    """Read what `regions_to_json` returned; none if `name` is missing. ValueError for anything
    else."""
    if name not in stored:
        return ()
    rows = [JsonFields.of(row) for row in cast("list[object]", stored.of_type(name, list))]
    return tuple(
        Region(place=Place(row.of_type("place", str)), prompt=row.of_type("prompt", str))
        for row in rows
    )
