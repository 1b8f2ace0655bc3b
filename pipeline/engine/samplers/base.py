"""What every sampler offers to the loop."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.model.scheduler import Prediction

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerState:
    """Where one picture is. `step_index` counts the steps done.

    `pred_original_sample` is the finished picture as the last step foresees it, for previews and
    for solvers that look back. `base_sample` is where a solver's current pair of steps began.
    """

    step_index: int = 0
    pred_original_sample: Floats | None = None
    base_sample: Floats | None = None


class NumpySampler(Protocol):
    """A noise scheduler over explicit values: no state of its own, so rows may share one.

    All samples are (1, latent_channels, height, width) float32 in latent pixels.
    """

    @property
    def timesteps(self) -> Floats:
        """What the UNet is told at each step, (steps,). Whole numbers except for Euler."""
        ...

    @property
    def init_noise_sigma(self) -> np.float32:
        """The first noise is multiplied by this."""
        ...

    @property
    def draws_noise(self) -> bool:
        """Whether each step (the last too) needs fresh noise of the sample's shape."""
        ...

    def scale_model_input(self, sample: Floats, step_index: int) -> Floats:
        """The sample as the UNet wants it at this step."""
        ...

    def add_noise(self, sample: Floats, noise: Floats, step_index: int) -> Floats:
        """The finished `sample` as it would be before this step: where img2img begins."""
        ...

    def step(
        self, state: SamplerState, noise_pred: Floats, sample: Floats, noise: Floats | None
    ) -> tuple[Floats, SamplerState]:
        """The next sample and state. `noise` is None unless `draws_noise`."""
        ...


def denoised(
    prediction: Prediction, noise_pred: Floats, sample: Floats, alpha: np.float32, sigma: np.float32
) -> Floats:
    """x0 where `sample` = alpha * x0 + sigma * noise (variance-preserving form)."""
    if prediction == "epsilon":
        return single((sample - noise_pred * sigma) / alpha)
    return single(sample * alpha - noise_pred * sigma)


def single(values: NDArray[Any]) -> Floats:
    """`values`, which are float32 already: numpy's types lose that at a float32 scalar."""
    return values
