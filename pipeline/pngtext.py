"""The text that A1111 writes into PNG files under `parameters`: written and read.

Other tools fill their forms from it. It is a copy: the database is the record.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pipeline.card import Sampler
from pipeline.request import ResolvedRequest
from pipeline.rework import DEFAULT_SIZE_MULTIPLE, Size, before_upscale

_NEGATIVE: Final = "Negative prompt:"
_KARRAS: Final = " Karras"
_AUTOMATIC: Final = "Automatic"
_UPSCALER: Final = "Latent (nearest-exact)"  # A1111's name for what the engine does

_PAIR = re.compile(r'\s*(\w[\w \-/]{1,40}):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_MIN_PAIRS: Final = 3  # fewer in the last line: it belongs to the prompt
_MAX_DIGITS: Final = 18
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a file says about its picture. None or "" where it says nothing.

    `sampler` is ours where we have it, `sampler_name` and `schedule_type` are as written.
    `rng` is "GPU" where nothing is written, as A1111 reads it. With `hires_upscale` the picture is
    that much larger than `width` x `height`. `pairs` has every pair as text.
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
    pairs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def parameters_text(
    resolved: ResolvedRequest, *, index: int, model_name: str, model_hash: str, version: str
) -> str:
    """The text for picture `index` of a job. Pairs without a value are left out.

    Noise is drawn by a CPU generator, hence `RNG: CPU`. `Size` is what A1111 writes: of an enlarged
    picture the size before.
    """
    sampler, schedule = _sampler_pair(resolved.sampler)
    size = _first_size(resolved)
    pairs = {
        "Steps": str(resolved.num_inference_steps),
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": f"{resolved.guidance_scale:.10g}",
        "Seed": str(resolved.seed_of(index)),
        "Size": f"{size.width}x{size.height}",
        "Model hash": model_hash,
        "Model": model_name,
        **_variation_pairs(resolved, index),
        "Denoising strength": f"{resolved.strength:.10g}" if resolved.init_picture else "",
        "RNG": "CPU",
        **_hires_pairs(resolved),
        "Version": version,
    }
    last = ", ".join(f"{key}: {_quote(value)}" for key, value in pairs.items() if value)
    negative = f"{_NEGATIVE} {resolved.negative_prompt}" if resolved.negative_prompt else ""
    return "\n".join(line for line in (resolved.prompt, negative, last) if line)


def parse_parameters(text: str) -> Parameters:
    """What `text` says. Reads A1111's files of every age; never fails: a text without parameters is
    a prompt.
    """
    *lines, last = text.strip().split("\n")
    found = _PAIR.findall(last)
    if len(found) < _MIN_PAIRS:
        lines, found = [*lines, last], []
    pairs = {key: _unquote(value.strip()) for key, value in found}
    prompt, negative = _prompts(lines)
    name, schedule = pairs.get("Sampler", ""), pairs.get("Schedule type", "")
    size = _SIZE.fullmatch(pairs.get("Size", ""))
    return Parameters(
        prompt=prompt,
        negative_prompt=negative,
        num_inference_steps=_integer(pairs.get("Steps", "")),
        sampler=_sampler(name, schedule),
        sampler_name=name,
        schedule_type=schedule,
        guidance_scale=_number(pairs.get("CFG scale", "")),
        seed=_integer(pairs.get("Seed", "")),
        width=int(size[1]) if size else None,
        height=int(size[2]) if size else None,
        model_name=pairs.get("Model", ""),
        model_hash=pairs.get("Model hash", ""),
        rng=pairs.get("RNG", "GPU"),
        variation_seed=_integer(pairs.get("Variation seed", "")),
        variation_strength=_number(pairs.get("Variation seed strength", "")),
        denoising_strength=_number(pairs.get("Denoising strength", "")),
        hires_upscale=_number(pairs.get("Hires upscale", "")),
        version=pairs.get("Version", ""),
        pairs=MappingProxyType(pairs),
    )


def _first_size(resolved: ResolvedRequest) -> Size:
    """The size that was drawn first: what is enlarged was of a bucket's size."""
    size = Size(width=resolved.width, height=resolved.height)
    if resolved.upscale_factor == 1:
        return size
    return before_upscale(size, factor=resolved.upscale_factor, size_multiple=DEFAULT_SIZE_MULTIPLE)


def _variation_pairs(resolved: ResolvedRequest, index: int) -> dict[str, str]:
    if not resolved.variation_strength:
        return {}
    return {
        "Variation seed": str(resolved.variation_seed_of(index)),
        "Variation seed strength": f"{resolved.variation_strength:.10g}",
    }


def _hires_pairs(resolved: ResolvedRequest) -> dict[str, str]:
    if resolved.upscale_factor == 1:
        return {}
    return {
        "Hires upscale": f"{resolved.upscale_factor:.10g}",
        "Hires steps": str(resolved.num_inference_steps),
        "Hires upscaler": _UPSCALER,
    }


def _prompts(lines: list[str]) -> tuple[str, str]:
    """The lines before and after the one that begins the negative."""
    stripped = [line.strip() for line in lines]
    start = next((i for i, line in enumerate(stripped) if line.startswith(_NEGATIVE)), None)
    if start is None:
        return "\n".join(stripped).strip(), ""
    first = stripped[start].removeprefix(_NEGATIVE).strip()
    prompt, negative = stripped[:start], [first, *stripped[start + 1 :]]
    return "\n".join(prompt).strip(), "\n".join(negative).strip()


def _sampler_pair(sampler: Sampler) -> tuple[str, str]:
    """A1111's two fields: `DPM++ 2M` with schedule `Karras`, others with `Automatic`."""
    if sampler.value.endswith(_KARRAS):
        return sampler.value.removesuffix(_KARRAS), _KARRAS.strip()
    return sampler.value, _AUTOMATIC


def _sampler(name: str, schedule: str) -> Sampler | None:
    """Ours for a name of today (`DPM++ 2M`, `Karras`) or of old files (`DPM++ 2M Karras`)."""
    joined = f"{name} {schedule}" if schedule not in {"", _AUTOMATIC} else name
    return next((each for each in Sampler if each.value.casefold() == joined.casefold()), None)


def _quote(value: str) -> str:
    special = any(sign in value for sign in ",\n:") or value.startswith('"')
    return json.dumps(value, ensure_ascii=False) if special else value


def _unquote(value: str) -> str:
    if len(value) < len('""') or not (value.startswith('"') and value.endswith('"')):
        return value
    try:
        read: object = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, str) else value


def _integer(digits: str) -> int | None:
    fits = re.fullmatch(rf"-?\d{{1,{_MAX_DIGITS}}}", digits, re.ASCII)
    return int(digits) if fits else None


def _number(digits: str) -> float | None:
    fits = re.fullmatch(rf"-?\d{{1,{_MAX_DIGITS}}}(\.\d{{0,{_MAX_DIGITS}}})?", digits, re.ASCII)
    return float(digits) if fits else None
