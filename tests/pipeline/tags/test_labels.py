"""What a suggestion shows says all that its value says."""

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.tag_category import TagCategory
from pipeline.tags.complete import Completion, completion, takes_tags
from pipeline.tags.labels import label, meant
from pipeline.tags.tag import Tag

HAIR = Tag(name="long hair", category=TagCategory.GENERAL)
GANYU = Tag(name="ganyu (genshin impact)", category=TagCategory.CHARACTER)
FACE = Tag(name=">_<", category=TagCategory.GENERAL)
TYPED = st.text(
    st.sampled_from("ab 1:.,、，([{|)]}（）\\-_\t BREAK←·")
    | st.characters(exclude_characters="‹›"),
    max_size=40,
)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("lo", "long hair ‹4.4M›,"),
        ("1girl, smile, lo", "long hair ‹4.4M ← 1girl, smile›,"),
        ("1girl,lo", "long hair ‹4.4M ← 1girl›,"),
        ("1girl、lo", "long hair ‹4.4M ← 1girl、›,"),
        ("1girl, (lo:1.2)", "long hair ‹4.4M ← 1girl, (›:1.2),"),
    ],
)
def test_the_tag_leads_and_the_rest_of_the_prompt_follows(typed: str, shown: str) -> None:
    assert label(completion(typed, HAIR, ready=True), ["", "4.4M"]) == shown


@given(TYPED, st.sampled_from([HAIR, GANYU, FACE]), st.booleans(),
       st.lists(st.text(max_size=9), max_size=2))  # fmt: skip
def test_a_label_means_the_completed_prompt(
    typed: str, tag: Tag, ready: bool, remarks: list[str]
) -> None:
    assume(takes_tags(typed))
    done = completion(typed, tag, ready=ready)
    assert meant(label(done, remarks)) == done.text


@given(TYPED, TYPED, st.sampled_from([HAIR, GANYU]))
def test_people_type_on_behind_a_label(typed: str, more: str, tag: Tag) -> None:
    assume(takes_tags(typed))
    done = completion(typed, tag, ready=True)
    assert meant(label(done, ["1.2k"]) + more) == done.text + more


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("long hair ‹4.4M›", "long hair"),
        ("long hair ‹4.4M ← 1girl, smi", "1girl, smi, long hair"),  # its end deleted
        ("smile ‹1k ← 1girl›, hat ‹2k ← 2girls›,", "2girls, 1girl, smile, hat,"),  # pasted
        ("1girl ‹a note›, hat", "1girl, hat"),
        ("‹", ""),
        ("a › b", "a › b"),
    ],
)
def test_what_was_changed_by_hand_loses_no_tag(typed: str, said: str) -> None:
    assert meant(typed) == said


@pytest.mark.parametrize("sign", ["‹", "‹←", "‹a ← ", "‹›", "›‹", " ‹"])
def test_any_text_is_read_in_milliseconds(sign: str) -> None:
    typed = (sign * 6000)[:6000]
    began = time.thread_time()
    assert "‹" not in meant(typed)
    assert time.thread_time() - began < 0.02


def test_a_name_without_anything_before_it_stays_plain() -> None:
    assert label(Completion("", "smile", ""), []) == "smile"
