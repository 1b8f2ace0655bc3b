"""Rules and limits read every text of a prompt that changes while it is drawn."""

from dataclasses import replace
from typing import Any

import pytest

from bot.jobs.accept.decide import JobRules, decide
from bot.jobs.draw.eta import cost_of
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import InputError, RefusedError
from pipeline.hints import HintKind
from pipeline.prompt.drawn_texts import StepTexts, different_texts
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults
from pipeline.tag_category import TagCategory
from tests.bot.jobs.accept.test_aliases import KNOWN, NO_LIMITS, ORIGIN

OWN = ModelDescription(
    name="m", repository="", revision="", hash="", precision="fp32", provider="", engine="own",
    notice="", size_multiple=8, vae_scale_factor=8,
)  # fmt: skip


def _category(name: str) -> TagCategory | None:
    return TagCategory.GENERAL if name.replace(" ", "").isalnum() else None


def drawn(
    *,
    ceiling: Rating = Rating.EXPLICIT,
    blocked: frozenset[str] = frozenset(),
    model: ModelDescription = OWN,
    **request: Any,
) -> ResolvedRequest:
    rules = JobRules(
        defaults=Defaults(), limits=NO_LIMITS, category_of=_category,
        rating_of=lambda _: None, max_age_s=1, output_check=True,
    )  # fmt: skip
    known = replace(KNOWN, ceiling=ceiling, words=replace(KNOWN.words, blocked=blocked))
    return decide(GenerationRequest(**request), ORIGIN, known, rules, model=model).request


@pytest.mark.parametrize(
    "prompt",
    [
        "[loli:1girl:0.9]",
        "1girl, [smile:[hat:loli:3]:0.5]",
        "1girl, [smile|loli]",
        "1girl, lo[li:0.5]",
        "1girl, lo[li|]",
        "1girl, ([lol:x:0.1]i:1.2)",
        "1girl, [SEQ:a:0.1:loli:0.8:c:1]",
    ],
)
def test_forbidden_words_are_found_at_every_step(prompt: str) -> None:
    with pytest.raises(RefusedError, match="rule_minor_coded"):
        drawn(prompt=prompt)


@pytest.mark.parametrize("prompt", ["[child:nude:0.5]", "[child|nude]", "nude, [child::1]"])
def test_words_of_different_steps_make_one_picture(prompt: str) -> None:
    with pytest.raises(RefusedError, match="rule_minor_sexual"):
        drawn(prompt=prompt)


def test_the_negative_of_no_step_removes_adults() -> None:
    with pytest.raises(RefusedError, match="rule_adult_removed"):
        drawn(prompt="1girl, nude", negative_prompt="[hat:adult:0.5]", rating=Rating.EXPLICIT)


@pytest.mark.parametrize(
    ("prompt", "steps"),
    [("1girl, [smile:nsfw:0.9]", 28), ("1girl, [smile|explicit]", 28), ("1girl, ns[fw|]", 28),
     ("1girl, ns[fw:0.5][x:20]", 28), ("1girl, [questionable:5]", 28)],
)  # fmt: skip
def test_the_rating_is_that_of_the_strongest_step(prompt: str, steps: int) -> None:
    with pytest.raises(RefusedError, match="rating_above_ceiling"):
        drawn(prompt=prompt, ceiling=Rating.SENSITIVE, num_inference_steps=steps)
    assert drawn(prompt=prompt, num_inference_steps=steps).rating >= Rating.NSFW


@pytest.mark.parametrize("prompt", ["1girl, [hat:gore:0.5]", "1girl, [hat|gore]", "go[re:3]"])
def test_words_of_the_server_are_found_at_every_step(prompt: str) -> None:
    with pytest.raises(RefusedError, match="server_rule"):
        drawn(prompt=prompt, blocked=frozenset({"gore"}))
    drawn(prompt=prompt.replace("g", "m"), blocked=frozenset({"gore"}))


