"""The options of `/imagine` that are closed lists, and from what was sent to what is wanted."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from discord import app_commands

from pipeline.card import Aesthetic, QualityPreset, Sampler, Style, Year
from pipeline.errors import InputError
from pipeline.rating import Rating

Kind = TypeVar("Kind", bound=StrEnum)


def _choices(labels: Iterable[str]) -> list[app_commands.Choice[str]]:
    """Name and value are the same: clients may send either."""
    return [app_commands.Choice(name=label, value=label) for label in labels]


CHOICES = {
    "preset": _choices(QualityPreset),
    "rating": _choices(rating.label for rating in Rating),
    "year": _choices(Year),
    "aesthetic": _choices(Aesthetic),
    "style": _choices(Style),
    "sampler": _choices(Sampler),
}


def pick(kind: type[Kind], value: str | None) -> Kind | None:
    """The member called `value`. InputError: Discord restricts nothing that a client sends."""
    if value is None:
        return None
    for member in kind:
        if member.value.casefold() == value.strip().casefold():
            return member
    raise InputError("choice_unknown", value=value, choices=tuple(kind))


def pick_rating(label: str | None) -> Rating | None:
    """The rating called `label`; InputError if there is none."""
    if label is None:
        return None
    try:
        return Rating.from_label(label)
    except ValueError:
        choices = tuple(rating.label for rating in Rating)
        raise InputError("choice_unknown", value=label, choices=choices) from None
