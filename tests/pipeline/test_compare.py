"""Comparisons, as typed and as resolved."""

from dataclasses import replace

import pytest

from pipeline.card import Sampler, Style
from pipeline.compare import comparison_of, joined, read_comparison
from pipeline.errors import InputError
from pipeline.lora.typed import NO_LORA
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, resolve

WISH = GenerationRequest(prompt="1girl", compare="cfg: 5 | 7 | 9")


def resolved(request: GenerationRequest, seed: int = 7) -> ResolvedRequest:
    return resolve(
        request,
        defaults=Defaults(),
        ceiling=Rating.SAFE,
        random_seed=lambda: seed,
        category_of=lambda _: None,
    )


def compared(wish: GenerationRequest) -> ResolvedRequest:
    comparison = read_comparison(wish.compare or "")
    return joined(
        wish, [resolved(comparison.applied(wish, n)) for n in range(len(comparison.values))]
    )


@pytest.mark.parametrize(
    ("name", "typed", "text", "read"),
    [
        ("cfg", "5, 7,9.50", "cfg: 5 | 7 | 9.5", (5.0, 7.0, 9.5)),
        ("cfg", "5,5 | 7,5", "cfg: 5.5 | 7.5", (5.5, 7.5)),
        ("steps", "10|20", "steps: 10 | 20", (10, 20)),
        ("style", "none, manga", "style: none | Manga", (None, Style.MANGA)),
        ("sampler", "euler a|ddim", "sampler: Euler a | DDIM", (Sampler.EULER_A, Sampler.DDIM)),
        ("lora", "none | ink:0.5, b | ink", "lora: none | ink:0.5, b | ink",
         (None, "ink:0.5, b", "ink")),
    ],
)  # fmt: skip
def test_it_is_read_as_people_write_it(
    name: str, typed: str, text: str, read: tuple[object, ...]
) -> None:
    found = comparison_of(name, typed)
    assert (found.text, found.read) == (text, read)
    assert read_comparison(found.text) == found


@pytest.mark.parametrize(
    ("name", "typed", "key"),
    [
        ("prompt", "a|b", "compare_option"), ("cfg", "5", "compare_count"),
        ("cfg", "1,2,3,4,5", "compare_count"), ("cfg", "5|5.0", "compare_twice"),
        ("cfg", "5|abc", "compare_number"), ("cfg", "5|nan", "compare_number"),
        ("cfg", "5|1e9", "compare_number"), ("steps", "10|10.5", "compare_number"),
        ("style", "manga|x", "compare_value"), ("cfg", "none|5", "compare_number"),
        ("cfg", "|||", "compare_count"), ("cfg", "", "compare_count"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_says_why(name: str, typed: str, key: str) -> None:
    with pytest.raises(InputError) as error:
        comparison_of(name, typed)
    assert error.value.key == key


def test_each_picture_is_what_it_would_be_alone() -> None:
    made = compared(WISH)
    assert (made.count, [made.seed_of(n) for n in range(3)]) == (3, [7, 7, 7])
    for index, scale in enumerate((5.0, 7.0, 9.0)):
        alone = resolved(GenerationRequest(prompt="1girl", guidance_scale=scale, count=1))
        assert made.of(index) == alone
        assert made.index_in(index) == 0
    assert made.original == replace(WISH, count=3)


def test_it_is_stored_whole() -> None:
    wish = replace(WISH, compare="style: none | Manga | Anime")
    made = compared(wish)
    assert ResolvedRequest.from_json(made.to_json()) == made
    plain = resolved(GenerationRequest(prompt="1girl"))
    assert "compare" not in plain.to_json()
    assert plain.of(3) is plain


def test_without_loras_means_without_ones_own_too() -> None:
    comparison = comparison_of("lora", "none | ink:0.5")
    assert comparison.applied(WISH, 0).lora == NO_LORA


def test_a_damaged_one_is_an_error() -> None:
    text = replace(compared(WISH), count=2).to_json()
    with pytest.raises(ValueError, match="compared"):
        ResolvedRequest.from_json(text)
