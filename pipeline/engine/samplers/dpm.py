"""DPM-Solver++ of second order: https://arxiv.org/abs/2211.01095, the midpoint form.

Multistep (2M) looks back one step, as diffusers' DPMSolverMultistepScheduler; with noise (SDE) or
without. Singlestep goes in pairs from a common start, as DPMSolverSinglestepScheduler.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.engine.samplers import schedule
from pipeline.engine.samplers.base import Floats, SamplerState, denoised, single
from pipeline.model.scheduler import Prediction, SchedulerConfig

_ONE = np.float32(1)
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
        alpha = _ONE / np.sqrt(noise * noise + _ONE)
        sigma = noise * alpha
        with np.errstate(divide="ignore"):  # the last level has no noise: infinity is right
            return cls(alpha, sigma, np.log(alpha) - np.log(sigma))


@dataclass(frozen=True, slots=True, kw_only=True)
class DpmSampler:
    """`orders` has the solver's order at each step. `levels` has one more than `timesteps`."""

    timesteps: Floats
    levels: tuple[_Level, ...]
    orders: tuple[Order, ...]
    singlestep: bool
    draws_noise: bool
    prediction_type: Prediction
    init_noise_sigma: np.float32 = _ONE

    @classmethod
    def make(cls, config: SchedulerConfig, steps: int, *, singlestep: bool) -> "DpmSampler":
        """Always on Karras' noise levels, as all DPM++ samplers of the model card are."""
        training = schedule.sigmas_of(schedule.alphas_cumprod(config))
        sigmas = schedule.karras(float(training[-1]), float(training[0]), steps)
        timesteps = schedule.sigma_to_timestep(sigmas, training)
        if singlestep or config.beta_schedule != "squaredcos_cap_v2":
            timesteps = timesteps.round()
        # The model is told a whole number: diffusers casts, which truncates.
        timesteps = timesteps.astype(np.int64).astype(np.float32)
        noises = schedule.with_final_sigma(config, sigmas, training)
        find = _singlestep_orders if singlestep else _multistep_orders
        return cls(
            timesteps=timesteps,
            levels=tuple(_Level.of(noise) for noise in noises),
            orders=find(config, steps),
            singlestep=singlestep,
            draws_noise=config.algorithm_type == "sde-dpmsolver++",
            prediction_type=config.prediction_type,
        )

    def scale_model_input(self, sample: Floats, step_index: int) -> Floats:  # noqa: ARG002 - the protocol's
        return sample

    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        level = self.levels[step_index]
        return single(level.alpha * sample + level.sigma * noise)

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        index = state.step_index
        here = self.levels[index]
        x0 = denoised(self.prediction_type, noise_pred, sample, here.alpha, here.sigma)
        before = state.pred_original_sample
        second = self.orders[index] == 2 and before is not None
        base = state.base_sample
        if not (second and self.singlestep and base is not None):
            base = sample
        slope = self._slope(index, x0, before) if second and before is not None else None
        paired = second and self.singlestep
        start = self.levels[index - 1] if paired else here
        anchor = before if paired and before is not None else x0
        latents = self._advance(
            index, start=start, base=base, anchor=anchor, slope=slope, noise=noise
        )
        return latents, SamplerState(
            step_index=index + 1, pred_original_sample=x0, base_sample=base
        )

    def _slope(self, index: int, x0: Floats, before: Floats) -> Floats:
        """How x0 changes over the coming step, from the last two predictions (D1)."""
        last, here, following = self.levels[index - 1], self.levels[index], self.levels[index + 1]
        start = last if self.singlestep else here
        reach = (following.log_snr - start.log_snr) / (here.log_snr - last.log_snr)
        return reach * (x0 - before)

    def _advance(
        self,
        index: int,
        *,
        start: _Level,
        base: Floats,
        anchor: Floats,
        slope: Floats | None,
        noise: Floats | None,
    ) -> Floats:
        """From `base` at level `start` to the next level (equation 12 and its SDE form)."""
        target = self.levels[index + 1]
        distance = target.log_snr - start.log_snr
        shrink = target.sigma / start.sigma
        if self.draws_noise:
            shrink = shrink * np.exp(-distance)
            weight = target.alpha * (_ONE - np.exp(np.float32(-2) * distance))
        else:
            weight = -(target.alpha * (np.exp(-distance) - _ONE))
        latents = shrink * base + weight * anchor
        if slope is not None:
            latents = latents + (np.float32(0.5) * weight) * slope
        if self.draws_noise:
            assert noise is not None
            fresh = target.sigma * np.sqrt(_ONE - np.exp(np.float32(-2) * distance))
            latents = latents + fresh * noise
        return latents


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
