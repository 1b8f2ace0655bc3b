"""Logarithm, sine and cosine as torch's CPU noise computes them, bit for bit.

On processors with AVX2 torch makes normal numbers with the float32 polynomials of the Cephes
library (S. Moshier, `logf.c` and `sinf.c`; torch reaches them through `avx_mathfun.h`), compiled
with fused multiply-add. The order of operations below is that of the compiled code. A fused
multiply-add is one rounding: it is done in float64, where a product of float32 is exact.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_LOG: Final = tuple(
    np.float32(value)
    for value in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_SINE: Final = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COSINE: Final = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_LOG2_HIGH: Final = np.float32(0.693359375)  # ln 2 in two parts
_LOG2_LOW: Final = np.float32(-2.12194440e-4)
_SQRT_HALF: Final = np.float32(0.707106781186547524)
_QUARTER_PI: Final = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
_PER_QUARTER_PI: Final = np.float32(1.27323954473516)  # 4 / pi


def log(x: Floats) -> Floats:
    """Natural logarithm of normal positive numbers."""
    bits = np.ascontiguousarray(x).view(np.uint32)
    exponent = ((bits >> 23).astype(np.int32) - 126).astype(np.float32)
    mantissa = ((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)  # 0.5 .. 1
    small = mantissa < _SQRT_HALF
    exponent -= small.astype(np.float32)
    x = (mantissa - np.float32(1)) + np.where(small, mantissa, np.float32(0))
    square = x * x
    y = np.full_like(x, _LOG[0])
    for factor in _LOG[1:]:
        y = _fma(y, x, factor)
    y = _fma(y * x, square, exponent * _LOG2_LOW)
    y = _fma(square, np.float32(-0.5), y)
    return _fma(exponent, _LOG2_HIGH, x + y)


def sincos(x: Floats) -> tuple[Floats, Floats]:
    """Sine and cosine of angles from 0 to some turns."""
    octant = ((x * _PER_QUARTER_PI).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    for part in _QUARTER_PI:
        x = _fma(turns, np.float32(part), x)
    square = x * x
    cosine = _polynomial(_COSINE, square) * square
    cosine = _fma(cosine, square, -(square * np.float32(0.5))) + np.float32(1)
    sine = _fma(_polynomial(_SINE, square) * square, x, x)
    straight = (octant & 2) == 0
    sines = np.where(straight, sine, cosine)
    cosines = np.where(straight, cosine, sine)
    return (
        np.where((octant & 4) != 0, -sines, sines),
        np.where((~(octant - 2) & 4) != 0, -cosines, cosines),
    )


def _polynomial(factors: tuple[float, ...], x: Floats) -> Floats:
    y = np.full_like(x, np.float32(factors[0]))
    for factor in factors[1:]:
        y = _fma(y, x, np.float32(factor))
    return y


def _fma(a: NDArray[Any], b: NDArray[Any] | np.float32, c: NDArray[Any] | np.float32) -> Floats:
    """Return a * b + c with a single rounding; all are float32."""
    wide = a.astype(np.float64)
    wide *= b
    wide += c
    return wide.astype(np.float32)
