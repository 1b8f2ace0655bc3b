"""A row: one picture being drawn. Rows of the same shape share runs of the UNet."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.samplers.base import NumpySampler, SamplerState, single
from pipeline.engine.start import InitLatents, Variation, first_noise
from pipeline.lora.adapter import LoraKey
from pipeline.runtime.ports import Adapter
from pipeline.text.embeds import PromptEmbeds

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """The UNet's inputs besides the latents; the first axis is [negative, prompt] with guidance,
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
        prompt, pooled = [embeds.prompt_embeds], [embeds.pooled_prompt_embeds]
        if guided:
            prompt.insert(0, embeds.negative_prompt_embeds)
            pooled.insert(0, embeds.negative_pooled_prompt_embeds)
        return cls(
            prompt_embeds=np.concatenate(prompt),
            pooled=np.concatenate(pooled),
            time_ids=np.repeat(time_ids, len(prompt), axis=0),
        )


@dataclass(slots=True, kw_only=True)
class Row:
    """One picture: own latents, own step, own sampler, own random numbers, own guidance.

    latents (1, latent_channels, latent height, latent width). `first_step` is above 0 for a row
    that starts from a picture. `loras` names the LoRAs that change the UNet, `adapter` is what the
    UNet's session placed of them; rows may share a run only with the same ones. Nothing in a row
    depends on the rows it shares runs with.
    """

    sampler: NumpySampler
    generator: TorchGenerator
    guidance_scale: float
    conditioning: Conditioning
    latents: Floats
    first_step: int = 0
    loras: LoraKey = ()
    adapter: Adapter = field(default_factory=dict[str, Any])
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
        variation: Variation | None = None,
        init: InitLatents | None = None,
        loras: LoraKey = (),
        adapter: Adapter | None = None,
    ) -> "Row":
        """A row that starts from noise, drawn as the stock pipeline draws it with a CPU generator;
        with `init`, that noise is added to its picture, which has this size."""
        generator = TorchGenerator(seed)
        noise = first_noise(generator, (1, latent_channels, latent_height, latent_width), variation)
        first_step = 0 if init is None else init.first_step
        return cls(
            sampler=sampler,
            generator=generator,
            guidance_scale=guidance_scale,
            conditioning=conditioning,
            latents=(
                noise * sampler.init_noise_sigma
                if init is None
                else sampler.add_noise(init.latents, noise, first_step)
            ),
            first_step=first_step,
            loras=loras,
            adapter=adapter or {},
            state=SamplerState(step_index=first_step),
        )

    @property
    def steps(self) -> int:
        """Steps to do in all."""
        return len(self.sampler.timesteps) - self.first_step

    @property
    def step_index(self) -> int:
        """Where in the sampler's schedule this row is."""
        return self.state.step_index

    @property
    def steps_done(self) -> int:
        return self.step_index - self.first_step

    @property
    def done(self) -> bool:
        return self.steps_done >= self.steps

    @property
    def copies(self) -> int:
        """Rows of the UNet that this picture needs: 2 with guidance, else 1."""
        return len(self.conditioning.prompt_embeds)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the latents, and number of tokens: rows with equal ones may share a run, if
        their LoRAs are the same."""
        return *self.latents.shape, self.conditioning.prompt_embeds.shape[1]

    def advance(self, noise_pred: Floats) -> None:
        """One step with the UNet's answer, (copies, ...) in the order of the conditioning."""
        guided = noise_pred
        if self.copies == 2:
            negative, prompt = noise_pred[:1], noise_pred[1:]
            guided = single(negative + (prompt - negative) * np.float32(self.guidance_scale))
        noise = self.generator.randn(*self.latents.shape) if self.sampler.draws_noise else None
        self.latents, self.state = self.sampler.step(self.state, guided, self.latents, noise)
