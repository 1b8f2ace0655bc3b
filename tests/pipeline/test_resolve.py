import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.shipped.text import keys
from pipeline.aspect import parse_aspect
from pipeline.card import Sampler
from pipeline.describe import describe
from pipeline.errors import EkakiError, InputError, RefusedError
from pipeline.hints import Hint, HintKind
from pipeline.lora.recipe import Recipe
from pipeline.lora.use import LoraUse
from pipeline.prompt.loras import NO_LORAS, ChosenLoras
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, readable, resolve


def made(
    request: GenerationRequest,
    *,
    defaults: Defaults | None = None,
    ceiling: Rating = Rating.EXPLICIT,
    seed: int = 4711,
    loras: ChosenLoras = NO_LORAS,
) -> ResolvedRequest:
    return resolve(
        readable(request),
        defaults=defaults or Defaults(),
        ceiling=ceiling,
        random_seed=lambda: seed,
        category_of=lambda _: None,
        loras=loras,
    )


def refused(request: GenerationRequest, **how: object) -> EkakiError:
    with pytest.raises(EkakiError) as error:
        made(request, **how)  # type: ignore[arg-type]
    assert f"errors.{error.value.key}" in keys(), "every refusal has a text"
    return error.value


def test_the_cards_example_with_nothing_chosen_gets_the_cards_settings() -> None:
    result = made(GenerationRequest(prompt="1girl, solo"))
    assert result.prompt == (
        "1girl, solo, safe, masterpiece, best quality, very aesthetic, absurdres"
    )
    assert result.negative_prompt.startswith("nsfw, lowres, (bad), ")
    assert (result.width, result.height) == (832, 1216)
    assert (result.num_inference_steps, result.guidance_scale) == (28, 7.0)
    assert (result.sampler, result.seed, result.count) == (Sampler.EULER_A, 4711, 1)
    assert result.rating is Rating.SAFE


def test_flags_are_folded_into_the_request_so_that_it_can_be_replayed() -> None:
    result = made(GenerationRequest(prompt="1girl --ar 1:1 --seed 5 --no hat --steps 20 --cfg 6"))
    assert (result.width, result.height, result.seed) == (1024, 1024, 5)
    assert (result.num_inference_steps, result.guidance_scale) == (20, 6.0)
    assert result.negative_prompt.startswith("hat, nsfw")
    assert result.original.prompt == "1girl"
    assert made(result.original) == result


def test_an_operators_defaults_are_taken() -> None:
    defaults = Defaults(
        bucket=parse_aspect("square"), num_inference_steps=20, max_steps=10, quality_first=True
    )
    result = made(GenerationRequest(prompt="1girl"), defaults=defaults)
    assert (result.width, result.num_inference_steps) == (1024, 10)
    assert result.prompt.startswith("masterpiece, ")


@pytest.mark.parametrize(
    "prompt", ["", "   ", "\n\t", ",,,", "()", "([ , ])", "BREAK", "\u200b", "\x00\x07", "--ar 3:2"]
)
def test_a_prompt_that_says_nothing_is_refused(prompt: str) -> None:
    assert refused(GenerationRequest(prompt=prompt)).key == "prompt_empty"


