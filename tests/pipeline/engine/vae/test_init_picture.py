# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Pictures of any kind become RGB of the requested size; latents grow as in torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.engine.vae.init_picture import cover, nearest_exact, to_pixels


def colour(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return tuple(int(level) for level in found)


def striped() -> Image.Image:
    """Red left, green in the middle, blue right: 90 x 30."""
    image = Image.new("RGB", (90, 30), (0, 255, 0))
    image.paste((255, 0, 0), (0, 0, 30, 30))
    image.paste((0, 0, 255), (60, 0, 90, 30))
    return image


def test_the_middle_is_kept_and_nothing_is_stretched() -> None:
    square = cover(striped(), width=60, height=60)
    assert (square.width, square.height) == (60, 60)
    assert {colour(square, x, 30) for x in (9, 30, 50)} == {(0, 255, 0)}


def test_a_picture_of_that_size_stays_to_the_bit() -> None:
    same = cover(striped(), width=90, height=30)
    assert same.tobytes() == striped().tobytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "1", "I;16"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (50, 40)])
def test_every_mode_and_shape_becomes_rgb(mode: str, width: int, height: int) -> None:
    made = cover(Image.new(mode, (width, height)), width=64, height=32)
    assert (made.mode, made.width, made.height) == ("RGB", 64, 32)


def test_what_is_transparent_becomes_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert colour(cover(clear, width=8, height=8), 3, 3) == (255, 255, 255)
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30])
    palette.info["transparency"] = 0
    assert colour(cover(palette, width=8, height=8), 3, 3) == (255, 255, 255)


def test_a_photograph_stands_upright() -> None:
    lying = striped()
    lying.getexif()[0x0112] = 6  # orientation: turn by 90 degrees clockwise
    upright = cover(lying, width=30, height=90)
    assert colour(upright, 15, 5) == (255, 0, 0)
    assert colour(upright, 15, 85) == (0, 0, 255)


def test_pixels_go_from_minus_one_to_one() -> None:
    image = Image.new("RGB", (2, 1), (0, 255, 51))
    pixels = to_pixels(image)
    assert (pixels.dtype, pixels.shape) == (np.float32, (1, 3, 1, 2))
    np.testing.assert_allclose(pixels[0, :, 0, 0], [-1, 1, -0.6], atol=1e-6)


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    wanted=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_latents_grow_as_in_torch(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    latents = np.arange(2 * size[0] * size[1], dtype=np.float32).reshape(1, 2, *size)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(latents), size=wanted, mode="nearest-exact"
    )
    ours = nearest_exact(latents, height=wanted[0], width=wanted[1])
    np.testing.assert_array_equal(ours, theirs.numpy())
