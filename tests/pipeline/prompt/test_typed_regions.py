"""Regions as people type them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aspect import Bucket, parse_aspect
from pipeline.canvas import Extend
from pipeline.engine.region_shares import region_shares
from pipeline.errors import InputError
from pipeline.jsonfields import JsonFields
from pipeline.prompt.typed_regions import join_regions, split_regions, without_places
from pipeline.rating import Rating
from pipeline.regions import Place, Region, check_room, fitting_bucket
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, resolve


def split(prompt: str) -> tuple[str, list[tuple[str, str]]]:
    found = split_regions(prompt)
    return found.common, [(str(each.place), each.prompt) for each in found.regions]


@pytest.mark.parametrize(
    ("prompt", "common", "regions"),
    [
        ("2girls, park, left: red hair | right: blue hair", "2girls, park",
         [("left", "red hair"), ("right", "blue hair")]),
        ("left: a, b|right: c", "", [("left", "a, b"), ("right", "c")]),
        ("2girls | left: a | right: b", "2girls", [("left", "a"), ("right", "b")]),
        ("Right: a | LEFT : b", "", [("left", "b"), ("right", "a")]),
        ("x, left: a | center: b | right: c", "x",
         [("left", "a"), ("center", "b"), ("right", "c")]),
        ("bottom: a | middle: b | top: c", "", [("top", "c"), ("center", "b"), ("bottom", "a")]),
        ("女の子、左：a｜右：b", "女の子", [("left", "a"), ("right", "b")]),
        ("left: [a|b], (c:1.2) | right: {d|e}", "",
         [("left", "[a|b], (c:1.2)"), ("right", "{d|e}")]),
        ("1girl, left: arm up", "1girl, left: arm up", []),
        ("a | b", "a | b", []),
        ("[left: a|right: b]", "[left: a|right: b]", []),
        ("top: shirt, bottom: skirt", "top: shirt, bottom: skirt", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_places_are_read(prompt: str, common: str, regions: list[tuple[str, str]]) -> None:
    assert split(prompt) == (common, regions)


@pytest.mark.parametrize(
    "prompt",
    ["left: a | left: b", "left: a | top: b", "left: a | center: b", "left: a | b | right: c",
     "left: | right: b", "left: a | right: b | top: c | bottom: d", "x | right: b"],
)  # fmt: skip
def test_places_that_do_not_fit_are_refused(prompt: str) -> None:
    with pytest.raises(InputError, match="regions_unclear"):
        split_regions(prompt)
    assert without_places(prompt) == prompt


def resolved(prompt: str, **said: object) -> ResolvedRequest:
    return resolve(
        GenerationRequest(prompt=prompt, **said),  # pyright: ignore[reportArgumentType]
        defaults=Defaults(),
        ceiling=Rating.EXPLICIT,
        random_seed=lambda: 1,
        category_of=lambda _: None,
    )


def test_each_region_has_a_whole_prompt_and_all_are_told() -> None:
    made = resolved("park, 2girls, left: red hair | right: masterpiece, (hat:1.2)")
    quality = "best quality, very aesthetic, absurdres"
    assert [(each.place, each.prompt) for each in made.regions] == [
        (Place.LEFT, f"2girls, park, red hair, safe, masterpiece, {quality}"),
        (Place.RIGHT, "2girls, park, masterpiece, (hat:1.2), safe, very aesthetic, absurdres"),
    ]
    assert made.prompt == (
        f"2girls, park, safe, masterpiece, {quality}, "
        "left: red hair | right: masterpiece, (hat:1.2)"
    )
    assert made.hints == ()
    assert made.copies == 3
    assert resolved("1girl").copies == 2
    assert resolved("1girl", guidance_scale=1.0).copies == 1
    assert ResolvedRequest.from_json(made.to_json()) == made
    assert ResolvedRequest.from_json(resolved("1girl").to_json()).regions == ()
    assert [each.place for each in resolved(made.prompt).regions] == [Place.LEFT, Place.RIGHT]


def test_a_region_counts_for_the_rating_and_the_negative() -> None:
    made = resolved("2girls, left: red hair | right: questionable, lowres")
    assert made.rating is Rating.NSFW
    assert "lowres" not in made.negative_prompt
    with pytest.raises(InputError, match="prompt_empty"):
        resolved("left: (,) | right: (,)")


def regions(*places: Place) -> tuple[Region, ...]:
    return tuple(Region(place=each, prompt="a") for each in places)


TWO = regions(Place.LEFT, Place.RIGHT)
THREE = regions(Place.LEFT, Place.CENTER, Place.RIGHT)
STACKED = regions(Place.TOP, Place.CENTER, Place.BOTTOM)


def test_the_size_fits_the_regions_unless_it_was_said() -> None:
    side_by_side = "left: a | right: b"
    assert (resolved(side_by_side).width, resolved(side_by_side).height) == (1216, 832)
    assert resolved("left: a | center: b | right: c").width == 1344
    assert resolved("top: a | bottom: b").height == 1216
    assert resolved(side_by_side, aspect="portrait").width == 832
    assert fitting_bucket(parse_aspect("panorama"), THREE).name == "panorama"
    assert fitting_bucket(Bucket("", "", "", 1, 1), STACKED).name == "tall"


@pytest.mark.parametrize(
    ("given", "width", "height"),
    [(THREE, 832, 1216), (THREE, 640, 1536), (TWO, 640, 1536), (STACKED, 1216, 832)],
)
def test_narrow_regions_are_refused(given: tuple[Region, ...], width: int, height: int) -> None:
    with pytest.raises(InputError, match="regions_too_narrow") as caught:
        check_room(given, width=width, height=height)
    assert caught.value.data["better"] in {"1344x768", "1216x832", "768x1344"}


@pytest.mark.parametrize(
    ("given", "width", "height"),
    [(TWO, 832, 1216), (THREE, 1024, 1024), (STACKED, 832, 1216), ((), 1, 9999)],
)
def test_regions_with_room_are_drawn(given: tuple[Region, ...], width: int, height: int) -> None:
    check_room(given, width=width, height=height)


@pytest.mark.parametrize("given", [TWO, THREE, STACKED, regions(Place.TOP, Place.BOTTOM)])
def test_shares_are_soft_and_sum_to_one(given: tuple[Region, ...]) -> None:
    shares = region_shares(given, height=48, width=64)
    assert shares.shape == (len(given), 1, 48, 64)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)
    along = shares[:, 0, :, 0] if given[0].place is Place.TOP else shares[:, 0, 0, :]
    assert along[0, 0] == 1
    assert along[-1, -1] == 1
    assert (np.abs(np.diff(along)) < 0.25).all()
    np.testing.assert_allclose(along, along[::-1, ::-1], atol=1e-6)


def test_a_picture_with_regions_can_be_extended_in_any_direction() -> None:
    """Its figures are there already, and whoever extends it can't choose another size."""
    made = resolve(
        GenerationRequest(
            prompt="left: a | center: b | right: c", init_picture="0" * 64, extend=Extend.UP
        ),
        defaults=Defaults(),
        ceiling=Rating.EXPLICIT,
        random_seed=lambda: 1,
        category_of=lambda _: None,
        init_width=1152,
        init_height=1344,
    )
    assert (made.width, made.height, len(made.regions)) == (896, 1600, 3)


