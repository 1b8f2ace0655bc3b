"""Wishes that begin from a picture: sizes, strengths, seeds, and what is written about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.shipped.text import keys
from pipeline.aspect import BUCKETS
from pipeline.describe import describe
from pipeline.errors import InputError
from pipeline.metadata.a1111 import parse_parameters
from pipeline.metadata.a1111_text import parameters_text
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, readable, resolve
from pipeline.rework import MAX_UPSCALED_PIXELS, Size, before_upscale, upscaled

HASH = "5e" * 32


def made(
    *,
    defaults: Defaults | None = None,
    width: int | None = None,
    height: int | None = None,
    **request: object,
) -> ResolvedRequest:
    seeds = iter((4711, 815, 2))
    return resolve(
        readable(GenerationRequest(prompt="1girl", **request)),  # type: ignore[arg-type]
        defaults=defaults or Defaults(),
        ceiling=Rating.EXPLICIT,
        random_seed=lambda: next(seeds),
        category_of=lambda _: None,
        init_width=width,
        init_height=height,
    )


def refused(**how: object) -> str:
    with pytest.raises(InputError) as error:
        made(**how)  # type: ignore[arg-type]
    assert f"errors.{error.value.key}" in keys(), "every refusal has a text"
    return error.value.key


def test_without_a_picture_nothing_of_it_is_decided() -> None:
    plain = made(strength=0.4)
    assert (plain.init_picture, plain.strength, plain.upscale_factor) == ("", 1.0, 1.0)
    assert (plain.variation_seed, plain.variation_strength) == (0, 0.0)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(400, 400, (1024, 1024)), (1000, 1500, (832, 1216)), (4000, 1000, (1536, 640))],
)
def test_the_size_is_the_bucket_nearest_to_the_picture(
    width: int, height: int, size: tuple[int, int]
) -> None:
    result = made(init_picture=HASH, width=width, height=height)
    assert (result.width, result.height) == size
    assert (result.init_picture, result.strength) == (HASH, 0.75)


def test_an_aspect_that_is_said_wins_over_the_pictures() -> None:
    result = made(init_picture=HASH, aspect="square", width=400, height=900, strength=0.4)
    assert (result.width, result.height, result.strength) == (1024, 1024, 0.4)
    typed = resolve(
        readable(GenerationRequest(prompt="1girl --ar 1:1", init_picture=HASH)),
        defaults=Defaults(),
        ceiling=Rating.EXPLICIT,
        random_seed=lambda: 0,
        category_of=lambda _: None,
        init_width=400,
        init_height=900,
    )
    assert (typed.width, typed.height) == (1024, 1024)


@pytest.mark.parametrize("strength", [0.0, 0.04, 1.01, float("nan"), -1.0])
def test_strengths_out_of_range_are_refused(strength: float) -> None:
    assert refused(init_picture=HASH, strength=strength) == "strength_out_of_range"


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_variations_out_of_range_are_refused(strength: float) -> None:
    assert refused(variation_strength=strength) == "variation_out_of_range"


def test_a_variation_without_a_seed_draws_one_and_counts_it_up() -> None:
    result = made(variation_strength=0.2, count=4)
    assert (result.seed, result.variation_seed) == (4711, 815)
    assert [result.seed_of(i) for i in range(4)] == [4711] * 4
    assert [result.variation_seed_of(i) for i in range(4)] == [815, 816, 817, 818]
    assert made(variation_strength=0.2, variation_seed=5).variation_seed == 5
    assert made(variation_strength=0.2, variation_seed=2**32 - 1).variation_seed_of(1) == 0
    assert refused(variation_strength=0.2, variation_seed=2**32) == "seed_out_of_range"


def test_upscaling_takes_the_pictures_size_and_the_demos_strength() -> None:
    result = made(
        init_picture=HASH, upscale=True, aspect="square", width=832, height=1216,
        defaults=Defaults(size_multiple=32),
    )  # fmt: skip
    assert (result.width, result.height) == (1248, 1824)
    assert (result.upscale_factor, result.strength) == (1.5, 0.55)


def test_a_model_may_want_upscales_of_another_strength() -> None:
    defaults = Defaults(upscale_strength=0.1)
    for said, strength in ((None, 0.1), (0.4, 0.4)):
        result = made(
            init_picture=HASH, upscale=True, strength=said, width=832, height=1216,
            defaults=defaults,
        )  # fmt: skip
        assert result.strength == strength
    assert made(init_picture=HASH, defaults=defaults).strength == 0.75


def test_upscaling_needs_a_picture_and_ends_somewhere() -> None:
    assert refused(upscale=True) == "upscale_needs_picture"
    assert refused(upscale=True, init_picture=HASH) == "upscale_needs_picture"
    again = {"upscale": True, "init_picture": HASH, "width": 1248, "height": 1824}
    assert refused(**again) == "upscale_too_large"


@pytest.mark.parametrize("multiple", [8, 16, 32, 64])
def test_every_bucket_can_be_enlarged_and_is_found_again(multiple: int) -> None:
    for bucket in BUCKETS:
        size = Size(width=bucket.width, height=bucket.height)
        large = upscaled(size, size_multiple=multiple)
        assert large.width % multiple == large.height % multiple == 0
        assert before_upscale(large, factor=1.5, size_multiple=multiple) == size


@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    multiple=st.sampled_from([8, 32, 64, 128]),
)
def test_enlarged_sizes_fit_the_model_and_memory(width: int, height: int, multiple: int) -> None:
    try:
        large = upscaled(Size(width=width, height=height), size_multiple=multiple)
    except InputError:
        assert width * height * 2.25 > MAX_UPSCALED_PIXELS * 0.8
        return
    assert large.width % multiple == large.height % multiple == 0
    assert large.width * large.height <= MAX_UPSCALED_PIXELS
    assert abs(large.width - width * 1.5) <= multiple
    assert abs(large.height - height * 1.5) <= multiple


def test_the_request_is_kept_whole_for_replaying() -> None:
    result = made(init_picture=HASH, strength=0.6, variation_strength=0.1, width=10, height=10)
    assert (result.original.init_picture, result.original.strength) == (HASH, 0.6)
    assert result.original.variation_strength == 0.1


def written(resolved: ResolvedRequest, index: int = 0) -> str:
    text = parameters_text(
        resolved, index=index, model_name="m", model_hash="abcdef1234", version="Ekaki"
    )
    return text.splitlines()[-1]


def test_the_text_of_an_enlarged_picture_is_a1111s() -> None:
    result = made(init_picture=HASH, upscale=True, width=832, height=1216, seed=1)
    assert written(result).endswith(
        "Seed: 1, Size: 832x1216, Model hash: abcdef1234, Model: m, Denoising strength: 0.55, "
        "RNG: CPU, Hires upscale: 1.5, Hires steps: 28, Hires upscaler: Latent (nearest-exact), "
        "Version: Ekaki"
    )
    read = parse_parameters(written(result))
    assert (read.denoising_strength, read.hires_upscale) == (0.55, 1.5)


def test_the_text_of_a_variation_is_a1111s() -> None:
    result = made(variation_strength=0.25, variation_seed=7, seed=1, init_picture=HASH)
    assert (
        "Seed: 1, Size: 832x1216, Model hash: abcdef1234, Model: m, Variation seed: 8, "
        "Variation seed strength: 0.25, Denoising strength: 0.75, Init image hash: 5e5e5e5e5e5e, "
        "RNG: CPU, Version"
    ) in written(result, index=1)
    read = parse_parameters(written(result, index=1))
    assert (read.variation_seed, read.variation_strength, read.seed) == (8, 0.25, 1)


def test_the_description_names_everything_and_only_what_is_there() -> None:
    plain = dict(describe(made()))
    assert not {"variation", "init_picture", "strength", "upscale"} & set(plain)
    full = made(init_picture=HASH, upscale=True, variation_strength=0.2, width=832, height=1216)
    described = dict(describe(full))
    assert described["variation"] == "815, 0.2"
    assert described["init_picture"] == HASH[:12]
    assert (described["strength"], described["upscale"]) == ("0.55", "1.5x")
    assert {f"describe.{label}" for label in described} <= keys()
