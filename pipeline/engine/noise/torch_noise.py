"""torch's CPU random numbers in numpy, so that a seed means the same picture as in diffusers.

Source: PyTorch, `aten/src/ATen/core/DistributionsHelper.h` and
`native/cpu/DistributionTemplates.h` (`normal_fill`, `normal_fill_16`). Equal to the bit to torch
on x86 with AVX2 (tests compare millions of numbers); elsewhere torch itself differs in the last
bits, below 1e-6.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.noise import cephes

_BLOCK: Final = 16  # normal_fill_16 makes 16 normal numbers of 16 uniform ones
_HALF: Final = _BLOCK // 2
_FLOAT_BITS: Final = 24  # a uniform float32 is the low 24 bits of one 32-bit number
_DOUBLE_BITS: Final = 53  # a uniform float64 is the low 53 bits of two of them


class TorchGenerator:
    """`torch.Generator().manual_seed(seed)` for float32 `torch.randn`. Keeps state between calls.

    `seed` is taken modulo 2**32, as torch's Mersenne Twister does. One thread at a time.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.MT19937()
        # RandomState seeds an integer by the Twister's original routine, as torch does;
        # numpy's newer seeding would spread it differently.
        legacy = np.random.RandomState(seed % 2**32)
        self._bits.state = legacy.get_state(legacy=False)  # pyright: ignore[reportAttributeAccessIssue]  # numpy's stub takes one form of state only
        self._spare: float | None = None

    def randn(self, *shape: int) -> NDArray[np.float32]:
        """Standard normal numbers, as `torch.randn(shape, generator=...)` gives them."""
        size = math.prod(shape)
        values = self._blocks(size) if size >= _BLOCK else self._few(size)
        return values.reshape(shape)

    def _blocks(self, size: int) -> NDArray[np.float32]:
        uniform = self._uniform(size)
        whole = size - size % _BLOCK
        if whole == size:
            return _box_muller(uniform)
        # torch fills whole blocks, then draws the last 16 numbers again, overwriting them.
        tail = _box_muller(self._uniform(_BLOCK))
        head = _box_muller(uniform[:whole])
        return np.concatenate([head[: size - _BLOCK], tail])

    def _uniform(self, size: int) -> NDArray[np.float32]:
        low = self._bits.random_raw(size) & (2**_FLOAT_BITS - 1)
        return low.astype(np.float32) * np.float32(2.0**-_FLOAT_BITS)

    def _few(self, size: int) -> NDArray[np.float32]:
        """Fewer than 16: torch computes them one by one in float64 and keeps the second of a pair,
        also for a later call."""
        return np.array([self._one() for _ in range(size)], np.float32)

    def _one(self) -> float:
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        angle = 2.0 * math.pi * self._uniform_double()
        radius = math.sqrt(-2.0 * math.log1p(-self._uniform_double()))
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def _uniform_double(self) -> float:
        high, low = (int(number) for number in self._bits.random_raw(2))
        return ((high << 32 | low) & (2**_DOUBLE_BITS - 1)) * 2.0**-_DOUBLE_BITS


def _box_muller(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each block of 16, j and j + 8 are the uniform pair and give the results j and j + 8."""
    blocks = uniform.reshape(-1, 2, _HALF)
    radius = np.sqrt(cephes.log(1 - blocks[:, 0]) * np.float32(-2))
    sine, cosine = cephes.sincos(blocks[:, 1] * np.float32(2 * math.pi))
    return np.stack([radius * cosine, radius * sine], axis=1).reshape(-1)
