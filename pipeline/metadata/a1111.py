"""The text under `parameters` as A1111, Forge, SD.Next and many others write it.

Prompt, then `Negative prompt: ...`, then one line of settings; extensions add lines after it. Some
sites join everything to one line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline.metadata.bounds import (
    as_list,
    as_object,
    as_text,
    names_of,
    parse_integer,
    parse_number,
    parse_object,
    parse_size,
)
from pipeline.metadata.pairs import parse_pairs
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.samplers import choose_sampler

_MIN_PAIRS: Final = 3
_MIN_KNOWN: Final = 2
_MIN_KNOWN_WITHIN: Final = 4  # after a prompt in the same line
_MAX_STARTS: Final = 4  # places in a line where settings may start
_KNOWN: Final = frozenset(
    {"Steps", "Sampler", "Schedule type", "Scheduler", "CFG scale", "Seed", "Size", "Model",
     "Model hash", "VAE", "Denoising strength", "Clip skip", "Version", "App", "Resolution"}
)  # fmt: skip
_CANONICAL: Final = {key.casefold(): key for key in _KNOWN}
_NEGATIVE_BEGINS = re.compile(r"Negative prompt:", re.IGNORECASE)
_LABEL = re.compile(r"\A(?:positive )?prompt:\s?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(
    r"((?:CFG scale|Denoising strength|Hires upscale): ?\d{1,3}),(\d{1,3})(?=\s{0,8}(?:,|$))",
    re.IGNORECASE,
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_STARTS = re.compile(r"(?<![\w-])Steps: ?\d", re.IGNORECASE)
_TEMPLATE = re.compile(r"(?:Negative )?Template:")
_PIPED = re.compile(r"(?:\w[\w \-/]{0,40}: ?[^|\n]{0,200} \| ){2}")
_TRAILING = re.compile(r"(\w[\w \-/]{0,40}):(?!:)\s?(.*)", re.DOTALL)
_NONE: Final = frozenset({"", "None", "none", "False", "0"})


@dataclass(frozen=True, slots=True)
class _Parts:
    """The three parts of the text."""

    prompt: str
    negative: str
    pairs: Mapping[str, str]


def parse_parameters(text: str) -> Parameters:
    """Parse `text`; never fails: a text without settings is a prompt."""
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
    lines = _joined([line.strip() for line in _LINE_END.split(text.strip("\ufeff \t\r\n"))])
    for index in reversed(range(_end(lines))):
        at = _settings_at(lines[index])
        if at is not None:
            break
    else:
        return _Parts(*_prompts(lines), {})
    line = lines[index]
    before = lines[:index] if at == 0 else [*lines[:index], line[:at].strip()]
    pairs = {**_trailing(lines[index + 1 :]), **_pairs(line[at:])}
    prompt, negative = _prompts(before, joined=at != 0)
    return _Parts(_LABEL.sub("", prompt), negative, pairs)


def _joined(lines: Sequence[str]) -> list[str]:
    """Settings in one line with commas: some programs write one in each line, or `|` between."""
    piped = [line.replace(" | ", ", ") if _PIPED.match(line) else line for line in lines]
    joined: list[str] = []
    goes_on = alone = False
    for line in piped:
        match = _TRAILING.match(line)
        key = "" if match is None else match[1].casefold()
        known, comma = key in _CANONICAL, "," in line
        if known and (goes_on or (alone and not comma)):
            joined[-1] = f"{joined[-1].rstrip(',')}, {line}"
        else:
            joined.append(line)
        goes_on = key in {"version", "app"} and line.endswith(",")
        alone = known and not comma
    return joined


def _pairs(line: str) -> dict[str, str]:
    """The pairs of a line; those we know by A1111's own spelling."""
    found = parse_pairs(_DECIMAL_COMMA.sub(r"\1.\2", line))
    return {_CANONICAL.get(key.casefold(), key): value for key, value in found.items()}


def _end(lines: Sequence[str]) -> int:
    """Where templates below settings start: they may look like settings themselves."""
    below = False
    for index, line in enumerate(lines):
        if below and _TEMPLATE.match(line):
            return index
        below = below or _are_settings(line)
    return len(lines)


def _settings_at(line: str) -> int | None:
    """Where the settings start in a line; None if it has none."""
    if _are_settings(line):
        return 0
    starts = [match.start() for match in _STARTS.finditer(line)][-_MAX_STARTS:]
    return next(
        (at for at in reversed(starts) if _are_settings(line[at:], _MIN_KNOWN_WITHIN)), None
    )


def _are_settings(text: str, min_known: int = _MIN_KNOWN) -> bool:
    """At least three pairs, the first known, enough of them known, one a number: prompts have
    colons as well."""
    pairs = _pairs(text)
    known = [key for key in pairs if key in _KNOWN]
    numbers = (parse_number(pairs.get(key, "")) for key in ("Steps", "Seed", "CFG scale"))
    return (
        len(pairs) >= _MIN_PAIRS
        and len(known) >= min_known
        and next(iter(pairs)) in _KNOWN
        and text.lstrip().casefold().startswith(known[0].casefold())
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
    """The lines before and after the one that starts the negative.

    Within a line the words start it only if lines were `joined`; otherwise they belong to the
    prompt.
    """
    start = next((i for i, line in enumerate(lines) if _NEGATIVE_BEGINS.match(line)), None)
    if start is not None:
        rest = [_NEGATIVE_BEGINS.sub("", line, count=1).strip() if _NEGATIVE_BEGINS.match(line)
                else line for line in lines[start:]]  # fmt: skip
        return "\n".join(lines[:start]).strip(), "\n".join(rest).strip()
    text = "\n".join(lines).strip()
    found = _NEGATIVE_BEGINS.search(text) if joined else None
    if found is None:
        return text, ""
    return text[: found.start()].strip(), text[found.end() :].strip()


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
    for kind, names in _resources(used):
        found[kind] = names_of([*found.get(kind, ()), *names])
    for kind, keys in _HASHES.items():
        names = [part.partition(":")[0] for key in keys for part in used.get(key, "").split(",")]
        if any(name.strip() for name in names):
            found[kind] = names_of([*found.get(kind, ()), *names])
    if "Denoising strength" in used and not any(key.startswith("Hires") for key in used):
        found[LeftOut.INIT_PICTURE] = ()
    return found


def _resources(pairs: Mapping[str, str]) -> Iterator[tuple[LeftOut, list[str]]]:
    """What Civitai lists: each resource as an object, or hashes by kind and name."""
    listed = parse_object(f'{{"all": {pairs.get("Civitai resources", "")}}}') or {}
    objects = [as_object(each) or {} for each in as_list(listed.get("all"))[:_MAX_RESOURCES]]
    named = [(as_text(each.get("type")), as_text(each.get("modelName"))) for each in objects]
    hashes = parse_object(pairs.get("Hashes", "")) or {}
    named += [(kind, name) for key in hashes for kind, colon, name in [key.partition(":")] if colon]
    for kind, names in _RESOURCES.items():
        found = [name for of, name in named if of.casefold() in names]
        if found:
            yield kind, found


_RESOURCES: Final[Mapping[LeftOut, frozenset[str]]] = {
    LeftOut.LORA: frozenset({"lora", "lyco", "lycoris", "locon", "dora"}),
    LeftOut.EMBEDDING: frozenset({"embed", "embedding", "textualinversion"}),
}
_MAX_RESOURCES: Final = 50
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
