# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportArgumentType=false, reportUnknownParameterType=false
# (the border to diffusers and torch, whose types are partly missing)
"""The UNet, what it is told, and a plain sampler for looking at it while it trains."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from diffusers import EulerAncestralDiscreteScheduler, UNet2DConditionModel
from torch import Tensor

from training.demo.codes import CODES, POOLED_WIDTH, TAG_INDEX, WIDTH_1, WIDTH_2, pooled
from training.demo.latents import CELL, CHANNELS
from training.demo.tags import NEGATIVE

SCHEDULER: Final[dict[str, Any]] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "steps_offset": 1,
}
TOKENS: Final = 25
"""Known tags that training looks at, one null token included."""
_ALL_TOKENS: Final = 77
_SIZE_WIDTH: Final = 16


@cache
def alphas_cumprod() -> Tensor:
    """(1000,): the share of signal by timestep, as the scheduler has it."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    return torch.cumprod(1 - betas, 0)


def make_unet() -> Any:
    """4.3 million parameters; two levels: 64-pixel cells, 128-pixel cells with cross-attention."""
    return UNet2DConditionModel(
        sample_size=1024 // CELL,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(64, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH_1 + WIDTH_2,
        attention_head_dim=4,
        norm_num_groups=8,
        addition_embed_type="text_time",
        addition_time_embed_dim=_SIZE_WIDTH,
        projection_class_embeddings_input_dim=6 * _SIZE_WIDTH + POOLED_WIDTH,
        use_linear_projection=True,
        resnet_time_scale_shift="scale_shift",  # adaptive group norm: the pooled tags steer it all
    )


def flatten(unet: Any) -> Tensor:
    """One vector holding all parameters; the module's own become views of it."""
    vector = torch.cat([part.detach().flatten() for part in unet.parameters()])
    point_at(unet, vector)
    return vector


def point_at(unet: Any, vector: Tensor) -> None:
    """Let the module's parameters be views of `vector`."""
    start = 0
    for part in unet.parameters():
        part.data = vector[start : start + part.numel()].view_as(part)
        start += part.numel()


def condition(
    prompts: Sequence[Sequence[str]], *, width: int, height: int, device: Any = "cpu"
) -> dict[str, Any]:
    """The UNet's keyword arguments for these lists of known tags.

    One null token stands for all the 77 - n that hold no known tag: it is counted in the
    attention's mask (log of their number; diffusers multiplies by -10000 what is below one), which
    gives the same attention for a third of the work. Exact.
    """
    count = len(prompts)
    ids = torch.full((count, TOKENS), len(CODES) - 1)
    mask = torch.zeros(count, TOKENS)
    for row, tags in enumerate(prompts):
        known = [TAG_INDEX[tag] for tag in tags][: TOKENS - 1]
        ids[row, : len(known)] = torch.tensor(known, dtype=torch.long)
        mask[row, : len(known)] = 1
        mask[row, len(known)] = 1 + math.log(_ALL_TOKENS - len(known)) / 1e4
    time_ids = torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32)
    vectors = torch.from_numpy(np.stack([pooled(tags) for tags in prompts]))
    return {
        "encoder_hidden_states": torch.from_numpy(CODES)[ids].to(device),
        "encoder_attention_mask": mask.to(device),
        "added_cond_kwargs": {
            "text_embeds": vectors.to(device),
            "time_ids": time_ids.repeat(count, 1).to(device),
        },
    }


@torch.no_grad()
def sample(
    unet: Any,
    prompts: Sequence[Sequence[str]],
    *,
    width: int = 1024,
    height: int = 1024,
    num_inference_steps: int = 28,
    guidance_scale: float = 7.0,
    negative: Sequence[str] = NEGATIVE,
    seed: int = 0,
) -> Tensor:
    """Latents (prompts, channels, rows, columns) drawn with Euler a, as the pipeline does."""
    scheduler: Any = EulerAncestralDiscreteScheduler(**SCHEDULER)
    scheduler.set_timesteps(num_inference_steps)
    generator = torch.Generator().manual_seed(seed)
    count, size = len(prompts), {"width": width, "height": height}
    shape = (count, CHANNELS, height // CELL, width // CELL)
    latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
    both = condition([*[negative] * count, *prompts], **size)
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(torch.cat([latents, latents]), timestep)
        away, towards = unet(scaled, timestep, **both).sample.chunk(2)
        guided = away + guidance_scale * (towards - away)
        latents = scheduler.step(guided, timestep, latents, generator=generator).prev_sample
    return latents
