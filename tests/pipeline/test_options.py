"""The table of what a person may say about a picture: complete, and in step with what reads it."""

from dataclasses import fields

import pytest

from data.shipped.text import keys, languages
from pipeline.card import Sampler
from pipeline.options import Option
from pipeline.prompt.flags import parse_flags
from pipeline.request import DECIDED, OPTIONS, GenerationRequest, ResolvedRequest, decided

_NUMBERS = [each for each in OPTIONS if each.kind in {int, float}]


def test_names_and_flags_are_told_apart() -> None:
    flags = [flag for each in OPTIONS for flag in each.flags]
    assert len(set(flags)) == len(flags)
    assert len({each.name for each in OPTIONS}) == len(OPTIONS)


def test_what_is_decided_is_a_field_of_both_requests() -> None:
    resolved = {each.name for each in fields(ResolvedRequest)}
    assert {each.field for each in DECIDED} <= resolved
    assert all(each.default is None for each in DECIDED)
    assert {"seed", "sampler", "guidance_scale"} <= {each.field for each in DECIDED}


def test_what_was_decided_makes_the_same_request_again() -> None:
    stored = (
        '{"prompt": "a", "negative_prompt": "", "width": 64, "height": 64, "preset": "None",'
        ' "rating": "nsfw", "sampler": "DDIM", "num_inference_steps": 5, "guidance_scale": 6,'
        ' "seed": 7, "count": 2, "private": false, "wish": {"prompt": "a"}}'
    )
    resolved = ResolvedRequest.from_json(stored)
    assert resolved.guidance_scale == 6.0
    request = GenerationRequest(prompt="a", **decided(resolved))
    assert GenerationRequest.from_json(request.to_json()) == request
    assert (request.seed, request.count, request.num_inference_steps) == (7, 2, 5)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda each: each.field)
@pytest.mark.parametrize("language", sorted(languages()))
def test_every_option_has_its_texts(option: Option, language: str) -> None:
    wanted = {f"imagine.option_{option.field}"}
    if option in DECIDED:
        wanted.add(f"describe.{option.label}")
    if option in _NUMBERS:
        wanted.add(f"errors.{option.label}_out_of_range")
    if option in _NUMBERS and option.in_preset:
        wanted.add(f"preset.{option.name}")
    if option in _NUMBERS and option.a1111:
        wanted.add(f"left_out.{option.label}")
    assert wanted <= keys(language)


def test_samplers_for_distilled_models_are_accepted_but_not_offered() -> None:
    option = next(each for each in OPTIONS if each.field == "sampler")
    assert option.choices == (
        "Euler a", "Euler", "DDIM", "DPM++ 2M Karras", "DPM++ 2M SDE Karras", "DPM++ SDE Karras",
    )  # fmt: skip
    assert set(option.words) - set(option.choices) == {"Euler SGM Uniform", "LCM", "TCD"}
    assert parse_flags("1girl --sampler lcm").values == {"sampler": Sampler.LCM}


@pytest.mark.parametrize("option", _NUMBERS, ids=lambda each: each.field)
def test_every_number_has_bounds(option: Option) -> None:
    assert option.low is not None
    assert option.high is not None
    assert option.low < option.high
