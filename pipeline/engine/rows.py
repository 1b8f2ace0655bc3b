"""A row: one picture being drawn. Rows of the same shape share runs of the UNet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.samplers.base import NumpySampler, SamplerState, single
from pipeline.engine.savings import NOTHING_SAVED, Savings
from pipeline.engine.start import InitLatents, Kept, Paste, Variation, first_noise
from pipeline.lora.adapter import LoraKey
from pipeline.runtime.ports import Adapter
from pipeline.text.embeds import PromptEmbeds

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """The UNet's inputs besides the latents; the first axis (copies) is [negative, prompt] with
    guidance, [prompt] without, with one prompt for each region.

    prompt_embeds (copies, tokens, width), pooled (copies, width), time_ids (copies, 6).
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
            time_ids=np.repeat(time_ids, sum(map(len, prompt)), axis=0),
        )


@dataclass(frozen=True, slots=True)
class Joined:
    """The conditioning of a run, and those of its rows with their copies."""

    parts: Sequence[tuple[Conditioning, int]]
    conditioning: Conditioning


@dataclass(slots=True, kw_only=True)
class Row:
    """One picture: own latents, own step, own sampler, own random numbers, own guidance.

    latents (1, latent_channels, latent height, latent width). `changing`: the conditioning of each
    step, from the first that is done, if it changes; all have one shape. `first_step` is above 0
    for a row that starts from a picture; `kept` is what stays of it, and `paste` puts the decoded
    picture into it. `loras` names the LoRAs that change the UNet, `adapter` is what the UNet's
    session placed of them; rows may share a run only with the same ones. `is_draft`: the small
    decoder may decode it. `shares` (regions, 1, latent height, latent width) weighs the predictions
    for regions, if there are any. Nothing in a row depends on the rows it shares runs with.

    `savings`: which steps are drawn with less work. `deep`: the deep features of the last whole
    step, (copies, channels, height, width), if the next step reuses them; `deep_of`: what that step
    was drawn with. `noise`: drawn for a step that failed and may be tried again.
    `joined`: the conditioning of the last run of which this was the first row.
    """

    sampler: NumpySampler
    generator: TorchGenerator
    guidance_scale: float
    conditioning: Conditioning
    latents: Floats
    changing: Sequence[Conditioning] = ()
    first_step: int = 0
    kept: Kept | None = None
    paste: Paste | None = None
    loras: LoraKey = ()
    adapter: Adapter = field(default_factory=dict[str, Any])
    is_draft: bool = False
    shares: Floats | None = None
    state: SamplerState = field(default_factory=SamplerState)
    savings: Savings = NOTHING_SAVED
    deep: Floats | None = None
    deep_of: Conditioning | None = None
    noise: Floats | None = None
    joined: Joined | None = None

    @classmethod
    def begin(
        cls,
        *,
        sampler: NumpySampler,
        seed: int,
        guidance_scale: float,
        conditioning: Sequence[Conditioning],
        latent_channels: int,
        latent_height: int,
        latent_width: int,
        variation: Variation | None = None,
        init: InitLatents | None = None,
        loras: LoraKey = (),
        adapter: Adapter | None = None,
        is_draft: bool = False,
        savings: Savings = NOTHING_SAVED,
        shares: Floats | None = None,
    ) -> "Row":
        """A row that starts from noise, drawn as the stock pipeline draws it with a CPU generator;
        with `init`, that noise is added to its picture, which has this size, or blended with it.
        `conditioning`: of each step, or one for all."""
        generator = TorchGenerator(seed)
        noise = first_noise(generator, (1, latent_channels, latent_height, latent_width), variation)
        first_step = 0 if init is None else init.first_step
        return cls(
            sampler=sampler,
            generator=generator,
            guidance_scale=guidance_scale,
            conditioning=conditioning[0],
            changing=conditioning if len(conditioning) > 1 else (),
            latents=(
                noise * sampler.init_noise_sigma
                if init is None or init.noise_alone
                else sampler.add_noise(init.latents, noise, first_step)
            ),
            first_step=first_step,
            kept=(
                None
                if init is None or init.mask is None
                else Kept(latents=init.latents, noise=noise, mask=init.mask)
            ),
            paste=None if init is None else init.paste,
            loras=loras,
            adapter=adapter or {},
            is_draft=is_draft,
            shares=shares,
            state=SamplerState(step_index=first_step),
            savings=savings,
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
        """Rows of the UNet that this step needs: one for the prompt or for each region, and one for
        the negative prompt with guidance."""
        guided = self.savings.is_guided(self.steps_done, self.steps)
        return len(self.conditioning.prompt_embeds) if guided else self.prompts

    @property
    def prompts(self) -> int:
        """The last rows: the prompt's, or one for each region."""
        return 1 if self.shares is None else len(self.shares)

    @property
    def reuses(self) -> bool:
        """Whether this step reuses the deep features of an earlier one."""
        return self.deep_of is self.conditioning and self.savings.reuses(
            self.steps_done, self.steps
        )

    @property
    def keeps(self) -> bool:
        """Whether the next step reuses the deep features of this one."""
        after = self.steps_done + 1
        return (
            not self.reuses
            and after < self.steps
            and self.savings.reuses(after, self.steps)
            and (not self.changing or self.changing[after] is self.conditioning)
        )

    def keep(self, deep: Floats | None, of: Conditioning) -> None:
        """Keep the deep features of a whole step, which was drawn with `of`, or none."""
        self.deep, self.deep_of = deep, None if deep is None else of

    @property
    def deep_features(self) -> Floats:
        """Those that this step reuses, (copies, channels, height, width)."""
        if self.deep is None:
            raise ValueError("no step has kept its deep features")
        return self.deep[-self.copies :]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the latents, and number of tokens."""
        return *self.latents.shape, self.conditioning.prompt_embeds.shape[1]

    @property
    def run_key(self) -> tuple[tuple[int, ...], LoraKey]:
        """Rows with equal ones may share a run."""
        return self.shape, self.loras

    def advance(self, noise_pred: Floats) -> None:
        """One step with the UNet's answer, (copies, ...) in the order of the conditioning. If it
        raises, nothing has changed, and the same step can be tried again."""
        guided = noise_pred[-self.prompts :]
        if self.shares is not None:
            guided = single(np.sum(guided * self.shares, axis=0, keepdims=True))
        if self.copies > self.prompts:
            negative = noise_pred[:1]
            guided = single(negative + (guided - negative) * np.float32(self.guidance_scale))
        if self.noise is None and self.sampler.draws_noise:
            self.noise = self.generator.randn(*self.latents.shape)
        latents, state = self.sampler.step(self.state, guided, self.latents, self.noise)
        if self.kept is not None:
            latents = self.kept.restored(latents, self.sampler, state.step_index)
        self.latents, self.state, self.noise = latents, state, None
        if self.changing and not self.done:
            self.conditioning = self.changing[self.steps_done]

    @property
    def predicted(self) -> Floats | None:
        """The finished latents as the last step predicts them, for previews."""
        predicted = self.state.pred_original_sample
        if predicted is None or self.kept is None:
            return predicted
        return np.where(self.kept.mask > 0, predicted, self.kept.latents)
