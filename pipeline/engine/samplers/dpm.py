"""DPM-Solver++ of second order: https://arxiv.org/abs/2211.01095, the midpoint form.

`MultistepSampler` is diffusers' DPMSolverMultistepScheduler, `SinglestepSampler` its
DPMSolverSinglestepScheduler.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from pipeline.engine.samplers import schedule
from pipeline.engine.samplers.base import ONE, Floats, NumpySampler, SamplerState, denoised, single
from pipeline.model.scheduler import SchedulerConfig

_SMALL = 15  # steps; below it diffusers ends with lower orders, for stability

Order = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class _Level:
    """A noise level: sample = alpha * x0 + sigma * noise; `log_snr` = ln(alpha / sigma)."""

    alpha: np.float32
    sigma: np.float32
    log_snr: np.float32

    @classmethod
    def of(cls, noise: np.float32) -> "_Level":
        alpha = ONE / np.sqrt(noise * noise + ONE)
        sigma = noise * alpha
        with np.errstate(divide="ignore"):  # the last level has no noise: infinity is right
            return cls(alpha, sigma, np.log(alpha) - np.log(sigma))


@dataclass(frozen=True, slots=True, kw_only=True)
class _DpmSampler(NumpySampler):
    """The common part of both solvers. `orders` has the solver's order at each step, `levels` one
    more than `timesteps`."""

    levels: tuple[_Level, ...]
    orders: tuple[Order, ...]

    @classmethod
    def _made(
        cls, config: SchedulerConfig, steps: int, *, orders: tuple[Order, ...], whole: bool
    ) -> Self:
        """Always on Karras' noise levels, as all DPM++ samplers of the model card are. `whole`:
        timesteps are rounded, where diffusers otherwise truncates them."""
        training = schedule.sigmas_of(schedule.alphas_cumprod(config))
        sigmas = schedule.karras(float(training[-1]), float(training[0]), steps)
        timesteps = schedule.sigma_to_timestep(sigmas, training)
        if whole:
            timesteps = timesteps.round()
        # The model gets a whole number: diffusers casts, which truncates.
        timesteps = timesteps.astype(np.int64).astype(np.float32)
        noises = schedule.with_final_sigma(config, sigmas, training)
        return cls(
            timesteps=timesteps,
            levels=tuple(_Level.of(noise) for noise in noises),
            orders=orders,
            draws_noise=config.algorithm_type == "sde-dpmsolver++",
            prediction_type=config.prediction_type,
        )

    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        level = self.levels[step_index]
        return single(level.alpha * sample + level.sigma * noise)

    def _denoised(self, index: int, noise_pred: Floats, sample: Floats) -> Floats:
        here = self.levels[index]
        return denoised(self.prediction_type, noise_pred, sample, here.alpha, here.sigma)

    def _slope(self, index: int, start: _Level, x0: Floats, before: Floats) -> Floats:
        """How x0 changes from `start` to the next level, from the last two predictions (D1)."""
        last, here, following = self.levels[index - 1 : index + 2]
        reach = (following.log_snr - start.log_snr) / (here.log_snr - last.log_snr)
        return reach * (x0 - before)

    def _advance(
        self,
        start: _Level,
        target: _Level,
        *,
        base: Floats,
        anchor: Floats,
        slope: Floats | None,
        noise: Floats | None,
    ) -> Floats:
        """From `base` at level `start` to level `target` (equation 12 and its SDE form)."""
        distance = target.log_snr - start.log_snr
        shrink = target.sigma / start.sigma
        if self.draws_noise:
            shrink = shrink * np.exp(-distance)
            weight = target.alpha * (ONE - np.exp(np.float32(-2) * distance))
        else:
            weight = -(target.alpha * (np.exp(-distance) - ONE))
        latents = shrink * base + weight * anchor
        if slope is not None:
            latents = latents + (np.float32(0.5) * weight) * slope
        if self.draws_noise:
            assert noise is not None
            fresh = target.sigma * np.sqrt(ONE - np.exp(np.float32(-2) * distance))
            latents = latents + fresh * noise
        return latents


class MultistepSampler(_DpmSampler):
    """2M: uses the previous step; with noise (SDE) or without."""

    __slots__ = ()

    @classmethod
    def make(cls, config: SchedulerConfig, steps: int) -> Self:
        whole = config.beta_schedule != "squaredcos_cap_v2"
        return cls._made(config, steps, orders=_multistep_orders(config, steps), whole=whole)

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        index = state.step_index
        here, target = self.levels[index : index + 2]
        x0 = self._denoised(index, noise_pred, sample)
        before, slope = state.pred_original_sample, None
        if self.orders[index] == 2 and before is not None:
            slope = self._slope(index, here, x0, before)
        latents = self._advance(here, target, base=sample, anchor=x0, slope=slope, noise=noise)
        return latents, SamplerState(step_index=index + 1, pred_original_sample=x0)


class SinglestepSampler(_DpmSampler):
    """Works in pairs of steps: the second one starts again where the first one did."""

    __slots__ = ()

    @classmethod
    def make(cls, config: SchedulerConfig, steps: int) -> Self:
        # Unknown to diffusers' class, and ignored there as well.
        config = replace(config, rescale_betas_zero_snr=False)
        return cls._made(config, steps, orders=_singlestep_orders(config, steps), whole=True)

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        index = state.step_index
        start, target = self.levels[index : index + 2]
        x0 = self._denoised(index, noise_pred, sample)
        before, base = state.pred_original_sample, state.base_sample
        anchor, slope = x0, None
        if self.orders[index] == 2 and before is not None and base is not None:
            start, anchor = self.levels[index - 1], before
            slope = self._slope(index, start, x0, before)
        else:
            base = sample
        latents = self._advance(start, target, base=base, anchor=anchor, slope=slope, noise=noise)
        return latents, SamplerState(
            step_index=index + 1, pred_original_sample=x0, base_sample=base
        )


def _multistep_orders(config: SchedulerConfig, steps: int) -> tuple[Order, ...]:
    ends_low = (
        config.euler_at_final
        or (config.lower_order_final and steps < _SMALL)
        or config.final_sigmas_type == "zero"
    )
    orders: list[Order] = [2 if config.solver_order == 2 else 1] * steps
    orders[0] = 1
    if ends_low:
        orders[-1] = 1
    return tuple(orders)


def _singlestep_orders(config: SchedulerConfig, steps: int) -> tuple[Order, ...]:
    """Pairs of first and second order; an odd step left over and a last step to zero noise are of
    first order. diffusers switches `lower_order_final` on where it would not come out even."""
    if config.solver_order == 1:
        return (1,) * steps
    pairs: list[Order] = [1, 2] * (steps // 2)
    if steps % 2 == 1:
        pairs.append(1)
    elif config.lower_order_final or config.final_sigmas_type == "zero":
        pairs[-1] = 1
    return tuple(pairs)
