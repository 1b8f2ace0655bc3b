"""Settings as flags: what is written is read again, and nothing is lost on the way."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aspect import BUCKETS
from pipeline.card import MAX_GUIDANCE, MAX_PROMPT_CHARACTERS, Sampler, Speed
from pipeline.errors import InputError
from pipeline.lora.typed import TypedLora
from pipeline.metadata.parameters import Parameters
from pipeline.prompt.flags import FLAGGED
from pipeline.prompt.flags_line import (
    MAX_LINE,
    cut_prompt,
    request_of,
    settings_line,
    with_settings,
)
from pipeline.request import GenerationRequest
from tests.pipeline.option_values import said_of

REQUESTS = st.builds(
    GenerationRequest,
    prompt=st.just("1girl"),
    **{
        each.field: said_of(each)
        for each in FLAGGED
        if each.default is None and each.field not in {"aspect", "lora"}
    },
    lora=st.none() | st.sampled_from(["ink", "ink:0.8, 墨絵 b:-1", ", ".join(["x" * 50] * 3)]),
    aspect=st.none() | st.sampled_from([bucket.pixels for bucket in BUCKETS]),
)


@given(REQUESTS)
def test_what_is_written_is_read_again(typed: GenerationRequest) -> None:
    line = settings_line(typed)
    assert len(line) < MAX_LINE
    assert with_settings(GenerationRequest(prompt="1girl"), line) == typed


def test_flags_in_the_prompt_win_and_no_adds_up() -> None:
    typed = GenerationRequest(prompt="1girl --steps 9 --no hat", negative_prompt="lowres")
    read = with_settings(typed, "--steps 20 --cfg 6 --no shoes")
    assert (read.prompt, read.num_inference_steps, read.guidance_scale) == ("1girl", 9, 6.0)
    assert read.negative_prompt == "lowres, hat, shoes"


def test_telephones_dashes_are_understood() -> None:
    assert with_settings(GenerationRequest(), "—steps 20 —seed 5").seed == 5


@pytest.mark.parametrize(
    ("line", "key"),
    [("20 steps", "settings_unreadable"), ("--warp 9", "flag_unknown"), ("--seed x", "flag_value")],
)
def test_what_cannot_be_read_is_named(line: str, key: str) -> None:
    with pytest.raises(InputError) as raised:
        with_settings(GenerationRequest(prompt="1girl"), line)
    assert raised.value.key == key


@given(st.text(max_size=200))
def test_any_line_is_read_or_refused(line: str) -> None:
    with suppress(InputError):
        with_settings(GenerationRequest(prompt="1girl"), line)


def test_a_strangers_numbers_become_ones_that_can_be_drawn() -> None:
    request = request_of(
        Parameters(
            prompt="a, " * 3000, num_inference_steps=500, guidance_scale=99.0, seed=2**60,
            width=10**18, height=5,
        ),
        max_steps=40,
    )  # fmt: skip
    assert (request.num_inference_steps, request.guidance_scale) == (40, MAX_GUIDANCE)
    assert (request.seed, request.aspect) == (None, None)
    assert len(request.prompt) <= MAX_PROMPT_CHARACTERS


def test_a_sampler_that_needs_a_lora_comes_with_one_or_not_at_all() -> None:
    """Alone, LCM with its few steps would draw noise."""
    loras = (TypedLora("lcm", 1.0),)
    theirs = Parameters(
        prompt="1girl", sampler=Sampler.LCM, num_inference_steps=60, guidance_scale=1.5, loras=loras
    )
    alone = request_of(theirs)
    assert (alone.sampler, alone.num_inference_steps, alone.guidance_scale) == (None, None, None)
    together = request_of(theirs, lora_of=lambda name: name)
    assert (together.sampler, together.guidance_scale) == (Sampler.LCM, 1.5)
    assert together.num_inference_steps == 50, "it can do no more"
    trailing = request_of(replace(theirs, sampler=Sampler.EULER_TRAILING))
    assert (trailing.sampler, trailing.num_inference_steps) == (Sampler.EULER_TRAILING, 60)


def test_a_draft_is_read_without_naming_what_makes_it_one() -> None:
    """The LoRA for drafts is the last that a file names. Without it there is no draft, and its few
    steps are not kept."""
    theirs = Parameters(
        prompt="1girl", sampler=Sampler.LCM, num_inference_steps=8, guidance_scale=1.0,
        loras=(TypedLora("ink", 0.7), TypedLora("quick", 1.0)), pairs={"Speed": "draft"},
    )  # fmt: skip
    here = request_of(theirs, lora_of=lambda name: name)
    assert (here.lora, here.speed, here.num_inference_steps) == ("ink:0.7", Speed.DRAFT, 8)
    without = request_of(theirs, lora_of={"ink": "ink"}.get)
    assert (without.lora, without.speed) == ("ink:0.7", None)
    assert (without.sampler, without.num_inference_steps) == (None, None)
    alone = request_of(replace(theirs, loras=theirs.loras[1:]), lora_of=lambda name: name)
    assert (alone.lora, alone.speed, alone.sampler) == (None, Speed.DRAFT, Sampler.LCM)


def test_a_long_prompt_is_cut_between_tags() -> None:
    cut = cut_prompt("night sky, " * 500)
    assert len(cut) <= MAX_PROMPT_CHARACTERS
    assert cut.endswith("night sky")
    assert len(cut_prompt("x" * 5000)) == MAX_PROMPT_CHARACTERS
