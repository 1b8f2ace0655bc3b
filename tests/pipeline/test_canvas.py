"""Sizes of redrawn and extended pictures, and where the source lies in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.areas import Area, box_of
from pipeline.aspect import BUCKETS
from pipeline.canvas import (
    MAX_EXTENDED_PIXELS,
    OVERLAP,
    Box,
    Extend,
    extended,
    kept_box,
    redrawn,
    source_box,
)
from pipeline.errors import InputError
from pipeline.rework import Size, upscaled
from tests.pipeline.test_rework import HASH, made, refused

SIZES = st.builds(Size, width=st.integers(1, 2048), height=st.integers(1, 2048))


@pytest.mark.parametrize("bucket", BUCKETS, ids=str)
def test_our_pictures_keep_their_size_when_a_part_is_redrawn(bucket: Size) -> None:
    size = Size(width=bucket.width, height=bucket.height)
    assert redrawn(size, size_multiple=64) == size
    larger = upscaled(size, size_multiple=32)
    assert redrawn(larger, size_multiple=32) == larger


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(60, 40, (1216, 832)), (831, 1216, (832, 1216)), (2048, 2048, (1024, 1024))],
)
def test_other_pictures_become_the_nearest_bucket(
    width: int, height: int, size: tuple[int, int]
) -> None:
    found = redrawn(Size(width=width, height=height), size_multiple=64)
    assert (found.width, found.height) == size


@pytest.mark.parametrize(
    ("extend", "size", "box"),
    [
        (Extend.LEFT, (1248, 1216), (416, 0, 1248, 1216)),
        (Extend.RIGHT, (1248, 1216), (0, 0, 832, 1216)),
        (Extend.UP, (832, 1824), (0, 608, 832, 1824)),
        (Extend.SQUARE, (1216, 1216), (192, 0, 1024, 1216)),
        (Extend.ZOOM_1_5, (832, 1216), (138, 202, 693, 1013)),
        (Extend.ZOOM_2, (832, 1216), (208, 304, 624, 912)),
    ],
)
def test_a_portrait_extended(
    extend: Extend, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    source = Size(width=832, height=1216)
    canvas = extended(source, extend, size_multiple=32)
    assert (canvas.width, canvas.height) == size
    found = source_box(source, canvas, extend)
    assert (found.left, found.top, found.right, found.bottom) == box


@given(SIZES, st.sampled_from(Extend), st.sampled_from([8, 16, 32, 64]))
def test_any_picture_lies_on_its_canvas_with_something_new_beside_it(
    picture: Size, extend: Extend, multiple: int
) -> None:
    source = redrawn(picture, size_multiple=multiple)
    if extend is Extend.SQUARE and source.width == source.height:
        return
    canvas = extended(source, extend, size_multiple=multiple)
    assert canvas.width % multiple == canvas.height % multiple == 0
    assert 0 < canvas.width * canvas.height <= MAX_EXTENDED_PIXELS
    box = source_box(source, canvas, extend)
    assert 0 <= box.left < box.right <= canvas.width
    assert 0 <= box.top < box.bottom <= canvas.height
    kept = kept_box(box, canvas, block=multiple)
    assert box.left <= kept.left < kept.right <= box.right
    assert box.top <= kept.top < kept.bottom <= box.bottom


def test_the_source_is_redrawn_along_the_edge_where_something_new_adjoins() -> None:
    canvas = Size(width=1248, height=1216)
    box = Box(left=416, top=0, right=1248, bottom=1216)
    kept = Box(left=416 + OVERLAP, top=0, right=1248, bottom=1216)
    assert kept_box(box, canvas, block=8) == kept
    inside = kept_box(Box(left=138, top=202, right=693, bottom=1013), canvas, block=64)
    assert inside == Box(left=192, top=256, right=640, bottom=960), "whole blocks of latents"


def test_a_square_is_square_already() -> None:
    with pytest.raises(InputError, match="already_square"):
        extended(Size(width=1024, height=1024), Extend.SQUARE, size_multiple=32)


@pytest.mark.parametrize("area", Area)
def test_areas_lie_within_the_picture(area: Area) -> None:
    box, _ = box_of(area, Size(width=832, height=1216))
    assert 0 <= box.left < box.right <= 832
    assert 0 <= box.top < box.bottom <= 1216


def test_a_mask_decides_the_size_and_an_aspect_does_not() -> None:
    result = made(init_picture=HASH, mask="ab" * 32, aspect="square", width=832, height=1216)
    assert (result.width, result.height, result.strength) == (832, 1216, 0.75)
    assert (result.mask, result.extend) == ("ab" * 32, None)
    wider = made(init_picture=HASH, extend=Extend.LEFT, aspect="square", width=832, height=1216)
    assert (wider.width, wider.height, wider.strength) == (1216, 1216, 0.95)
    assert (wider.mask, wider.extend) == ("", Extend.LEFT)


def test_a_mask_needs_a_picture_and_goes_with_nothing_else() -> None:
    assert refused(mask="ab" * 32) == "mask_needs_picture"
    assert refused(extend=Extend.UP) == "mask_needs_picture"
    both = {"mask": "ab" * 32, "extend": Extend.UP}
    assert refused(init_picture=HASH, width=832, height=1216, **both) == "mask_alone"
    more = {"mask": "ab" * 32, "upscale": True}
    assert refused(init_picture=HASH, width=832, height=1216, **more) == "mask_alone"
