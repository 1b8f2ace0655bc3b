"""The series that shipped characters bring along."""

import csv
from pathlib import Path

import pytest

from bot.safety.report import refused_tags
from pipeline.tag_category import TagCategory
from pipeline.tags.tag import display_name
from tests.support.vocabulary import vocabulary

SHIPPED = Path(__file__).parents[3] / "data" / "vocabulary"
WITHOUT = 45
"""Of characters that belong to no series (mascots of artists, independent streamers), or whose
series we do not know for certain: never guessed."""


def names(file: str) -> list[str]:
    lines = (SHIPPED / file).read_text(encoding="utf-8").splitlines()
    return [display_name(row[0]) for row in csv.reader(lines)]


@pytest.mark.parametrize(
    ("character", "series"),
    [
        ("oyama mahiro", "onii-chan wa oshimai!"),
        ("garry (ib)", "ib (kouri)"),
        ("priest (ragnarok online)", "ragnarok online"),
        ("elsa (frozen)", "frozen (disney)"),
        ("hypno", "pokemon"),
        ("super sonico", None),
    ],
)
def test_a_character_has_its_series(character: str, series: str | None) -> None:
    assert vocabulary().series_of(character) == series


def test_few_characters_have_none() -> None:
    without = [each for each in names("characters.csv") if vocabulary().series_of(each) is None]
    assert len(without) <= WITHOUT, without


def test_every_series_is_one_that_is_suggested_and_drawn() -> None:
    found = {vocabulary().series_of(each) for each in names("characters.csv")} - {None}
    assert {vocabulary().category_of(each or "") for each in found} == {TagCategory.COPYRIGHT}
    assert list(refused_tags(sorted(each or "" for each in found))) == []
