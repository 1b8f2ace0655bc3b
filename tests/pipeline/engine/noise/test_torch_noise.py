# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Our random numbers against torch's, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.noise.torch_noise import TorchGenerator

# Elsewhere torch computes logarithm and sine by other means: the last bits differ.
EXACT = torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"}
SEEDS = [0, 1, 42, 2**31, 2**32 - 1]
SHAPES = [(1,), (2,), (15,), (16,), (17,), (31,), (33,), (100, 3), (1, 4, 16, 12), (1, 16, 3, 5)]


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:  # pyright: ignore[reportMissingTypeArgument]
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    if EXACT:
        np.testing.assert_array_equal(ours, theirs)
    else:
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_generator_gives_torchs_numbers_call_after_call(seed: int) -> None:
    theirs, ours = torch.Generator().manual_seed(seed), TorchGenerator(seed)
    for shape in [*SHAPES, *reversed(SHAPES)]:
        assert_same(ours.randn(*shape), torch.randn(shape, generator=theirs).numpy())


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_any_seed_and_sizes(seed: int, sizes: list[int]) -> None:
    theirs, ours = torch.Generator().manual_seed(seed), TorchGenerator(seed)
    for size in sizes:
        assert_same(ours.randn(size), torch.randn(size, generator=theirs).numpy())


def test_two_million_numbers() -> None:
    theirs = torch.randn(2_000_000, generator=torch.Generator().manual_seed(11)).numpy()
    assert_same(TorchGenerator(11).randn(2_000_000), theirs)
