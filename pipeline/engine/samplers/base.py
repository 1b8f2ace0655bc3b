"""The interface of samplers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.scheduler import Prediction

Floats = NDArray[np.float32]
ONE = np.float32(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerState:
    """Where one picture is. `step_index` counts the steps done.

    `pred_original_sample` is the finished picture predicted by the last step, for previews and for
    multistep solvers. `base_sample` is where a solver's current pair of steps started.
    """

    step_index: int = 0
    pred_original_sample: Floats | None = None
    base_sample: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpySampler(ABC):
    """A noise scheduler over explicit values: no state of its own, so rows may share one.

    All samples are (1, latent_channels, height, width) float32 in latent pixels. `timesteps` are
    the UNet's inputs at each step, (steps,): whole numbers except for Euler. The initial noise is
    multiplied by `init_noise_sigma`. `draws_noise`: each step (the last too) needs fresh noise of
    the sample's shape.
    """

    timesteps: Floats
    prediction_type: Prediction
    init_noise_sigma: np.float32 = ONE
    draws_noise: bool = False

    def scale_model_input(self, sample: Floats, step_index: int) -> Floats:  # noqa: ARG002 - Euler's
        """The sample as the UNet's input at this step."""
        return sample

    @abstractmethod
    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        """The finished `sample` as it would be before this step: where img2img starts."""

    @abstractmethod
    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        """The next sample and state. `noise` is None unless `draws_noise`."""


def denoised(
    prediction: Prediction, noise_pred: Floats, sample: Floats, alpha: np.float32, sigma: np.float32
) -> Floats:
    """x0 where `sample` = alpha * x0 + sigma * noise (variance-preserving form)."""
    if prediction == "epsilon":
        return single((sample - noise_pred * sigma) / alpha)
    return single(sample * alpha - noise_pred * sigma)


def roots(alpha_cumprod: np.float32) -> tuple[np.float32, np.float32]:
    """Both factors of sample = alpha * x0 + sigma * noise."""
    return np.sqrt(alpha_cumprod), np.sqrt(ONE - alpha_cumprod)


def single(values: NDArray[Any]) -> Floats:
    """`values`, which are float32 already: numpy's types lose that at a float32 scalar."""
    return values
