"""Noise schedules as diffusers 0.39 computes them from a scheduler's config.

Everything is float32 where torch has float32 and float64 where diffusers uses numpy, in the same
order, so that timesteps and sigmas are equal to the last bit or nearly so.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.model.scheduler import SchedulerConfig

Floats = NDArray[np.float32]

_RHO = 7.0  # Karras et al. 2022, https://arxiv.org/abs/2206.00364, the paper's value
_NEARLY_ZERO_SNR = np.float32(2**-24)  # diffusers: the last alpha, so that sigma stays finite


@lru_cache(maxsize=16)
def alphas_cumprod(config: SchedulerConfig) -> Floats:
    """Share of the picture's variance left at each training timestep, (num_train_timesteps,).

    With `rescale_betas_zero_snr` the last is nearly zero, as in all schedulers that need a sigma.
    """
    alphas = alphas_cumprod_to_zero(config).copy()
    if config.rescale_betas_zero_snr:
        alphas[-1] = _NEARLY_ZERO_SNR
    alphas.flags.writeable = False
    return alphas


@lru_cache(maxsize=16)
def alphas_cumprod_to_zero(config: SchedulerConfig) -> Floats:
    """The same, but with `rescale_betas_zero_snr` the last is zero."""
    betas = _betas(config)
    if config.rescale_betas_zero_snr:
        betas = _rescale_zero_terminal_snr(betas)
    alphas = _cumprod(np.float32(1) - betas)
    alphas.flags.writeable = False
    return alphas


def sigmas_of(alphas: Floats) -> Floats:
    """Noise over picture at each training timestep."""
    return np.sqrt((np.float32(1) - alphas) / alphas)


def spaced_timesteps(config: SchedulerConfig, steps: int) -> NDArray[np.float64]:
    """Timesteps from noisy to clean; fractions stay (Euler), DDIM rounds them.

    Table 2 of https://arxiv.org/abs/2305.08891. "trailing" may give one more than `steps` where
    1000 / steps is no exact fraction, as in diffusers.
    """
    total = config.num_train_timesteps
    match config.timestep_spacing:
        case "linspace":
            return np.linspace(0, total - 1, steps)[::-1]
        case "leading":
            rising = np.arange(0, steps) * (total // steps)
            return rising[::-1].astype(np.float64) + config.steps_offset
        case "trailing":
            falling: NDArray[np.float64] = np.arange(total, 0, -(total / steps), dtype=np.float64)
            return np.round(falling) - 1.0


def karras(sigma_max: float, sigma_min: float, steps: int) -> NDArray[np.float64]:
    """The schedule of Karras et al. 2022, equation 5, from `sigma_max` to `sigma_min`."""
    ramp = np.linspace(0, 1, steps)
    top, bottom = sigma_max ** (1 / _RHO), sigma_min ** (1 / _RHO)
    return (top + ramp * (bottom - top)) ** _RHO


def sigma_to_timestep(sigmas: NDArray[np.float64], training: Floats) -> NDArray[np.float64]:
    """Fractional timesteps whose training noise is `sigmas`, linear in the logarithm."""
    logs = np.log(training)
    wanted = np.log(np.maximum(sigmas, 1e-10))
    reached = wanted[np.newaxis, :] - logs[:, np.newaxis] >= 0
    low = np.cumsum(reached, axis=0).argmax(axis=0).clip(max=len(logs) - 2)
    share = np.clip((logs[low] - wanted) / (logs[low] - logs[low + 1]), 0, 1)
    return (1 - share) * low + share * (low + 1)


def with_final_sigma(
    config: SchedulerConfig, sigmas: NDArray[np.float64], training: Floats
) -> Floats:
    """`sigmas` and the remaining noise at the end, (steps + 1,)."""
    last = 0.0 if config.final_sigmas_type == "zero" else float(training[0])
    return np.append(sigmas, last).astype(np.float32)


def _betas(config: SchedulerConfig) -> Floats:
    if config.trained_betas is not None:
        return np.array(config.trained_betas, np.float32)
    total = config.num_train_timesteps
    match config.beta_schedule:
        case "linear":
            return _linspace(config.beta_start, config.beta_end, total)
        case "scaled_linear":
            roots = _linspace(math.sqrt(config.beta_start), math.sqrt(config.beta_end), total)
            return roots * roots
        case "squaredcos_cap_v2":
            bars = [math.cos((i / total + 0.008) / 1.008 * math.pi / 2) ** 2 for i in range(total)]
            bars.append(math.cos((1 + 0.008) / 1.008 * math.pi / 2) ** 2)
            betas = [min(1 - bars[i + 1] / bars[i], 0.999) for i in range(total)]
            return np.array(betas, np.float32)


def _linspace(start: float, end: float, count: int) -> Floats:
    """torch.linspace in float32: from both ends to the middle."""
    first, last = np.float32(start), np.float32(end)
    step = (last - first) / np.float32(max(count - 1, 1))
    index = np.arange(count, dtype=np.float32)
    up = _fma(index, step, first)
    down = _fma(np.float32(count - 1) - index, -step, last)
    return np.where(np.arange(count) < count // 2, up, down)


def _fma(a: Floats, b: np.float32, c: np.float32) -> Floats:
    return (a.astype(np.float64) * np.float64(b) + np.float64(c)).astype(np.float32)


def _cumprod(values: Floats) -> Floats:
    """torch.cumprod of float32 on a CPU accumulates in float64."""
    return np.cumprod(values.astype(np.float64)).astype(np.float32)


def _rescale_zero_terminal_snr(betas: Floats) -> Floats:
    """Algorithm 1 of https://arxiv.org/abs/2305.08891."""
    roots = np.sqrt(_cumprod(np.float32(1) - betas))
    first, last = roots[0].copy(), roots[-1].copy()
    roots = (roots - last) * (first / (first - last))
    bars = roots * roots
    alphas = np.concatenate([bars[:1], bars[1:] / bars[:-1]])
    return np.float32(1) - alphas
