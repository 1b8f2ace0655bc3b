"""What a drawing shows as one small integer a field: how drawings are stored and judged."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from training.demo.look import (
    BANGS,
    CLOTHES,
    EYES,
    HAIR,
    HAIR_STYLES,
    HEADWEAR,
    KINDS,
    LIDS,
    MOUTHS,
    PLACES,
    RATINGS,
    SEXES,
    TIMES,
    Look,
)

_EITHER: Final = ("no", "yes")

FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rating": RATINGS,
        "degraded": _EITHER,
        "sex": SEXES,
        "hair": tuple(HAIR),
        "eyes": tuple(EYES),
        "clothes": tuple(CLOTHES),
        "kind": KINDS,
        "place": PLACES,
        "time": TIMES,
        "style": HAIR_STYLES,
        "bangs": BANGS,
        "mouth": MOUTHS,
        "lids": LIDS,
        "blush": _EITHER,
        "glasses": _EITHER,
        "scarf": _EITHER,
        "headwear": HEADWEAR,
        "shift": ("left", "middle", "right"),
    }
)
"""Each field's values, by index."""

FIGURE_FIELDS: Final = tuple(
    field for field in FIELDS if field not in ("rating", "degraded", "place", "time", "shift")
)
"""The fields that a placard doesn't show."""


def labels_of(look: Look, *, degraded: bool) -> tuple[int, ...]:
    """One index a field, in the order of `FIELDS`."""
    said: dict[str, str] = {
        "degraded": _EITHER[degraded],
        "blush": _EITHER[look.blush],
        "glasses": _EITHER[look.glasses],
        "scarf": _EITHER[look.scarf],
        "shift": FIELDS["shift"][look.shift + 1],
    }
    return tuple(
        values.index(said[field] if field in said else getattr(look, field))
        for field, values in FIELDS.items()
    )


def described(labels: tuple[int, ...]) -> dict[str, str]:
    """The values behind the indices, by field."""
    return {
        field: values[index] for (field, values), index in zip(FIELDS.items(), labels, strict=True)
    }