def test_a_character_alone_is_a_prompt() -> None:
    result = made(GenerationRequest(character="ganyu_(genshin_impact)"))
    assert result.prompt.startswith(r"ganyu \(genshin impact\), safe")


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (GenerationRequest(prompt="a" * 6000), "prompt_too_long"),
        (GenerationRequest(prompt="a, " * 1000, tags="b" * 1001), "prompt_too_long"),
        (GenerationRequest(prompt="a", negative_prompt="b" * 4001), "negative_too_long"),
        (GenerationRequest(prompt="a", num_inference_steps=0), "steps_out_of_range"),
        (GenerationRequest(prompt="a", num_inference_steps=10_000), "steps_out_of_range"),
        (GenerationRequest(prompt="a --steps 61"), "steps_out_of_range"),
        (GenerationRequest(prompt="a --steps 51 --sampler LCM"), "steps_out_of_range"),
        (GenerationRequest(prompt="a", guidance_scale=0.5), "guidance_out_of_range"),
        (GenerationRequest(prompt="a", guidance_scale=float("nan")), "guidance_out_of_range"),
        (GenerationRequest(prompt="a", guidance_scale=float("inf")), "guidance_out_of_range"),
        (GenerationRequest(prompt="a", seed=-2), "seed_out_of_range"),
        (GenerationRequest(prompt="a", seed=2**32), "seed_out_of_range"),
        (GenerationRequest(prompt="a", count=0), "count_out_of_range"),
        (GenerationRequest(prompt="a", count=5), "count_out_of_range"),
        (GenerationRequest(prompt="a", aspect="abc"), "aspect_unknown"),
        (GenerationRequest(prompt="a", aspect="0:0"), "aspect_unknown"),
        (GenerationRequest(prompt="a --seed 1,5"), "flag_value"),
        (GenerationRequest(prompt="a --nijji"), "flag_unknown"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_own_name(
    request_: GenerationRequest, key: str
) -> None:
    error = refused(request_)
    assert isinstance(error, InputError)
    assert error.key == key


def test_bounds_themselves_are_accepted() -> None:
    for request in (
        GenerationRequest(prompt="a" * 4000),
        GenerationRequest(prompt="a", num_inference_steps=60, guidance_scale=20, count=4),
        GenerationRequest(prompt="a", num_inference_steps=1, guidance_scale=1, seed=2**32 - 1),
        GenerationRequest(prompt="a", num_inference_steps=50, sampler=Sampler.TCD),
    ):
        assert made(request).prompt.startswith("a")


def test_a_sampler_that_needs_a_lora_is_a_hint_unless_the_model_needs_it_too() -> None:
    request = GenerationRequest(prompt="1girl", sampler=Sampler.LCM)
    assert Hint(HintKind.SAMPLER, "LCM") in made(request).hints
    assert not made(request, defaults=Defaults(sampler=Sampler.LCM)).hints
    assert not made(replace(request, sampler=Sampler.EULER_TRAILING)).hints


def test_the_recipe_of_a_lora_counts_where_the_request_says_nothing() -> None:
    recipe = Recipe(num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.TCD)
    loras = ChosenLoras(uses=(LoraUse(name="few", strength=1.0),), recipe=recipe)

    def drawn(**said: Any) -> tuple[Sampler, int, float]:
        found = made(
            GenerationRequest(prompt="1girl", **said),
            defaults=Defaults(num_inference_steps=20, max_steps=6), loras=loras,
        )  # fmt: skip
        assert not found.hints
        return found.sampler, found.num_inference_steps, found.guidance_scale

    assert drawn() == (Sampler.TCD, 6, 1.0), "the server's limit holds"
    assert drawn(num_inference_steps=5, guidance_scale=2.0) == (Sampler.TCD, 5, 2.0)
    assert drawn(sampler=Sampler.EULER) == (Sampler.EULER, 6, 1.0)


def test_minus_one_and_nothing_are_a_random_seed() -> None:
    assert made(GenerationRequest(prompt="a", seed=-1), seed=9).seed == 9
    assert made(GenerationRequest(prompt="a"), seed=9).seed == 9
    assert made(GenerationRequest(prompt="a", seed=0), seed=9).seed == 0
    last = made(GenerationRequest(prompt="a", seed=2**32 - 1, count=2))
    assert [last.seed_of(i) for i in range(2)] == [2**32 - 1, 0]


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("1girl, nsfw", Rating.NSFW),
        ("1girl, (NSFW:1.2)", Rating.NSFW),
        ("1girl, ns(fw)", Rating.NSFW),
        ("1girl, ｎｓｆｗ", Rating.NSFW),
        ("1girl, ns\u200bfw", Rating.NSFW),
        ("1girl BREAK explicit", Rating.EXPLICIT),
        ("1girl, rating:explicit", Rating.EXPLICIT),
        ("1girl, rating: q", Rating.NSFW),
        ("a very nsfw picture", Rating.NSFW),
        ("1girl --rating explicit", Rating.EXPLICIT),
        ("1girl, sensitive", Rating.SENSITIVE),
    ],
)
def test_a_rating_word_in_the_prompt_requests_it(prompt: str, asked: Rating) -> None:
    assert made(GenerationRequest(prompt=prompt)).rating is asked
    error = refused(GenerationRequest(prompt=prompt), ceiling=Rating.SAFE)
    assert isinstance(error, RefusedError)
    assert error.key == "rating_above_ceiling"
    assert error.data == {"wish": asked.label, "ceiling": "safe"}