def test_stored_regions_that_are_none_are_an_error() -> None:
    stored = resolved("left: a | right: b").to_json()
    with pytest.raises(ValueError, match="middle"):
        ResolvedRequest.from_json(stored.replace('"place": "left"', '"place": "middle"'))
    assert "regions" in JsonFields.parse(stored)


PARTS = {Place.LEFT: "red hair, ", Place.RIGHT: " [cat|dog], (hat:1.2)\nsmile"}


@pytest.mark.parametrize(
    ("common", "prompt"),
    [
        ("2girls, park,", "2girls, park, left: red hair | right: [cat|dog], (hat:1.2) smile"),
        ("  ", "left: red hair | right: [cat|dog], (hat:1.2) smile"),
    ],
)
def test_a_form_becomes_a_prompt(common: str, prompt: str) -> None:
    assert join_regions(common, PARTS) == prompt


@pytest.mark.parametrize(
    ("common", "left"),
    [("2girls", "a | b"), ("2girls", ","), ("park (", "a"), ("2girls", "a | right: b"),
     ("left: c | center: d", "a"), ("x | y", "a"), ("x", "[a"), ("x", "left: a | right: b")],
)  # fmt: skip
def test_a_part_is_one(common: str, left: str) -> None:
    with pytest.raises(InputError) as caught:
        join_regions(common, PARTS | {Place.LEFT: left})
    assert caught.value.key == "region_not_one"


@given(*[st.text(st.sampled_from("ab ,:|()[]{}<>\\\n左：left"), max_size=12)] * 3)
def test_what_is_joined_is_split_again(common: str, left: str, right: str) -> None:
    try:
        joined = join_regions(common, {Place.LEFT: left, Place.RIGHT: right})
    except InputError:
        return
    assert [each.place for each in split_regions(joined).regions] == [Place.LEFT, Place.RIGHT]
