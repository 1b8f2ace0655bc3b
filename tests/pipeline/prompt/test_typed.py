"""Typed tags are distinguished from added ones, and a command asks for the same picture."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.aspect import BUCKETS
from pipeline.card import MAX_PROMPT_CHARACTERS, MAX_STEPS, SCHEDULERS, QualityPreset, Style, Year
from pipeline.errors import InputError
from pipeline.prompt.pieces import join_pieces
from pipeline.prompt.typed import imagine_command, is_repeatable, own_negative, own_pieces
from pipeline.rating import Rating
from pipeline.request import DECIDED, GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, readable, resolve
from tests.pipeline.option_values import said_of

BEGIN = "/imagine prompt: "


def made(
    request: GenerationRequest, *, random_seed: Callable[[], int] = lambda: 77
) -> ResolvedRequest:
    return resolve(
        readable(request), defaults=Defaults(), ceiling=Rating.EXPLICIT, random_seed=random_seed,
        category_of=lambda _: None,
    )  # fmt: skip


def typed_in(request: GenerationRequest) -> str:
    return join_pieces(own_pieces(made(request)))


@pytest.mark.parametrize("preset", QualityPreset)
@pytest.mark.parametrize("style", [None, *Style])
def test_only_what_was_typed_is_left(preset: QualityPreset, style: Style | None) -> None:
    request = GenerationRequest(
        prompt="1girl, (smile:1.2), blue_eyes", negative_prompt="hat", preset=preset, style=style,
        rating=Rating.NSFW, year=Year.OLDEST,
    )  # fmt: skip
    assert typed_in(request) == "1girl, (smile:1.2), blue_eyes"
    assert own_negative(made(request)) == "hat"


def test_quality_tags_stay_where_somebody_typed_them() -> None:
    assert typed_in(GenerationRequest(prompt="1girl, masterpiece, safe")) == (
        "1girl, masterpiece, safe"
    )
    request = GenerationRequest(prompt="1girl", negative_prompt="lowres, hat")
    assert own_negative(made(request)) == "lowres, hat"


@pytest.mark.parametrize(
    "typed",
    ["1girl --niji 6 --cref https://private.example/face.png", "1girl, <lora:her_name:0.8>",
     "1girl --seed 5 --no hat"],
)  # fmt: skip
def test_nothing_is_told_that_is_not_in_the_final_prompt(typed: str) -> None:
    found = made(GenerationRequest(prompt=typed))
    assert join_pieces(own_pieces(found)) == "1girl"
    command = imagine_command(found, seed=5)
    for secret in ("private.example", "lora", "her_name", "niji"):
        assert secret not in command


@given(
    st.builds(
        GenerationRequest,
        **{each.field: said_of(each) for each in DECIDED},
        prompt=st.sampled_from(["1girl, smile", "(a, b:1.3), c", "x BREAK y, z", "猫, \\(x\\)"]),
        negative_prompt=st.sampled_from(["", "hat, (shoes:1.2)", "lowres"]),
        aspect=st.none() | st.sampled_from([bucket.pixels for bucket in BUCKETS]),
        style=st.none() | st.sampled_from(Style),
        year=st.none() | st.sampled_from(Year),
    )
)
def test_the_command_asks_for_the_same_picture(typed: GenerationRequest) -> None:
    sampler = typed.sampler or Defaults().sampler
    assume((typed.num_inference_steps or 1) <= SCHEDULERS[sampler].highest_steps(MAX_STEPS))
    first = made(typed)
    command = imagine_command(first, seed=first.seed_of(0))
    assert "\n" not in command
    assert command.startswith(BEGIN)
    second = made(GenerationRequest(prompt=command.removeprefix(BEGIN)), random_seed=lambda: 1)
    assert replace(second, original=first.original, hints=first.hints, count=first.count) == first
    assert second.count == Defaults().count


def test_a_picture_begun_from_another_has_no_seed_and_tells_nothing_of_it() -> None:
    request = GenerationRequest(prompt="1girl", init_picture="ab" * 32, strength=0.5)
    found = made(request)
    command = imagine_command(found, seed=5)
    assert not is_repeatable(found)
    assert "--seed" not in command
    assert "abab" not in command
    assert is_repeatable(made(GenerationRequest(prompt="1girl")))


def test_a_long_prompt_leaves_room_for_the_flags() -> None:
    tags = ", ".join(f"tag number {number}" for number in range(1000))[:MAX_PROMPT_CHARACTERS]
    found = made(GenerationRequest(prompt=tags, negative_prompt="hat"))
    typed = imagine_command(found, seed=5).removeprefix(BEGIN)
    assert len(typed) <= MAX_PROMPT_CHARACTERS
    try:
        assert made(GenerationRequest(prompt=typed)).seed == 5
    except InputError as error:
        pytest.fail(f"refused: {error.key}")