def test_the_default_rating_is_lowered_to_the_ceiling_without_a_word() -> None:
    defaults = Defaults(rating=Rating.NSFW)
    result = made(GenerationRequest(prompt="a"), defaults=defaults, ceiling=Rating.SENSITIVE)
    assert result.rating is Rating.SENSITIVE
    assert defaults.with_rating(None) is defaults
    assert defaults.with_rating(Rating.SAFE).rating is Rating.SAFE


def test_the_stronger_of_chosen_and_typed_rating_counts() -> None:
    request = GenerationRequest(prompt="a, nsfw", rating=Rating.SAFE)
    assert made(request).rating is Rating.NSFW
    assert refused(request, ceiling=Rating.SENSITIVE).key == "rating_above_ceiling"
    assert made(GenerationRequest(prompt="a", negative_prompt="nsfw")).rating is Rating.SAFE


@pytest.mark.parametrize(
    "text",
    [
        "1girl, 👩‍🎨, 🎨",
        "فتاة, ابتسامة",
        "1girl, שלום",
        "@everyone",
        "**bold** `code`",
        "'; DROP TABLE jobs; --",
        "笑顔, 空",
        "(a:99), [b], (c:nan)",
    ],
)
def test_odd_but_fine_text_reaches_the_prompt(text: str) -> None:
    assert made(GenerationRequest(prompt=text)).prompt.startswith(text)


def test_a_sad_face_does_not_open_a_bracket() -> None:
    result = made(GenerationRequest(prompt=">:(, 1girl, :( --no ;("))
    assert result.prompt.startswith(r"1girl, >:\(, :\(, safe, masterpiece")
    assert result.negative_prompt.startswith(r";\(, nsfw")
    assert made(result.original) == result


def test_control_characters_and_line_ends_do_not() -> None:
    result = made(GenerationRequest(prompt="1girl\x00,\r\nsmile\u202e\nhat\ud800"))
    assert result.prompt.startswith("1girl, smile, hat, safe")
    assert "\n" not in result.prompt


@pytest.mark.parametrize(
    "unit",
    ["(a", "a,", "[(", "a,BREAK ", "(a:1.1),", "\\", ":", "BREAK", "，a ", " --_--", "((a),"],
)
def test_long_prompts_take_time_in_proportion_to_their_length(unit: str) -> None:
    """Quadratic work on 4,000 characters would hold up the event loop for seconds."""

    def seconds(length: int) -> float:
        request = GenerationRequest(
            prompt=("a, " + unit * length)[:length], negative_prompt="(a" * (length // 2)
        )
        took: list[float] = []
        for _ in range(3):
            started = time.process_time()
            made(request)
            took.append(time.process_time() - started)
        return min(took)

    assert seconds(4000) < 9 * seconds(1000) + 0.05


@given(st.text(max_size=200), st.text(max_size=80), st.text(max_size=20))
def test_any_text_is_resolved_or_refused_in_words(prompt: str, negative: str, aspect: str) -> None:
    request = GenerationRequest(prompt=prompt, negative_prompt=negative, aspect=aspect or None)
    try:
        result = made(request)
    except EkakiError as error:
        refusal = f"errors.{error.key}"
    else:
        result.prompt.encode()
        assert made(result.original) == result
        refusal = None
    assert refusal is None or refusal in keys()


def test_a_description_leaves_nothing_out() -> None:
    result = made(GenerationRequest(prompt="smile, 1girl --no hat --ar 16:9", private=True))
    described = dict(describe(result))
    assert described["prompt"] == result.prompt
    assert described["size"] == "1344x768"
    assert described["seed"] == "4711"
    assert described["visibility"] == "private"
    assert described["typed_prompt"] == "smile, 1girl"
    assert "style" not in described
    assert {f"describe.{label}" for label in described} <= keys()
