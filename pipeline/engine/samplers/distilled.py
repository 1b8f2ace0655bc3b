"""LCM and TCD, for models and LoRAs that were distilled to a few steps.

`LcmSampler` is diffusers' LCMScheduler (https://arxiv.org/abs/2310.04378), `TcdSampler` its
TCDScheduler (https://arxiv.org/abs/2402.19159).
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.samplers import schedule
from pipeline.engine.samplers.base import (
    Floats,
    NumpySampler,
    SamplerState,
    denoised,
    roots,
    single,
)
from pipeline.errors import InputError, ModelError
from pipeline.model.scheduler import SchedulerConfig

TCD_ETA: Final = 0.3
"""Share of fresh noise in TCD's steps (gamma in the paper): the default of diffusers' scheduler,
and of ComfyUI's."""

_SIGMA_DATA: Final = np.float32(0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DistilledSampler(NumpySampler):
    """The common part. `alphas` and `next_alphas`: share of the picture's variance before and after
    each step, (steps,). The last step adds no noise."""

    alphas: Floats
    next_alphas: Floats

    @classmethod
    @abstractmethod
    def make(cls, config: SchedulerConfig, steps: int) -> Self:
        """For `steps` steps. Raises ModelError `scheduler_unsupported`, and InputError
        `steps_out_of_range` for more steps than the distillation had."""

    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        alpha, sigma = roots(self.alphas[step_index])
        return single(alpha * sample + sigma * noise)

    def _original(self, index: int, noise_pred: Floats, sample: Floats) -> Floats:
        """The predicted picture, x0."""
        alpha, sigma = roots(self.alphas[index])
        return denoised(self.prediction_type, noise_pred, sample, alpha, sigma)

    def _is_last(self, index: int) -> bool:
        return index == len(self.timesteps) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LcmSampler(_DistilledSampler):
    """Predicts the picture, and adds fresh noise up to the next level.

    `skips` and `outs`: shares of the sample and of x0 in the picture, (steps,): the boundary
    condition of consistency models.
    """

    skips: Floats
    outs: Floats
    clip_sample_range: float | None

    @classmethod
    def make(cls, config: SchedulerConfig, steps: int) -> Self:
        timesteps = _timesteps(config, steps)
        training = schedule.alphas_cumprod_to_zero(config)
        following = np.append(timesteps[1:], timesteps[-1])
        scaled = single(timesteps.astype(np.float32) * np.float32(config.timestep_scaling))
        power = single(scaled * scaled + _SIGMA_DATA * _SIGMA_DATA)
        return cls(
            timesteps=timesteps.astype(np.float32),
            alphas=training[timesteps],
            next_alphas=training[following],
            skips=single(_SIGMA_DATA * _SIGMA_DATA / power),
            outs=single(scaled / np.sqrt(power)),
            prediction_type=config.prediction_type,
            draws_noise=True,
            clip_sample_range=config.clip_sample_range,
        )

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        index = state.step_index
        x0 = self._original(index, noise_pred, sample)
        if self.clip_sample_range is not None:
            x0 = np.clip(x0, -self.clip_sample_range, self.clip_sample_range)
        latents = picture = single(self.outs[index] * x0 + self.skips[index] * sample)
        if not self._is_last(index):
            assert noise is not None
            alpha, sigma = roots(self.next_alphas[index])
            latents = single(alpha * picture + sigma * noise)
        return latents, SamplerState(step_index=index + 1, pred_original_sample=picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcdSampler(_DistilledSampler):
    """Goes to a level below the next one, and adds fresh noise up to that.

    `low_alphas`: share of the picture's variance at the lower level, (steps,).
    """

    low_alphas: Floats

    @classmethod
    def make(cls, config: SchedulerConfig, steps: int) -> Self:
        timesteps = _timesteps(config, steps)
        training = schedule.alphas_cumprod_to_zero(config)
        following = np.append(timesteps[1:], 0)
        low = np.floor(np.float32(1 - TCD_ETA) * following.astype(np.float32)).astype(np.int64)
        return cls(
            timesteps=timesteps.astype(np.float32),
            alphas=training[timesteps],
            next_alphas=training[following],
            low_alphas=training[low],
            prediction_type=config.prediction_type,
            draws_noise=True,
        )

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        index = state.step_index
        x0 = self._original(index, noise_pred, sample)
        epsilon = noise_pred
        if self.prediction_type == "v_prediction":
            alpha, sigma = roots(self.alphas[index])
            epsilon = alpha * noise_pred + sigma * sample
        low_alpha, low_sigma = roots(self.low_alphas[index])
        latents = single(low_alpha * x0 + low_sigma * epsilon)
        if not self._is_last(index):
            assert noise is not None
            alpha, sigma = roots(self.next_alphas[index] / self.low_alphas[index])
            latents = single(alpha * latents + sigma * noise)
        return latents, SamplerState(step_index=index + 1, pred_original_sample=x0)


def _timesteps(config: SchedulerConfig, steps: int) -> NDArray[np.int64]:
    """Evenly chosen from those of the distillation, from noisy to clean, (steps,)."""
    known, total = config.original_inference_steps, config.num_train_timesteps
    if not 1 <= known <= total:
        raise ModelError("scheduler_unsupported", name="original_inference_steps", value=known)
    if steps > known:
        raise InputError("steps_out_of_range", value=steps, low=1, high=known)
    falling = np.arange(known, 0, -1) * (total // known) - 1
    chosen = np.floor(np.linspace(0, known, steps, endpoint=False)).astype(np.int64)
    return falling[chosen]
