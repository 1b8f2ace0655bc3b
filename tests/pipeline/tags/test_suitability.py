from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rating import Rating
from pipeline.tag_category import TagCategory
from pipeline.tags.suitability import hidden_above, rating_of
from pipeline.tags.tag import Tag
from tests.support.tag_facts import FACTS, SEXUAL, WHOLE, TagList


@pytest.mark.parametrize(
    "name",
    ["loli", "shota", "toddlercon", "oppai_loli", "onee-shota", "onee-loli", "onii-shota",
     "lolidom", "shotadom", "lolibaba", "kodomo_doushi", "mesugaki", "LOLI", "child_nude",
     "nude_toddler", "aged_down_sex"],
)  # fmt: skip
@pytest.mark.parametrize("ceiling", Rating)
def test_minor_coded_tags_are_hidden_everywhere(name: str, ceiling: Rating) -> None:
    assert rating_of(name) is None
    assert hidden_above(ceiling)(Tag(name=name, category=TagCategory.GENERAL))


@pytest.mark.parametrize(
    "name",
    ["aizawa_shota", "lolita_fashion", "hololive", "depth_charge", "child", "kaitou_kid",
     "long_hair", "school_uniform", "grapes", "cocktail_dress", "peacock", "shuttlecock",
     "amusement_park", "basement",
     "sextuplets", "cumulonimbus_cloud", "document", "grass", "glass", "facial_hair",
     "android_18", "assassin", "bracelet", "title", "analog_clock", "skyscraper", "rope",
     "feet_out_of_frame", "tentacle_hair", "hands_on_own_hips", "yuri_lowell", "melty_blood"],
)  # fmt: skip
def test_harmless_tags_are_suggested_everywhere(name: str) -> None:
    assert rating_of(name) is Rating.SAFE


@pytest.mark.parametrize(
    ("name", "rating"),
    [("swimsuit", Rating.SENSITIVE), ("black_bikini", Rating.SENSITIVE),
     ("large_breasts", Rating.SENSITIVE), ("white_panties", Rating.SENSITIVE),
     ("blood", Rating.SENSITIVE), ("yuri", Rating.SENSITIVE),
     ("completely_nude", Rating.NSFW), ("nipples", Rating.NSFW), ("topless_male", Rating.NSFW),
     ("bondage", Rating.NSFW), ("grabbing_another's_breast", Rating.NSFW),
     ("nsfw", Rating.NSFW), ("see-through_shirt", Rating.NSFW),
     ("sex", Rating.EXPLICIT), ("cum_on_body", Rating.EXPLICIT), ("penis", Rating.EXPLICIT),
     ("spread_pussy", Rating.EXPLICIT), ("rape", Rating.EXPLICIT), ("explicit", Rating.EXPLICIT),
     ("double_handjob", Rating.EXPLICIT), ("futa_with_female", Rating.EXPLICIT),
     ("you_gonna_get_raped", Rating.EXPLICIT)],
)  # fmt: skip
def test_suggestive_tags_have_a_rating(name: str, rating: Rating) -> None:
    assert rating_of(name) is rating
    tag = Tag(name=name, category=TagCategory.GENERAL)
    assert [hidden_above(ceiling)(tag) for ceiling in Rating] == [
        rating > ceiling for ceiling in Rating
    ]


def test_children_are_suggested_only_where_everything_is_safe() -> None:
    child = Tag(name="child", category=TagCategory.GENERAL)
    assert [hidden_above(ceiling)(child) for ceiling in Rating] == [False, True, True, True]


@given(st.text(max_size=80))
def test_any_name_gets_an_answer(name: str) -> None:
    assert rating_of(name) in {*Rating, None}


@pytest.mark.parametrize("path", [FACTS, WHOLE], ids=["facts", "whole"])
def test_no_obviously_sexual_general_tag_of_the_large_list_is_called_safe(path: Path) -> None:
    if not path.exists():
        pytest.skip("the whole tag list is not beside this repository")
    harmless = {"essex", "grape", "sexting", "document", "sextant", "sextuplets", "drape", "scrape"}
    names = [name for name, kind, _ in TagList.read(path).rows if kind == TagCategory.GENERAL]
    sexual = [name for name in names if SEXUAL.search(f"_{name}_")]
    assert len(sexual) > 200
    called_safe = {name for name in sexual if rating_of(name) is Rating.SAFE}
    assert {name for name in called_safe if not any(word in name for word in harmless)} == set()
