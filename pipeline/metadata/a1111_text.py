"""The text that A1111 writes into PNG files under `parameters`.

Other tools fill their forms from it. It is a copy: the database is authoritative.
`pipeline.metadata.a1111` reads it.
"""

import json
from collections.abc import Iterator
from typing import Final

from pipeline.card import SCHEDULERS, Sampler
from pipeline.lora.typed import lora_tags
from pipeline.options import written
from pipeline.request import DECIDED, GenerationRequest, ResolvedRequest
from pipeline.rework import DEFAULT_SIZE_MULTIPLE, Size, before_upscale
from pipeline.stored_fields import plain_values

_HASH: Final = 12  # digits of a LoRA's hash
_NEGATIVE: Final = "Negative prompt:"
_AUTOMATIC: Final = "Automatic"
_UPSCALER: Final = "Latent (nearest-exact)"  # A1111's name for the engine's behaviour


def parameters_text(
    resolved: ResolvedRequest, *, index: int, model_name: str, model_hash: str, version: str
) -> str:
    """The text for picture `index` of a job. Pairs without a value are left out.

    Noise is drawn by a CPU generator, hence `RNG: CPU`. `Size` is what A1111 writes: for an
    upscaled picture the original size. LoRAs stand in the prompt; `Lora hashes` are those that
    A1111 computes, or of our own files where they are unknown. What was typed with choices stands
    behind, as A1111's extension Dynamic Prompts writes it.
    """
    template, resolved = resolved.original if resolved.chosen else None, resolved.of(index)
    sampler, schedule = _sampler_pair(resolved.sampler)
    size = _first_size(resolved)
    said = plain_values(resolved)
    decided = {
        each.a1111: written(said[each.field])
        for each in DECIDED
        if each.a1111 and each.kind is not Sampler and each.field in said
    }
    pairs = {
        "Steps": decided["Steps"],  # A1111's order
        "Sampler": sampler,
        "Schedule type": schedule,
        **decided,
        "Seed": str(resolved.seed_of(index)),
        "Size": f"{size.width}x{size.height}",
        "Model hash": model_hash,
        "Model": model_name,
        **_variation_pairs(resolved, index),
        "Denoising strength": written(resolved.strength) if resolved.init_picture else "",
        **_init_pairs(resolved),
        "RNG": "CPU",
        **_hires_pairs(resolved),
        "Lora hashes": ", ".join(f"{e.name}: {e.hash or e.digest[:_HASH]}" for e in resolved.loras),
        "Version": version,
    }
    last = ", ".join(f"{key}: {_quote(value)}" for key, value in pairs.items() if value)
    negative = f"{_NEGATIVE} {resolved.negative_prompt}" if resolved.negative_prompt else ""
    prompt = ", ".join(part for part in (resolved.prompt, lora_tags(resolved.loras)) if part)
    return "\n".join(line for line in (prompt, negative, last, *_templates(template)) if line)


def _templates(typed: GenerationRequest | None) -> Iterator[str]:
    if typed is not None:
        parts = (typed.character, typed.series, typed.prompt, typed.tags)
        yield f"Template: {', '.join(part for part in parts if part)}"
        if typed.negative_prompt:
            yield f"Negative Template: {typed.negative_prompt}"


def _first_size(resolved: ResolvedRequest) -> Size:
    """The original size: upscaled pictures had a bucket's size."""
    size = Size(width=resolved.width, height=resolved.height)
    if resolved.upscale_factor == 1:
        return size
    return before_upscale(size, factor=resolved.upscale_factor, size_multiple=DEFAULT_SIZE_MULTIPLE)


def _variation_pairs(resolved: ResolvedRequest, index: int) -> dict[str, str]:
    if not resolved.variation_strength:
        return {}
    return {
        "Variation seed": str(resolved.variation_seed_of(index)),
        "Variation seed strength": written(resolved.variation_strength),
    }


def _init_pairs(resolved: ResolvedRequest) -> dict[str, str]:
    """The picture from which it was drawn, by A1111's names; what of it was redrawn, or how it was
    extended."""
    if not resolved.init_picture or resolved.upscale_factor > 1:
        return {}
    return {
        "Init image hash": resolved.init_picture[:_HASH],
        "Mask hash": resolved.mask[:_HASH],
        "Extended": written(resolved.extend.value) if resolved.extend is not None else "",
    }


def _hires_pairs(resolved: ResolvedRequest) -> dict[str, str]:
    if resolved.upscale_factor == 1:
        return {}
    return {
        "Hires upscale": written(resolved.upscale_factor),
        "Hires steps": str(resolved.num_inference_steps),
        "Hires upscaler": _UPSCALER,
    }


def _sampler_pair(sampler: Sampler) -> tuple[str, str]:
    """A1111's two fields: `DPM++ 2M` with schedule `Karras`, `Euler` with `Automatic`."""
    schedule = SCHEDULERS[sampler].schedule
    return sampler.value.removesuffix(f" {schedule}"), schedule or _AUTOMATIC


def _quote(value: str) -> str:
    special = any(sign in value for sign in ",\n\r:") or value.startswith('"')
    return json.dumps(value, ensure_ascii=False) if special else value
