"""Closed lists are validated again: a client may send anything."""

import pytest

from cogs.drawing.options import pick
from pipeline.card import Sampler
from pipeline.errors import InputError
from pipeline.rating import Rating


@pytest.mark.parametrize("sampler", Sampler)
def test_each_choice_is_found_in_any_case(sampler: Sampler) -> None:
    assert pick(Sampler, sampler.value.upper()) is sampler


def test_nothing_said_stays_nothing() -> None:
    assert pick(Sampler, None) is None
    assert pick(Rating, None) is None


def test_ratings_are_found_by_their_word() -> None:
    assert pick(Rating, "sensitive") is Rating.SENSITIVE


@pytest.mark.parametrize("value", ["", "euler b", "x" * 6000, "'; DROP TABLE jobs; --"])
def test_anything_else_is_refused_with_the_choices(value: str) -> None:
    with pytest.raises(InputError) as raised:
        pick(Sampler, value)
    assert raised.value.key == "choice_unknown"
    assert raised.value.data["choices"] == tuple(Sampler)
    with pytest.raises(InputError):
        pick(Rating, value)
