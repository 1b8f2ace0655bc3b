"""The rules see everything that can be chosen, before anything is drawn."""

import itertools
import random
from collections.abc import Mapping
from typing import Any

import pytest

from bot.safety import choices
from bot.safety.choices import Checking, resolve_checked
from bot.safety.request import refuse_forbidden
from bot.safety.rules import may_begin, may_contain
from data.shipped.wildcards import shipped_wildcards
from pipeline.errors import InputError, RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, readable, resolve
from tests.support.vocabulary import vocabulary

MANY = ", __pose__, __place__, __hair_style__"
"""So many outcomes that their tags are checked instead."""


def resolved(
    prompt: str,
    *,
    lists: Mapping[str, tuple[str, ...]] | None = None,
    ceiling: Rating = Rating.EXPLICIT,
    **said: Any,
) -> ResolvedRequest:
    tags = vocabulary()
    checking = Checking(
        read=lambda request, alias_of: resolve(
            request,
            defaults=Defaults(),
            ceiling=ceiling,
            random_seed=lambda: 7,
            category_of=tags.category_of,
            alias_of=alias_of,
            series_of=tags.series_of,
        ),
        refuse=lambda made: refuse_forbidden(made, rating_of=tags.sexual_rating_of),
        may_begin=may_begin,
        may_contain=may_contain,
        random_seed=lambda: 7,
        alias_of=tags.alias_of,
        is_known=lambda name: tags.category_of(name) is not None,
        ceiling=ceiling,
    )
    request = readable(GenerationRequest(prompt=prompt, **said))
    return resolve_checked(request, {**shipped_wildcards(), **(lists or {})}, checking)


@pytest.mark.parametrize("more", ["", MANY])
@pytest.mark.parametrize(
    "prompt",
    [
        "{smile|loli}",
        "{lo|x}{li|y}",
        "{lo|x}, {li|y}",
        "{s|x}, {h|y}, {o|x}, {t|y}, {a|z}",
        "{s|x}, {h|}, {|o}, {t|}, {a|z}",
        "{lo|x} {|}{li|y}",
        "(lo{|x}{li|y}:1.2)",
        "__bad__",
        "{smile|__bad__}",
        "{lo|x}__end__",
        "{2$$$$lo|li|x}",
        "{2$$, $$lo|li|x}",
        "{ロ|x}{リ|y}",
        "{1|x}{5|y} years old, {nude|smile}",
        "{young|old} {girl|woman}, {nude|smile}",
        "{1|2}, {5|yo}, {nude|smile}",
        "{u|x}, {15|y}, {nude|smile}",
        "{nude|hat}, {child|bow}",
        "nude, ({adult|x}:{0|1})",
        "[hat:{smile|loli}:0.5]",
        "[{lo|a}:x:0.5], {li|y}",
        "[hat|{lo|x}li]",
    ],
)
def test_forbidden_words_of_any_outcome_are_refused(prompt: str, more: str) -> None:
    lists = {"bad": ("hat", "loli"), "end": ("li", "y")}
    for seed in (1, 2, 3):
        with pytest.raises(RefusedError, match="rule_"):
            resolved(prompt + more, lists=lists, seed=seed)


@pytest.mark.parametrize(
    "prompt",
    [
        "{child|nude}",
        "1girl, {child, hat|nude, smile}",
        "{hat|bow}, {a {child|x}|b {nude|y}}",
        "{0-1$$child|nude}",
        "__mixed__",
        "{nude|__young__}, smile",
        "[hat:{child|nude}:0.5]",
    ],
)
def test_what_is_never_chosen_together_is_allowed(prompt: str) -> None:
    lists = {
        "mixed": (*(f"hat{number}" for number in range(90)), "child", "bow", "nude", "tie", "kid"),
        "young": ("child", "kid", "toddler"),
    }
    for seed in range(4):
        made = resolved(prompt + MANY, lists=lists, seed=seed)
        assert made.rating is Rating.SAFE


def test_long_lists_may_mix_what_is_never_chosen_together() -> None:
    """However its entries are in order; but not beside a word that meets one of them."""
    entries = [f"{word} {number}" for number in range(12) for word in ("hat", "kid", "nude")]
    entries += [f"bow{number}" for number in range(200)]
    random.Random(3).shuffle(entries)
    lists = {"mixed": tuple(entries)}
    assert resolved("__mixed__" + MANY, lists=lists).rating is Rating.SAFE
    assert resolved("a girl with __mixed__, smile" + MANY, lists=lists).rating is Rating.SAFE
    for prompt in ("__mixed__, nude", "__mixed__, a child", "__mixed__, __mixed__"):
        with pytest.raises(RefusedError, match="rule_minor_sexual"):
            resolved(prompt + MANY, lists=lists)


