"""A row: one picture on its way. Rows of the same shape share runs of the UNet."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.noise import TorchGenerator
from pipeline.engine.samplers.base import NumpySampler, SamplerState, single
from pipeline.model.embeds import PromptEmbeds

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """What the UNet is told beside the latents; the first axis is [negative, prompt] with guidance,
    [prompt] without.

    prompt_embeds (1 or 2, tokens, width), pooled (1 or 2, width), time_ids (1 or 2, 6).
    """

    prompt_embeds: Floats
    pooled: Floats
    time_ids: Floats

    @classmethod
    def of(cls, embeds: PromptEmbeds, *, width: int, height: int, guided: bool) -> "Conditioning":
        """For a picture of `width` x `height` pixels, neither cropped nor scaled (SDXL's paper,
        https://arxiv.org/abs/2307.01952: original height and width, crop, target height and width).
        """
        time_ids = np.array([[height, width, 0, 0, height, width]], np.float32)
        if not guided:
            return cls(
                prompt_embeds=embeds.prompt_embeds,
                pooled=embeds.pooled_prompt_embeds,
                time_ids=time_ids,
            )
        return cls(
            prompt_embeds=np.concatenate([embeds.negative_prompt_embeds, embeds.prompt_embeds]),
            pooled=np.concatenate(
                [embeds.negative_pooled_prompt_embeds, embeds.pooled_prompt_embeds]
            ),
            time_ids=np.repeat(time_ids, 2, axis=0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShape:
    """Rows with equal shapes may share a run."""

    latent_channels: int
    latent_height: int
    latent_width: int
    tokens: int


@dataclass(slots=True, kw_only=True)
class Row:
    """One picture: own latents, own step, own sampler, own random numbers, own guidance.

    latents (1, latent_channels, latent height, latent width). Nothing in a row depends on the rows
    it shares runs with.
    """

    sampler: NumpySampler
    generator: TorchGenerator
    guidance_scale: float
    conditioning: Conditioning
    latents: Floats
    state: SamplerState = field(default_factory=SamplerState)

    @classmethod
    def begin(
        cls,
        *,
        sampler: NumpySampler,
        seed: int,
        guidance_scale: float,
        conditioning: Conditioning,
        latent_channels: int,
        latent_height: int,
        latent_width: int,
    ) -> "Row":
        """From noise alone, as the stock pipeline draws it with a CPU generator."""
        generator = TorchGenerator(seed)
        noise = generator.randn(1, latent_channels, latent_height, latent_width)
        return cls(
            sampler=sampler,
            generator=generator,
            guidance_scale=guidance_scale,
            conditioning=conditioning,
            latents=noise * sampler.init_noise_sigma,
        )

    @property
    def steps(self) -> int:
        return len(self.sampler.timesteps)

    @property
    def step_index(self) -> int:
        """Steps done."""
        return self.state.step_index

    @property
    def done(self) -> bool:
        return self.step_index >= self.steps

    @property
    def copies(self) -> int:
        """Rows of the UNet that this picture needs: 2 with guidance, else 1."""
        return len(self.conditioning.prompt_embeds)

    @property
    def shape(self) -> RowShape:
        _, channels, height, width = self.latents.shape
        return RowShape(
            latent_channels=channels,
            latent_height=height,
            latent_width=width,
            tokens=self.conditioning.prompt_embeds.shape[1],
        )

    def advance(self, noise_pred: Floats) -> None:
        """One step with the UNet's answer, (copies, ...) in the order of the conditioning."""
        guided = noise_pred
        if self.copies == 2:
            negative, prompt = noise_pred[:1], noise_pred[1:]
            guided = single(negative + (prompt - negative) * np.float32(self.guidance_scale))
        noise = self.generator.randn(*self.latents.shape) if self.sampler.draws_noise else None
        self.latents, self.state = self.sampler.step(self.state, guided, self.latents, noise)
