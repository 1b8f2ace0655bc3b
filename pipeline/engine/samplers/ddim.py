"""DDIM without noise (eta 0), as diffusers' DDIMScheduler: https://arxiv.org/abs/2010.02502."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.samplers import schedule
from pipeline.engine.samplers.base import (
    ONE,
    Floats,
    NumpySampler,
    SamplerState,
    denoised,
    roots,
    single,
)
from pipeline.model.scheduler import SchedulerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DdimSampler(NumpySampler):
    """`alphas` and `next_alphas`: share of the picture before and after each step, (steps,)."""

    alphas: Floats
    next_alphas: Floats
    clip_sample_range: float | None

    @classmethod
    def make(cls, config: SchedulerConfig, steps: int) -> "DdimSampler":
        training = schedule.alphas_cumprod(config)
        if config.rescale_betas_zero_snr:
            # Of diffusers' schedulers only DDIM lets the last alpha be zero.
            training = schedule.alphas_cumprod_to_zero(config)
        timesteps = schedule.spaced_timesteps(config, steps).round().astype(np.int64)
        following = timesteps - config.num_train_timesteps // steps
        last = ONE if config.set_alpha_to_one else training[0]
        return cls(
            timesteps=timesteps.astype(np.float32),
            alphas=training[timesteps],
            next_alphas=np.where(following >= 0, training[following], last),
            prediction_type=config.prediction_type,
            clip_sample_range=config.clip_sample_range,
        )

    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        alpha, sigma = roots(self.alphas[step_index])
        return single(alpha * sample + sigma * noise)

    def step(
        self,
        state: SamplerState,
        noise_pred: Floats,
        sample: Floats,
        noise: Floats | None,  # noqa: ARG002 - the protocol's
    ) -> tuple[Floats, SamplerState]:
        alpha, sigma = roots(self.alphas[state.step_index])
        alpha_next, sigma_next = roots(self.next_alphas[state.step_index])
        x0 = denoised(self.prediction_type, noise_pred, sample, alpha, sigma)
        epsilon = noise_pred
        if self.prediction_type == "v_prediction":
            epsilon = noise_pred * alpha + sample * sigma
        if self.clip_sample_range is not None:
            x0 = np.clip(x0, -self.clip_sample_range, self.clip_sample_range)
        latents = single(x0 * alpha_next + epsilon * sigma_next)
        return latents, SamplerState(step_index=state.step_index + 1, pred_original_sample=x0)