def test_the_many_are_judged_as_they_are_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all outcomes would be allowed for is allowed together, but for rare ones, and nothing
    that one of them would be refused for."""
    rolled = random.Random(5)
    words = ("child", "nude", "smile", "lo", "li", "adult", "nsfw", "15", "years old", "girl", "")

    def choice(depth: int = 0) -> str:
        inner = [
            choice(1) if depth == 0 and rolled.random() < 0.2 else rolled.choice(words)
            for _ in range(rolled.randint(2, 3))
        ]
        return "{" + rolled.choice(("", "", "2$$", "0-1$$")) + "|".join(inner) + "}"

    def judged(prompt: str, listed: int) -> str:
        monkeypatch.setattr(choices, "MAX_LISTED", listed)
        try:
            return str(resolved(prompt, seed=1).rating)
        except RefusedError:
            return "refused"

    wrong = 0
    for _ in range(25):
        prompt = "hat, " + rolled.choice((", ", " ")).join(choice() for _ in range(2))
        one_by_one, together = (judged(prompt, listed) for listed in (400, 0))
        if one_by_one == "refused" or together != "refused":
            assert one_by_one == together, prompt
        else:
            wrong += 1
    assert wrong < 3


def test_brackets_that_a_choice_opens_do_not_hide_anything() -> None:
    with pytest.raises(RefusedError, match="rule_minor_coded"):
        resolved("{(|}lo{)|}{li|}")
    for seed in range(8):
        with pytest.raises((RefusedError, InputError), match=r"rule_minor_coded|choices_unchecked"):
            resolved("{(|}lo{)|}{li|}" + MANY, seed=seed)


SPLITS = [
    [word[:at], word[at:]] for word in ("loli", "shota", "toddlercon") for at in range(1, len(word))
] + [["lo", "l", "i"], ["s", "h", "o", "t", "a"], ["sh", "o", "ta"]]


@pytest.mark.parametrize("pieces", SPLITS, ids="-".join)
@pytest.mark.parametrize("glue", ["", ", "])
def test_all_splits_that_one_outcome_would_be_refused_for(pieces: list[str], glue: str) -> None:
    """Many outcomes are refused exactly where one of them is."""
    typed = glue.join("{" + piece + "|zzzzzzz}" for piece in pieces)
    outcomes = itertools.product(*([piece, "zzzzzzz"] for piece in pieces))

    def is_refused(prompt: str) -> bool:
        try:
            resolved(prompt)
        except RefusedError:
            return True
        return False

    one = any(is_refused(glue.join(outcome)) for outcome in outcomes)
    assert one or glue  # a comma parts long pieces
    assert is_refused(typed) == one
    assert is_refused(typed + MANY) == one


@pytest.mark.parametrize("more", ["", MANY])
@pytest.mark.parametrize(
    "prompt", ["1girl, {nsfw|x}", "1girl, {ns|x}{fw|y}", "{a|rating:explicit}"]
)
def test_a_rating_of_any_outcome_counts(prompt: str, more: str) -> None:
    with pytest.raises(RefusedError, match="rating_above_ceiling"):
        resolved(prompt + more, ceiling=Rating.SAFE)
    assert resolved(prompt + more).rating >= Rating.NSFW


@pytest.mark.parametrize(
    "prompt",
    [
        "1girl, {red|blue} hair, __pose__",
        "1girl, __hair_color__, __eye_color__, __hair_style__, __pose__, __place__, __outfit__",
        "1girl, {2-4$$__outfit__}, __time__, __weather__, __season__, __animal__, __view__",
        "a girl with __hair_color__ and __eye_color__ sitting in __place__ with a __animal__",
        "1girl, " + ", ".join(f"{{smile{number}|grin{number}}}" for number in range(30)),
        "1girl, {kid icarus|link}, {baby bird|cat}" + MANY,
    ],
)
def test_harmless_ones_are_drawn(prompt: str) -> None:
    assert len(resolved(prompt, count=4).chosen) == 4


@pytest.mark.parametrize("rating", [Rating.SAFE, Rating.NSFW])
def test_no_shipped_list_is_ever_refused(rating: Rating) -> None:
    for name in shipped_wildcards():
        assert resolved(f"1girl, __{name}__", rating=rating).rating == rating


def test_what_is_shipped_are_tags() -> None:
    tags = vocabulary()
    for name, entries in shipped_wildcards().items():
        assert len(entries) == len(set(entries)) > 3, name
        for each in entries:
            assert tags.category_of(each) is not None, each
            assert (tags.sexual_rating_of(each) or Rating.SAFE) == Rating.SAFE, each


@pytest.mark.parametrize(
    "prompt",
    [
        "{a b|c d} " * 300,
        "{5$$ and $$" + "|".join(f"word {number}" for number in range(100)) + "}",
        "__short__, __short__, __short__, __short__",
    ],
)
def test_what_can_not_be_checked_is_refused(prompt: str) -> None:
    short = tuple(a + b for a in "bcdfghjklmnpqrst" for b in "aeioulmnrsty")
    with pytest.raises(InputError, match="choices_unchecked"):
        resolved(prompt, lists={"short": short})


def test_each_picture_has_its_own() -> None:
    made = resolved("1girl, {a1|b1|c1|d1|e1|f1|g1} hair, {x1|y1|z1}", count=4, seed=100)
    prompts = [made.of(index).prompt for index in range(4)]
    assert len(set(prompts)) > 1
    assert made.original.prompt.startswith("1girl, {a1|")
    assert made.prompt == prompts[0]
    for index in range(4):
        alone = resolved("1girl, {a1|b1|c1|d1|e1|f1|g1} hair, {x1|y1|z1}", seed=100 + index)
        assert alone.of(0).prompt == prompts[index]
        assert made.of(index).original.prompt == alone.chosen[0].typed[0][1]


def test_variations_of_one_seed_have_the_same_words() -> None:
    said: dict[str, Any] = {"seed": 5, "variation_strength": 0.2, "variation_seed": 9, "count": 4}
    made = resolved("1girl, {a1|b1|c1|d1|e1|f1|g1} hair", **said)
    assert len({each.prompt for each in made.chosen}) == 1


def test_it_is_stored_with_what_was_chosen() -> None:
    made = resolved("1girl, {red|blue} hair", negative_prompt="{hat|bow}", count=3, seed=3)
    again = ResolvedRequest.from_json(made.to_json())
    assert again == made
    assert [again.of(index).negative_prompt for index in range(3)] == [
        each.negative_prompt for each in made.chosen
    ]
    assert {word for each in again.chosen for word in each.words} <= {"red", "blue", "hat", "bow"}


def test_a_request_without_choices_is_stored_as_before() -> None:
    assert "chosen" not in resolved("1girl, smile").to_json()