def test_what_is_drawn_keeps_its_schedule() -> None:
    made = drawn(prompt="[smile:angry:0.5], 1girl, [red|blue] hair", negative_prompt="[hat:5]")
    assert made.prompt.startswith("1girl, [smile:angry:0.5], [red|blue] hair, ")
    assert made.negative_prompt.startswith("[hat:5], ")
    assert made.hints == ()
    assert ResolvedRequest.from_json(made.to_json()) == made
    assert len(different_texts(made)) == 6  # hat begins at an odd step


def test_pieces_that_change_take_the_place_of_what_they_are() -> None:
    made = drawn(prompt="smile, [1girl:1boy:0.5], [smile:0.5], smile")
    assert made.prompt.startswith("[1girl:1boy:0.5], smile, [smile:0.5], ")


@pytest.mark.parametrize(
    "prompt",
    ["[" + "|".join(f"tag{n}" for n in range(17)) + "]", "[a|b] [c|d|e] [f|g|h|i|j]",
     "".join(f"[x{n}:{n}]" for n in range(1, 18)),
     "".join(f"[{'a' * n}|{'b' * n}{'|c' * (n % 9)}]" for n in range(50))],
)  # fmt: skip
def test_too_many_texts_are_refused(prompt: str) -> None:
    with pytest.raises(InputError, match="prompt_changes_too_often"):
        drawn(prompt=f"1girl, {prompt}")


def test_an_engine_that_cannot_change_says_so() -> None:
    made = drawn(prompt="1girl, [smile:angry:0.5]", model=replace(OWN, engine="stock"))
    assert made.prompt.startswith("1girl, smile, ")
    assert [(each.kind, each.typed, each.used) for each in made.hints] == [
        (HintKind.UNCHANGING, "[smile:angry:0.5]", "smile")
    ]
    assert different_texts(made) == (StepTexts((made.prompt,), made.negative_prompt),)


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ("2girls, left: loli | right: smile", "rule_minor_coded"),
        ("left: child | right: nude", "rule_minor_sexual"),
        ("nude, left: hat | right: [smile:child:0.9]", "rule_minor_sexual"),
        ("left: smile | right: g[or:3]e, gore", "server_rule"),
        ("lo, left: hat | right: [lo:3]li", "rule_minor_coded"),
    ],
)
def test_rules_read_every_region(prompt: str, rule: str) -> None:
    with pytest.raises(RefusedError, match=rule):
        drawn(prompt=prompt, blocked=frozenset({"gore"}))


def test_regions_are_refused_where_they_cannot_be_drawn() -> None:
    with pytest.raises(InputError, match="regions_unavailable"):
        drawn(prompt="left: hat | right: smile", model=replace(OWN, engine="stock"))
    with pytest.raises(InputError, match="regions_too_narrow"):
        drawn(prompt="left: a | center: b | right: c", aspect="portrait")
    with pytest.raises(RefusedError, match="rating_above_ceiling"):
        drawn(prompt="left: hat | right: questionable", ceiling=Rating.SAFE)
    made = drawn(prompt="2girls, left: red hair | right: blue hair")
    assert made.hints == ()
    assert cost_of(made) == pytest.approx(1.5 * cost_of(replace(made, regions=())))


def test_choices_are_made_inside_regions() -> None:
    made = drawn(
        prompt="2girls, left: {red|blue|green} hair | right: {red|blue|green} hair, {smile|hat}",
        count=4,
        seed=3,
    )
    assert len(made.chosen) == 4
    assert len({each.regions for each in made.chosen}) > 1
    for index, each in enumerate(made.chosen):
        of = made.of(index)
        assert of.regions == each.regions
        assert all(region.prompt.startswith("2girls, ") for region in of.regions)
        assert not any("{" in region.prompt for region in of.regions)
    assert ResolvedRequest.from_json(made.to_json()) == made
    with pytest.raises(RefusedError, match="rule_minor_coded"):
        drawn(prompt="2girls, left: hat | right: {smile|loli}")
