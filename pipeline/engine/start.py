"""The initial latents: noise, interpolated towards another seed's or added to a picture, of which a
part may stay."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.samplers.base import NumpySampler

Floats = NDArray[np.float32]

_PARALLEL = 1e-4  # below this sine of their angle two vectors have no arc between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Another seed's noise, and how far to interpolate towards it: 0 not at all, 1 completely."""

    seed: int
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Paste:
    """Puts what was drawn into a picture of its size. weights (height, width), 0 to 1: the share of
    what was drawn. Where it is 0, each pixel stays as it is."""

    image: Image.Image
    weights: Floats

    def over(self, drawn: Image.Image) -> Image.Image:
        """The picture with what was drawn in it."""
        source = np.asarray(self.image, np.float32)
        mixed = source + self.weights[..., np.newaxis] * (np.asarray(drawn, np.float32) - source)
        return Image.fromarray(np.rint(mixed).astype(np.uint8))


@dataclass(frozen=True, slots=True, kw_only=True)
class InitLatents:
    """A picture to start from. latents (1, latent_channels, height, width), scaled; `first_step` is
    the first step that is run, whose noise is added to them.

    `mask` (1, 1, height, width), 1 where they are redrawn, 0 where they stay; None: all of them
    are. `paste` does the same with the finished picture. `noise_alone`: what is redrawn starts from
    noise, without the picture (diffusers, for a mask at strength 1).
    """

    latents: Floats
    first_step: int
    mask: Floats | None = None
    paste: Paste | None = None
    noise_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The part of a picture that stays: after each step the latents outside of `mask` (1, 1,
    height, width; 0 or 1) become those of the picture again, with `noise`, as diffusers' inpainting
    does it with a UNet of a plain model."""

    latents: Floats
    noise: Floats
    mask: Floats

    def restored(self, drawn: Floats, sampler: NumpySampler, step_index: int) -> Floats:
        """`drawn` before step `step_index`, with the part that stays."""
        latents = self.latents
        if step_index < len(sampler.timesteps):
            latents = sampler.add_noise(latents, self.noise, step_index)
        return np.where(self.mask > 0, drawn, latents)


def first_step(*, num_inference_steps: int, strength: float) -> int:
    """The first step of img2img: diffusers' `get_timesteps`, but at least one step is run."""
    wanted = min(int(num_inference_steps * strength), num_inference_steps)
    return num_inference_steps - max(1, wanted)


def first_noise(
    generator: TorchGenerator, shape: tuple[int, int, int, int], variation: Variation | None
) -> Floats:
    """The first numbers of `generator` as (1, latent_channels, height, width), varied or not."""
    noise = generator.randn(*shape)
    if variation is None or variation.strength == 0:
        return noise
    other = TorchGenerator(variation.seed).randn(*shape)
    return slerp(noise, other, variation.strength)


def slerp(low: Floats, high: Floats, share: float) -> Floats:
    """From `low` to `high`, both (1, channels, height, width), along the arc between them.

    As A1111 does: each column of each channel is a separate vector, rotated in its own plane; its
    length is interpolated too (Shoemake 1985, "Animating rotation with quaternion curves").
    """
    axis = 2
    cosine = np.sum(_unit(low, axis) * _unit(high, axis), axis=axis, keepdims=True)
    angle = np.arccos(np.clip(cosine, -1, 1))
    sine = np.sin(angle)
    flat = sine < _PARALLEL
    safe = np.where(flat, np.float32(1), sine)
    one, part = np.float32(1), np.float32(share)
    of_low = np.where(flat, one - part, np.sin((one - part) * angle) / safe)
    of_high = np.where(flat, part, np.sin(part * angle) / safe)
    return (of_low * low + of_high * high).astype(np.float32)


def _unit(values: Floats, axis: int) -> Floats:
    length = np.linalg.norm(values, axis=axis, keepdims=True)
    return values / np.maximum(length, np.float32(1e-12))
