"""Latents, framing, degradation and measured colours; the drawings where skia is installed."""

import random
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.demo.degrade import degrade
from training.demo.framing import PAIR_SIZES, SIZES, framing
from training.demo.latents import CELL, CHANNELS, SCALE, fit, patches_of, picture_of, shrunk
from training.demo.look import Look, sample_look
from training.demo.measure import measured
from training.demo.pairs import sample_pair

draws = pytest.mark.skipif(
    find_spec("skia") is None, reason="skia-python is not installed (pip install -e '.[train]')"
)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_the_head_is_large_and_inside_in_every_size(width: int, height: int, shift: int):
    place = framing(width, height, shift=shift)
    assert width % CELL == 0
    assert height % CELL == 0
    assert (place.x - width / 2) % CELL == 0, "a shift by part of a latent pixel costs the model"
    left, right = place.x - 240 * place.scale, place.x + 240 * place.scale
    top, bottom = place.y - 330 * place.scale, place.y + 256 * place.scale
    assert left > 0
    assert right < width
    assert top > 0
    assert bottom < height
    assert 2 * 240 * place.scale > 0.33 * min(width, height * 1.2)


@pytest.mark.parametrize(("width", "height"), PAIR_SIZES)
def test_two_heads_stand_side_by_side_in_their_halves(width: int, height: int):
    left, right = (framing(width, height, side=side) for side in (-1, 1))
    assert left.scale == right.scale
    assert left.x + right.x == width
    assert (left.x - width / 2) % CELL == 0, "half a latent pixel off costs the model"
    assert left.x - 240 * left.scale > 0
    assert left.x + 240 * left.scale < width / 2
    assert left.y - 330 * left.scale > 0


def test_patches_are_undone_exactly():
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    assert np.array_equal(picture_of(patches_of(noise)), noise)


def test_the_linear_encoder_keeps_what_spans_its_components():
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((CHANNELS, 192)).astype(np.float32) / 30
    patches = (rng.standard_normal((4000, CHANNELS)) @ basis).astype(np.float32)
    encoder, kept = fit(patches, np.ones(len(patches), np.float32))
    latents = (patches - encoder.mean) @ encoder.encode
    assert kept == pytest.approx(1, abs=1e-4)
    assert latents @ encoder.decode + encoder.mean == pytest.approx(patches, abs=1e-3)
    assert latents.var() == pytest.approx(1, abs=0.05)


@given(st.integers(min_value=0, max_value=10**6))
def test_degrading_keeps_the_tint(seed: int):
    """A tinted negative prompt would turn every picture the other way."""
    rng = random.Random(seed)
    colour = np.array([rng.randrange(60, 196) for _ in range(3)], np.uint8)
    flat = np.broadcast_to(colour, (64, 64, 3)).copy()
    worse = degrade(flat, rng)
    assert worse.shape == flat.shape
    assert (worse != flat).any()
    assert worse.mean((0, 1)) == pytest.approx(colour, abs=1.5)


@draws
def test_a_drawing_is_a_function_of_its_look():
    from training.demo.drawing import render

    look = sample_look(random.Random(3))
    first, second = (render(look, width=1024, height=1024, scale=SCALE) for _ in range(2))
    assert first.shape == (128, 128, 3)
    assert np.array_equal(first, second)


@draws
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_colours_of_drawings_are_measured_right(width: int, height: int):
    from training.demo.drawing import render

    rng = random.Random(width)
    right: list[bool] = []
    for _ in range(25):
        look = sample_look(rng, placards=False)
        look = replace(look, lids="open", scarf=False)
        small = shrunk(render(look, width=width, height=height, scale=0.25), 2)
        found = measured(small, width=width, height=height)
        right += [found["hair"] == look.hair, found["eyes"] == look.eyes]
        right += [found["clothes"] == look.clothes]
    assert sum(right) / len(right) > 0.9


@draws
@pytest.mark.parametrize(("width", "height"), PAIR_SIZES)
def test_colours_of_two_figures_are_measured_right(width: int, height: int):
    from training.demo.drawing import render_pair

    rng = random.Random(width)
    right: list[bool] = []
    for _ in range(12):
        pair = sample_pair(rng)
        pair = replace(pair, left=_open(pair.left), right=_open(pair.right))
        small = shrunk(render_pair(pair, width=width, height=height, scale=0.25), 2)
        for look, side in ((pair.left, -1), (pair.right, 1)):
            found = measured(small, width=width, height=height, side=side)
            right += [found["hair"] == look.hair, found["eyes"] == look.eyes]
            right += [found["clothes"] == look.clothes]
    assert sum(right) / len(right) > 0.9


def _open(look: Look) -> Look:
    return replace(look, lids="open", scarf=False)


@draws
@pytest.mark.parametrize("rating", ["nsfw", "explicit"])
def test_a_placard_covers_the_figure(rating: str):
    from training.demo.drawing import render

    look = replace(sample_look(random.Random(5), placards=False), rating="safe")
    person = render(look, width=1024, height=1024, scale=SCALE)
    placard = render(replace(look, rating=rating), width=1024, height=1024, scale=SCALE)
    changed = (np.abs(person.astype(int) - placard.astype(int)).max(-1) > 20).mean()
    assert changed > 0.2
    assert (placard[60:70, 34:94].astype(int).sum(-1) > 740).mean() > 0.3, "the sign is white"
