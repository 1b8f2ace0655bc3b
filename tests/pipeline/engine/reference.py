"""A plain reference of drawing in numpy: one loop over the UNet, a row at a time."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.own import OwnEngine
from pipeline.engine.samplers.base import SamplerState
from pipeline.engine.samplers.make import make_sampler
from pipeline.model.folder import ModelFolder
from pipeline.request import ResolvedRequest
from pipeline.text.embeds import TextEmbeds

Floats = NDArray[np.float32]
Wanted = Callable[[int], Sequence[tuple[TextEmbeds, Floats | float]]]
"""By step from 0: texts, each with its share of the prediction (1, or one for each place)."""


TOLERANCE: Final = 1e-4
"""Of the largest value of a step, between two engines in single precision."""


def assert_equal_steps(
    ours: Sequence[NDArray[np.float32]], theirs: Sequence[NDArray[np.float32]], *, steps: int
) -> None:
    """Within float error, after each of the `steps`."""
    assert len(ours) == len(theirs) == steps
    for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        size = max(1.0, float(np.abs(their).max()))
        assert np.abs(our - their).max() < TOLERANCE * size, f"step {index + 1}"


def latents_of(
    engine: OwnEngine,
    folder: ModelFolder,
    request: ResolvedRequest,
    *,
    wanted: Wanted,
    negative: Callable[[int], TextEmbeds],
) -> Floats:
    """The finished latents of the first picture of `request`, which starts from noise."""
    sampler = make_sampler(request.sampler, folder.scheduler, request.num_inference_steps)
    generator = TorchGenerator(request.seed)
    factor = folder.vae_scale_factor
    shape = (1, folder.latent_channels, request.height // factor, request.width // factor)
    latents = generator.randn(*shape) * sampler.init_noise_sigma
    state = SamplerState()
    size = [request.height, request.width]
    time_ids = np.array([[*size, 0, 0, *size]], np.float32)

    def predict(text: TextEmbeds, step: int) -> Floats:
        return engine.unet.predict(
            sample=sampler.scale_model_input(latents, step),
            timesteps=sampler.timesteps[step : step + 1],
            prompt_embeds=text.embeds,
            pooled=text.pooled,
            time_ids=time_ids,
        )

    for step in range(len(sampler.timesteps)):
        predicted = sum(share * predict(text, step) for text, share in wanted(step))
        if request.guidance_scale > 1:
            avoided = predict(negative(step), step)
            predicted = avoided + (predicted - avoided) * np.float32(request.guidance_scale)
        noise = generator.randn(*shape) if sampler.draws_noise else None
        latents, state = sampler.step(state, np.asarray(predicted, np.float32), latents, noise)
    return latents
