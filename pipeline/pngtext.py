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

_NEGATIVE: Final = "Negative prompt:"
_KARRAS: Final = " Karras"
_AUTOMATIC: Final = "Automatic"

_PAIR = re.compile(r'\s*(\w[\w \-/]{1,40}):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_MIN_PAIRS: Final = 3  # fewer in the last line: it belongs to the prompt
_MAX_DIGITS: Final = 18
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a file says about its picture. None or "" where it says nothing.

    `sampler` is ours where we have it, `sampler_name` and `schedule_type` are as written.
    `rng` is "GPU" where nothing is written, as A1111 reads it. `pairs` has every pair as text.
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
    version: str = ""
    pairs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def parameters_text(
    resolved: ResolvedRequest, *, index: int, model_name: str, model_hash: str, version: str
) -> str:
    """The text for picture `index` of a job. Pairs without a value are left out.

    Noise is drawn by a CPU generator, hence `RNG: CPU`.
    """
    sampler, schedule = _sampler_pair(resolved.sampler)
    pairs = {
        "Steps": str(resolved.num_inference_steps),
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": f"{resolved.guidance_scale:.10g}",
        "Seed": str(resolved.seed_of(index)),
        "Size": f"{resolved.width}x{resolved.height}",
        "Model hash": model_hash,
        "Model": model_name,
        "RNG": "CPU",
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
        version=pairs.get("Version", ""),
        pairs=MappingProxyType(pairs),
    )


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
