"""Midjourney's habit: `1girl, smile --ar 3:2 --seed 5 --no hat, gloves` at the end of a prompt.

The first ` --word` begins the flags; what stands before is the prompt. A dash pair that no letter
follows (`--_--`) or no blank precedes (`a--b`) is text. An em dash, which telephones make of two
hyphens, counts before a known flag.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from enum import StrEnum
from typing import Final, TypeVar

from pipeline.card import Aesthetic, QualityPreset, Sampler, Style, Year
from pipeline.errors import InputError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest

_E = TypeVar("_E", bound=StrEnum)


def _choice(kind: type[_E]) -> Callable[[str], _E]:
    """Reads a member of `kind` by its value, case and spaces apart (`digitalart`)."""

    def read(value: str) -> _E:
        wanted = _squeeze(value)
        for member in kind:
            if _squeeze(member.value) == wanted:
                return member
        raise ValueError(value)

    return read


def _squeeze(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()


def _number(value: str) -> float:
    if re.fullmatch(r"[+-]?\d{1,9}(\.\d{0,9})?", value) is None:
        raise ValueError(value)
    return float(value)


def _integer(value: str) -> int:
    if re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII) is None:
        raise ValueError(value)
    return int(value)


def _words(value: str) -> str:
    if not value:
        raise ValueError(value)
    return value


_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "aspect": ("ar", "aspect"),
    "seed": ("seed",),
    "num_inference_steps": ("steps",),
    "guidance_scale": ("cfg", "guidance"),
    "count": ("count", "n"),
    "negative_prompt": ("no", "negative"),
    "style": ("style",),
    "preset": ("preset",),
    "sampler": ("sampler",),
    "rating": ("rating",),
    "year": ("year",),
    "aesthetic": ("aesthetic",),
}

_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "aspect": _words,
    "seed": _integer,
    "num_inference_steps": _integer,
    "guidance_scale": _number,
    "count": _integer,
    "negative_prompt": _words,
    "style": _choice(Style),
    "preset": _choice(QualityPreset),
    "sampler": _choice(Sampler),
    "rating": Rating.from_label,
    "year": _choice(Year),
    "aesthetic": _choice(Aesthetic),
}

_FIELD_OF: Final = {flag: field for field, flags in _FIELDS.items() for flag in flags}
KNOWN_FLAGS: Final = tuple(f"--{flags[0]}" for flags in _FIELDS.values())
"""For messages: every flag by its short name."""

_LONGEST_FIRST = "|".join(sorted(_FIELD_OF, key=len, reverse=True))
_FLAG = re.compile(rf"(?<!\S)(?:--([A-Za-z][\w-]*)|—({_LONGEST_FIRST})\b)", re.IGNORECASE)


def fold_flags(request: GenerationRequest) -> GenerationRequest:
    """`request` with the flags of its prompt turned into fields, the prompt without them.

    An option that was filled in wins over a flag; `--no` adds to the negative prompt; of a flag
    given twice the last counts (`--no` adds up).
    Raises InputError `flag_unknown` or `flag_value`, each naming the flag.
    """
    prompt, typed = parse_flags(request.prompt)
    if not typed and prompt == request.prompt:
        return request
    added = str(typed.get("negative_prompt", ""))
    negative = ", ".join(words for words in (request.negative_prompt, added) if words)
    unset = {f.name for f in fields(request) if getattr(request, f.name) is None}
    values = {name: value for name, value in typed.items() if name in unset}
    return replace(request, **values, prompt=prompt, negative_prompt=negative)


def parse_flags(prompt: str) -> tuple[str, dict[str, object]]:
    """The prompt without its flags, and the fields of GenerationRequest that they fill."""
    flags = list(_FLAG.finditer(prompt))
    if not flags:
        return prompt, {}
    values: dict[str, object] = {}
    ends = [flag.start() for flag in flags[1:]] + [len(prompt)]
    for flag, end in zip(flags, ends, strict=True):
        name = (flag[1] or flag[2]).lower()
        field, value = _read(name, prompt[flag.end() : end].strip(" \t\r\n,="))
        if field == "negative_prompt" and field in values:
            value = f"{values[field]}, {value}"
        values[field] = value
    return prompt[: flags[0].start()].rstrip(" \t\r\n,"), values


def _read(flag: str, value: str) -> tuple[str, object]:
    field = _FIELD_OF.get(flag)
    if field is None:
        raise InputError("flag_unknown", flag=f"--{flag[:30]}", known=", ".join(KNOWN_FLAGS))
    try:
        return field, _READERS[field](value)
    except ValueError:
        raise InputError(
            "flag_value", flag=f"--{flag}", value=value[:60].replace("`", "'")
        ) from None
