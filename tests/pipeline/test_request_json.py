import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.canvas import Extend
from pipeline.lora.use import LoraUse
from pipeline.rating import Rating
from pipeline.request import DECIDED, OPTIONS, GenerationRequest, ResolvedRequest
from tests.pipeline.option_values import TEXT, said_of, values_of

SEEDS = st.integers(0, 2**32 - 1)
REQUESTS = st.builds(
    GenerationRequest,
    **{each.field: said_of(each) for each in OPTIONS},
    init_picture=st.none() | TEXT,
    variation_seed=st.none() | st.integers(-1, 2**32 - 1),
    variation_strength=st.none() | st.floats(0, 1),
    mask=st.none() | TEXT,
    extend=st.none() | st.sampled_from(Extend),
    upscale=st.booleans(),
)
RESOLVED = st.builds(
    ResolvedRequest,
    **{each.field: values_of(each) for each in DECIDED},
    prompt=TEXT,
    negative_prompt=TEXT,
    width=st.integers(64, 2048),
    height=st.integers(64, 2048),
    private=st.booleans(),
    original=REQUESTS,
    init_picture=TEXT,
    strength=st.floats(0.05, 1),
    variation_seed=SEEDS,
    variation_strength=st.floats(0, 1),
    upscale_factor=st.sampled_from([1.0, 1.5]),
    mask=TEXT,
    extend=st.none() | st.sampled_from(Extend),
    loras=st.lists(
        st.builds(
            LoraUse,
            name=TEXT,
            strength=st.floats(allow_nan=False, allow_infinity=False),
            digest=TEXT,
            hash=TEXT,
        ),
        max_size=3,
    ).map(tuple),
)


@given(REQUESTS)
def test_a_request_comes_back_from_json(typed: GenerationRequest) -> None:
    assert GenerationRequest.from_json(typed.to_json()) == typed


@given(RESOLVED)
def test_a_decision_comes_back_from_json_with_its_request(resolved: ResolvedRequest) -> None:
    assert ResolvedRequest.from_json(resolved.to_json()) == resolved


def stored(**changes: object) -> dict[str, Any]:
    request = GenerationRequest(prompt="1girl", rating=Rating.NSFW, guidance_scale=7)
    values: dict[str, Any] = {
        "version": 1, "prompt": "1girl, nsfw", "negative_prompt": "", "width": 832,
        "height": 1216, "preset": "Standard v3.1", "rating": "nsfw", "sampler": "Euler a",
        "num_inference_steps": 28, "guidance_scale": 7, "seed": 1, "count": 1, "private": False,
        "wish": json.loads(request.to_json()),
    }  # fmt: skip
    return {**values, **changes}


def test_the_stored_words_are_values_and_labels() -> None:
    values = json.loads(ResolvedRequest.from_json(json.dumps(stored())).to_json())
    assert values == stored(wish=values["wish"])
    assert values["wish"]["rating"] == "nsfw"
    assert "seed" not in values["wish"], "what was not said is left out"


def test_a_request_of_an_earlier_version_has_no_loras() -> None:
    read = ResolvedRequest.from_json(json.dumps(stored()))
    assert read.loras == ()
    assert "loras" not in json.loads(read.to_json())


def test_keys_of_the_future_are_ignored() -> None:
    future = stored(version=9, strength=0.5)
    future["wish"]["image"] = {"id": 1}
    assert ResolvedRequest.from_json(json.dumps(future)).prompt == "1girl, nsfw"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"width": "832"}, "width"),
        ({"seed": True}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"prompt": None}, "prompt"),
        ({"private": 1}, "private"),
        ({"sampler": "UniPC"}, "UniPC"),
        ({"rating": "spicy"}, "spicy"),
        ({"wish": []}, "JSON object"),
        ({"loras": "ink"}, "loras"),
        ({"loras": ["ink"]}, "JSON object"),
        ({"loras": [{"name": "ink", "digest": ""}]}, "strength"),
        ({"loras": [{"name": "ink", "strength": 1}]}, "digest"),
        ({"loras": [{"name": "ink", "strength": float("nan"), "digest": ""}]}, "finite"),
    ],
)
def test_what_cannot_be_read_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ResolvedRequest.from_json(json.dumps(stored(**change)))
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error
        ResolvedRequest.from_json("{")


def test_requests_and_prompt_craft_import_neither_numpy_nor_pillow() -> None:
    code = (
        "import sys, pipeline.request, pipeline.resolve, pipeline.metadata.a1111_text,"
        " pipeline.describe,"
        " pipeline.prompt.chunks; print(sorted({'numpy', 'PIL', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
