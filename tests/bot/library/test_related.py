"""What goes with tags: counted over what at least two members drew, then the shipped start."""

from hypothesis import given
from hypothesis import strategies as st

from bot.library.related import MIN_MEMBERS, going_with, started
from data.shipped.vocabularies import load_related
from tests.support.vocabulary import vocabulary

ALICE, BOB = 1, 2


def drawn(*prompts: tuple[int, str]) -> list[tuple[int, frozenset[str]]]:
    return [(who, frozenset(prompt.split(", "))) for who, prompt in prompts]


def test_what_two_members_draw_together_is_found_the_fitting_first() -> None:
    pictures = drawn(
        (ALICE, "1girl, beach, ocean"), (BOB, "1girl, beach, ocean"), (ALICE, "1girl, night"),
        (BOB, "1girl, night"), (BOB, "1girl, city"),
    )  # fmt: skip
    assert going_with({"beach"}, pictures) == ["ocean", "1girl"]


def test_the_habits_of_one_member_stay_their_own() -> None:
    pictures = drawn(*[(ALICE, "beach, my secret")] * 9, (BOB, "beach"), (BOB, "my secret"))
    assert going_with({"beach"}, pictures) == []


@given(st.lists(st.tuples(st.integers(1, 3), st.frozensets(st.sampled_from("abcde")))),
       st.frozensets(st.sampled_from("abcde")))  # fmt: skip
def test_nothing_is_told_of_fewer_than_two_members(
    pictures: list[tuple[int, frozenset[str]]], wanted: frozenset[str]
) -> None:
    found = going_with(wanted, pictures)
    assert len(found) == len(set(found))
    assert not wanted & set(found)
    for tag in found:
        members = {who for who, tags in pictures if tag in tags and tags & wanted}
        assert len(members) >= MIN_MEMBERS


def test_the_start_prefers_what_goes_with_more_of_them() -> None:
    start = {"beach": ["sand", "ocean"], "pool": ["water", "ocean"]}
    assert started({"beach", "pool"}, start)[0] == "ocean"
    assert started({"beach"}, start) == ["sand", "ocean"]
    assert started({"unknown"}, start) == []


def test_the_shipped_start_names_tags_only() -> None:
    start = load_related()
    assert len(start) > 300
    names = {*start, *(other for others in start.values() for other in others)}
    assert [name for name in names if vocabulary().get(name) is None] == []
    assert "ocean" in start["beach"]
