# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""The noise that a drawing begins from, varied; the step that img2img begins with."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.own import OwnEngine
from pipeline.engine.start import Variation, first_noise, first_step, slerp
from tests.pipeline.own_model import make_request, open_own

SHAPE = (1, 4, 19, 13)


@pytest.fixture(scope="module")
def tiny_engine(tiny_path: Path) -> OwnEngine:
    return open_own(tiny_path)


def noise(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return TorchGenerator(seed).randn(*SHAPE)


def on_the_arc(
    low: np.ndarray[tuple[int], np.dtype[np.float64]],
    high: np.ndarray[tuple[int], np.dtype[np.float64]],
    share: float,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The textbook formula for one pair of vectors, in double precision."""
    cosine = float(low @ high) / math.sqrt(float(low @ low) * float(high @ high))
    angle = math.acos(cosine)
    ends = math.sin((1 - share) * angle) * low + math.sin(share * angle) * high
    return ends / math.sin(angle)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_each_column_of_each_channel_is_turned_by_itself(share: float) -> None:
    """A1111's axes: its noise has no batch axis when it is blended, so dim=1 is the height."""
    low, high = noise(1), noise(2)
    blended = slerp(low, high, share)
    assert blended.dtype == np.float32
    for channel in range(4):
        for column in range(13):
            one = low[0, channel, :, column].astype(np.float64)
            other = high[0, channel, :, column].astype(np.float64)
            expected = on_the_arc(one, other, share)
            np.testing.assert_allclose(blended[0, channel, :, column], expected, atol=2e-5)


def test_the_ends_are_the_two_noises() -> None:
    low, high = noise(1), noise(2)
    np.testing.assert_allclose(slerp(low, high, 0.0), low, atol=1e-6)
    np.testing.assert_allclose(slerp(low, high, 1.0), high, atol=1e-6)


def test_blended_noise_is_as_loud_as_noise() -> None:
    """A straight blend would lose half of its variance in the middle: a grey, flat picture."""
    low = TorchGenerator(1).randn(1, 4, 152, 104)
    high = TorchGenerator(2).randn(1, 4, 152, 104)
    for share in (0.1, 0.5, 0.8):
        assert abs(float(slerp(low, high, share).std()) - 1) < 0.02


@given(seed=st.integers(0, 50), share=st.floats(0, 1))
def test_equal_opposite_and_empty_noise_give_numbers(seed: int, share: float) -> None:
    low = TorchGenerator(seed).randn(1, 2, 1, 3)  # one pixel high: only parallel vectors
    for high in (low, -low, np.zeros_like(low), TorchGenerator(seed + 1).randn(1, 2, 1, 3)):
        assert np.isfinite(slerp(low, high, share)).all()


def test_without_strength_the_noise_is_torchs_own() -> None:
    theirs = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3)).numpy()
    for variation in (None, Variation(seed=9, strength=0.0)):
        ours = first_noise(TorchGenerator(3), SHAPE, variation)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_variation_takes_nothing_from_the_seeds_later_noise() -> None:
    plain, varied = TorchGenerator(3), TorchGenerator(3)
    first_noise(plain, SHAPE, None)
    first_noise(varied, SHAPE, Variation(seed=9, strength=0.3))
    np.testing.assert_array_equal(plain.randn(*SHAPE), varied.randn(*SHAPE))


@pytest.mark.parametrize("steps", [1, 2, 20, 28, 49, 60])
@pytest.mark.parametrize("strength", [0.05, 0.3, 0.55, 0.75, 0.99, 1.0])
def test_the_first_step_is_diffusers_with_one_step_at_least(steps: int, strength: float) -> None:
    theirs = max(steps - min(int(steps * strength), steps), 0)  # get_timesteps of its img2img
    assert first_step(num_inference_steps=steps, strength=strength) == min(theirs, steps - 1)


def test_an_engine_varies_by_little(tiny_engine: OwnEngine) -> None:
    plain = tiny_engine.begin(make_request(seed=1), 0).latents
    other = tiny_engine.begin(make_request(seed=2), 0).latents
    far = [
        np.abs(
            tiny_engine.begin(
                make_request(seed=1, variation_seed=2, variation_strength=strength), 0
            ).latents
            - plain
        ).mean()
        for strength in (0.1, 0.3, 0.7, 1.0)
    ]
    assert far == sorted(far)
    assert far[0] < far[-1] / 3
    ends = tiny_engine.begin(make_request(seed=1, variation_seed=2, variation_strength=1.0), 0)
    np.testing.assert_allclose(ends.latents, other, atol=1e-4)
    second = tiny_engine.begin(make_request(seed=1, variation_seed=1, variation_strength=1.0), 1)
    np.testing.assert_allclose(second.latents, other, atol=1e-4)
