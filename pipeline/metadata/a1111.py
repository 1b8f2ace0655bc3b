"""The text under `parameters` as A1111, Forge, SD.Next and many others write it.

Prompt, then `Negative prompt: ...`, then one line of settings; extensions add lines after it. Some
sites join everything to one line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline.metadata.bounds import names_of, parse_integer, parse_number, parse_size
from pipeline.metadata.pairs import parse_pairs
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.samplers import choose_sampler

_NEGATIVE: Final = "Negative prompt:"
_MIN_PAIRS: Final = 3
_MIN_KNOWN: Final = 2
_MIN_KNOWN_WITHIN: Final = 4  # behind a prompt in the same line
_MAX_STARTS: Final = 4  # places in a line where settings may begin
_KNOWN: Final = frozenset(
    {"Steps", "Sampler", "Schedule type", "Scheduler", "CFG scale", "Seed", "Size", "Model",
     "Model hash", "VAE", "Denoising strength", "Clip skip", "Version", "App", "Resolution"}
)  # fmt: skip
_LINE_END = re.compile(r"\r\n|\r|\n")
_STARTS = re.compile(r"(?<![\w-])Steps: ?\d", re.IGNORECASE)
_TEMPLATE = re.compile(r"(?:Negative )?Template:")
_TRAILING = re.compile(r"(\w[\w \-/]{0,40}):(?!:)\s?(.*)", re.DOTALL)
_NONE: Final = frozenset({"", "None", "none", "False", "0"})


@dataclass(frozen=True, slots=True)
class _Parts:
    """The three parts of the text."""

    prompt: str
    negative: str
    pairs: Mapping[str, str]


def parse_parameters(text: str) -> Parameters:
    """What `text` says; never fails: a text without settings is a prompt."""
    parts = _split(text)
    pairs = parts.pairs
    name = pairs.get("Sampler", "")
    schedule = pairs.get("Schedule type", "") or pairs.get("Scheduler", "")
    width, height = _size(pairs)
    return Parameters(
        prompt=parts.prompt,
        negative_prompt=parts.negative,
        num_inference_steps=parse_integer(pairs.get("Steps", "")),
        sampler=choose_sampler(name, schedule).sampler,
        sampler_name=name,
        schedule_type=schedule,
        guidance_scale=parse_number(pairs.get("CFG scale", "")),
        seed=parse_integer(pairs.get("Seed", "")),
        width=width,
        height=height,
        model_name=pairs.get("Model", ""),
        model_hash=pairs.get("Model hash", ""),
        rng=pairs.get("RNG", "GPU"),
        variation_seed=parse_integer(pairs.get("Variation seed", "")),
        variation_strength=parse_number(pairs.get("Variation seed strength", "")),
        denoising_strength=parse_number(pairs.get("Denoising strength", "")),
        hires_upscale=parse_number(pairs.get("Hires upscale", "")),
        version=pairs.get("Version", ""),
        pairs=MappingProxyType(pairs),
        left_out=MappingProxyType(_left_out(pairs)),
    )


def _split(text: str) -> _Parts:
    lines = [line.strip() for line in _LINE_END.split(text.strip("\ufeff \t\r\n"))]
    for index in reversed(range(_end(lines))):
        at = _settings_at(lines[index])
        if at is not None:
            break
    else:
        return _Parts(*_prompts(lines), {})
    line = lines[index]
    before = lines[:index] if at == 0 else [*lines[:index], line[:at].strip()]
    pairs = {**_trailing(lines[index + 1 :]), **parse_pairs(line[at:])}
    return _Parts(*_prompts(before, joined=at != 0), pairs)


def _end(lines: Sequence[str]) -> int:
    """Where templates begin that stand below settings: they may look like settings themselves."""
    below = False
    for index, line in enumerate(lines):
        if below and _TEMPLATE.match(line):
            return index
        below = below or _are_settings(line)
    return len(lines)


def _settings_at(line: str) -> int | None:
    """Where the settings begin in a line; None where it has none."""
    if _are_settings(line):
        return 0
    starts = [match.start() for match in _STARTS.finditer(line)][-_MAX_STARTS:]
    return next(
        (at for at in reversed(starts) if _are_settings(line[at:], _MIN_KNOWN_WITHIN)), None
    )


def _are_settings(text: str, min_known: int = _MIN_KNOWN) -> bool:
    """At least three pairs, the first known, enough of them known, one a number: prompts have
    colons as well."""
    pairs = parse_pairs(text)
    known = [key for key in pairs if key in _KNOWN]
    numbers = (parse_number(pairs.get(key, "")) for key in ("Steps", "Seed", "CFG scale"))
    return (
        len(pairs) >= _MIN_PAIRS
        and len(known) >= min_known
        and next(iter(pairs)) in _KNOWN
        and text.lstrip().startswith(known[0])
        and (len(known) > _MIN_KNOWN or any(number is not None for number in numbers))
    )


def _trailing(lines: Sequence[str]) -> dict[str, str]:
    """What extensions write below the settings: a name and text, which may have several lines."""
    pairs: dict[str, str] = {}
    key = ""
    for line in lines:
        match = _TRAILING.fullmatch(line)
        if match is not None:
            key = match[1]
            pairs[key] = match[2]
        elif key:
            pairs[key] += f"\n{line}"
    return pairs


def _prompts(lines: Sequence[str], *, joined: bool = False) -> tuple[str, str]:
    """The lines before and after the one that begins the negative.

    Within a line the words begin it only where lines were `joined`: else they are the prompt's.
    """
    start = next((i for i, line in enumerate(lines) if line.startswith(_NEGATIVE)), None)
    if start is not None:
        rest = [line.removeprefix(_NEGATIVE).strip() for line in lines[start:]]
        return "\n".join(lines[:start]).strip(), "\n".join(rest).strip()
    text = "\n".join(lines).strip()
    prompt, found, negative = text.partition(_NEGATIVE)
    return (prompt.strip(), negative.strip()) if joined and found else (text, "")


def _size(pairs: Mapping[str, str]) -> tuple[int | None, int | None]:
    for key in ("Size", "Resolution"):
        size = parse_size(pairs.get(key, ""))
        if size is not None:
            return size
    for first, second in (("Size-1", "Size-2"), ("Width", "Height")):
        width, height = (parse_integer(pairs.get(key, "")) for key in (first, second))
        if width is not None and height is not None:
            return width, height
    return None, None


def _left_out(pairs: Mapping[str, str]) -> dict[LeftOut, tuple[str, ...]]:
    found: dict[LeftOut, tuple[str, ...]] = {}
    used = {key: value for key, value in pairs.items() if value not in _NONE}
    for kind, prefixes in _SIGNS.items():
        keys = [key for key in used if key.startswith(prefixes)]
        if keys:
            found[kind] = names_of(keys)
    for kind, keys in _HASHES.items():
        names = [part.partition(":")[0] for key in keys for part in used.get(key, "").split(",")]
        if any(name.strip() for name in names):
            found[kind] = names_of(names)
    if "Denoising strength" in used and not any(key.startswith("Hires") for key in used):
        found[LeftOut.INIT_PICTURE] = ()
    return found


_HASHES: Final[Mapping[LeftOut, tuple[str, ...]]] = {
    LeftOut.LORA: ("Lora hashes", "LoRAs"),
    LeftOut.EMBEDDING: ("TI hashes",),
}
_SIGNS: Final[Mapping[LeftOut, tuple[str, ...]]] = {
    LeftOut.CONTROL: ("ControlNet",),
    LeftOut.REGION: ("RP Active", "forge_couple", "Latent Couple", "Regional"),
    LeftOut.REFINED: ("Hires upscale", "Hires resize", "ADetailer model", "Refiner"),
    LeftOut.LORA: ("AddNet Model",),
}
