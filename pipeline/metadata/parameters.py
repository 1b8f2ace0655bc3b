"""What the readers of this package extract about a picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pipeline.card import Sampler
from pipeline.lora.typed import TypedLora


class LeftOut(StrEnum):
    """What was used for a picture and can't be repeated here."""

    PROMPT = "prompt"  # it exists, but was not found
    SAMPLER = "sampler"
    SCHEDULE = "schedule"
    SEED = "seed"
    VARIATION = "variation"
    LORA = "lora"
    EMBEDDING = "embedding"
    CONTROL = "control"
    REFERENCE = "reference"
    REGION = "region"
    COMBINED = "combined"
    INIT_PICTURE = "init_picture"
    REFINED = "refined"  # redrawn in a second pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a file says about its picture. None or "" if it says nothing.

    `sampler` is ours if we have it, `sampler_name` and `schedule_type` are as written. `rng` is
    "GPU" if nothing is written, as A1111 reads it. With `hires_upscale` the picture is that much
    larger than `width` x `height`. `loras` are those of `left_out`, with their strengths where the
    prompt says them. `pairs` has every pair as text. `left_out` names what was seen
    and isn't in the other fields; an empty tuple means that it has no name.
    """

    prompt: str = ""
    negative_prompt: str = ""
    num_inference_steps: int | None = None
    sampler: Sampler | None = None
    sampler_name: str = ""
    schedule_type: str = ""
    guidance_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    model_name: str = ""
    model_hash: str = ""
    rng: str = "GPU"
    variation_seed: int | None = None
    variation_strength: float | None = None
    denoising_strength: float | None = None
    hires_upscale: float | None = None
    version: str = ""
    loras: tuple[TypedLora, ...] = ()
    pairs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    left_out: Mapping[LeftOut, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
