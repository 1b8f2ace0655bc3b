"""What the vocabulary knows of a prompt's tags reaches the hard rules."""

import pytest

from bot.safety.request import refuse_forbidden, words_rating
from bot.safety.rules import check_prompt
from pipeline.errors import RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.resolve import Defaults, readable, resolve
from pipeline.tags.suitability import sexual_rating_of
from tests.support.vocabulary import vocabulary

VOCABULARY = vocabulary()
RATED = [
    (tag.name, rating) for tag in VOCABULARY if (rating := sexual_rating_of(tag.name)) > Rating.SAFE
]


def _refuse(prompt: str) -> None:
    request = resolve(
        readable(GenerationRequest(prompt=prompt)),
        defaults=Defaults(),
        ceiling=Rating.SAFE,
        random_seed=lambda: 1,
        category_of=VOCABULARY.category_of,
    )
    refuse_forbidden(request, rating_of=VOCABULARY.sexual_rating_of)


@pytest.mark.parametrize(
    "tag",
    ["skirt lift", "panty_peek", "swimsuit", "(clothes pull:1.2)", "ｕｎｄｅｒｂｏｏｂ",
     "b\u0456kini", "covering privates", "bathing"],
)  # fmt: skip
def test_a_tag_that_the_vocabulary_rates_counts_beside_a_child(tag: str) -> None:
    assert check_prompt(f"child, {tag}", "", rating=Rating.SAFE) is None  # the words alone
    with pytest.raises(RefusedError) as refused:
        _refuse(f"child, {tag}")
    assert refused.value.key == "rule_minor_sexual"


def test_no_rated_tag_of_the_vocabulary_stands_beside_a_child() -> None:
    assert len(RATED) > 900
    passed = [
        tag
        for tag, rating in RATED
        if check_prompt(f"child, {tag}", "", rating=Rating.SAFE, words_rating=rating) is None
    ]
    assert passed == []
    assert all(words_rating(name, rating_of=VOCABULARY.sexual_rating_of) for name, _ in RATED)


@pytest.mark.parametrize(
    "prompt",
    ["child, bandaid on knee, injury", "mother and child, kissing forehead", "baby, diaper, crib",
     "kid, holding leash, dog", "child, white pantyhose, dress", "children, amusement park",
     "child, sand castle, beach, sun hat", "swimsuit, 1girl", "no such tag, child"],
)  # fmt: skip
def test_what_is_not_sexual_leaves_children_alone(prompt: str) -> None:
    _refuse(prompt)


def test_the_most_sexual_tag_counts() -> None:
    known = {"a": Rating.SENSITIVE, "b": Rating.EXPLICIT}
    assert words_rating("c, (a:1.1), b", rating_of=known.get) is Rating.EXPLICIT
    assert words_rating("c", rating_of=known.get) is Rating.SAFE
    assert words_rating("", rating_of=known.get) is Rating.SAFE
