"""Euler and Euler ancestral, as diffusers' Euler(Ancestral)DiscreteScheduler.

Algorithm 2 of Karras et al. 2022 (https://arxiv.org/abs/2206.00364) without churn; the ancestral
form, which replaces part of the noise by fresh noise, comes from k-diffusion.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.samplers import schedule
from pipeline.engine.samplers.base import ONE, Floats, NumpySampler, SamplerState, single
from pipeline.model.scheduler import SchedulerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class EulerSampler(NumpySampler):
    """`sigmas` has one value more than `timesteps`: the noise left after the last step."""

    sigmas: Floats

    @classmethod
    def ancestral(cls, config: SchedulerConfig, steps: int) -> "EulerSampler":
        """The form that adds fresh noise at each step."""
        return cls.make(config, steps, ancestral=True)

    @classmethod
    def make(
        cls, config: SchedulerConfig, steps: int, *, ancestral: bool = False
    ) -> "EulerSampler":
        training = schedule.sigmas_of(schedule.alphas_cumprod(config))
        timesteps = schedule.spaced_timesteps(config, steps).astype(np.float32)
        sigmas = np.interp(timesteps, np.arange(len(training)), training)
        if ancestral:
            sigmas = np.append(sigmas, 0.0).astype(np.float32)
        else:
            if config.use_karras_sigmas:
                sigmas = schedule.karras(float(sigmas[0]), float(sigmas[-1]), steps)
                timesteps = schedule.sigma_to_timestep(sigmas, training).astype(np.float32)
            sigmas = schedule.with_final_sigma(config, sigmas, training)
        top = sigmas.max()
        if config.timestep_spacing == "leading":
            top = np.sqrt(top * top + ONE)
        return cls(
            timesteps=timesteps,
            sigmas=sigmas,
            init_noise_sigma=top,
            prediction_type=config.prediction_type,
            draws_noise=ancestral,
        )

    def scale_model_input(self, sample: Floats, step_index: int) -> Floats:
        sigma = self.sigmas[step_index]
        return sample / np.sqrt(sigma * sigma + ONE)

    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        return sample + noise * self.sigmas[step_index]

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        sigma, sigma_next = self.sigmas[state.step_index], self.sigmas[state.step_index + 1]
        x0 = self._denoised(noise_pred, sample, sigma)
        derivative = (sample - x0) / sigma
        if self.draws_noise:
            assert noise is not None
            down, up = _ancestral(sigma, sigma_next)
            latents = sample + derivative * (down - sigma) + noise * up
        else:
            latents = sample + derivative * (sigma_next - sigma)
        return latents, SamplerState(step_index=state.step_index + 1, pred_original_sample=x0)

    def _denoised(self, noise_pred: Floats, sample: Floats, sigma: np.float32) -> Floats:
        if self.prediction_type == "epsilon":
            return single(sample - noise_pred * sigma)
        power = sigma * sigma + ONE
        return single(noise_pred * (-sigma / np.sqrt(power)) + sample / power)


def _ancestral(sigma: np.float32, sigma_next: np.float32) -> tuple[np.float32, np.float32]:
    """Down to where, and how much fresh noise then brings the sample up to `sigma_next`."""
    square, square_next = sigma * sigma, sigma_next * sigma_next
    up = np.sqrt(square_next * (square - square_next) / square)
    return np.sqrt(square_next - up * up), up
