"""A1111's text about a picture, pasted as a whole into a prompt: prompt, negative and settings."""

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Final

from pipeline.lora.typed import find_loras
from pipeline.metadata.a1111 import parse_parameters
from pipeline.metadata.parameters import Parameters
from pipeline.metadata.settings import settings_of
from pipeline.request import GenerationRequest

PASTED: Final = "--pasted"
"""Marks pasted settings without an equivalent here, at the end of the prompt."""

_NEGATIVE = re.compile(r"(?<![^\s,.])Negative prompt:", re.IGNORECASE)
_SETTINGS = re.compile(r"(?<![\w-])Steps: ?\d", re.IGNORECASE)
_FLAGS = re.compile(r"(?<!\S)(?:--|－－|[—–])[A-Za-z]")
_NO_NAME = re.compile(r"[^\w +.]")
_AROUND: Final = " ,\r\n\t"
_LORAS: Final = "Lora hashes"
_MISSING: Final = ("Hires", "ADetailer", "ControlNet", "Refiner", _LORAS, "TI hashes",
                   "Denoising strength", "Variation seed", "Civitai resources")  # fmt: skip


def fold_infotext(request: GenerationRequest) -> GenerationRequest:
    """`request` with the negative prompt and settings of its prompt moved to their fields.

    What was filled in wins over settings, and the negative is added. A prompt that comes with its
    settings is complete, so no preset adds to it. Settings that can't be had are named behind
    `PASTED`. Never fails.
    """
    prompt = request.prompt
    said = parse_parameters(prompt) if _SETTINGS.search(prompt) else None
    if said is not None and said.pairs:
        prompt, negative = said.prompt, said.negative_prompt
        request = _filled(request, said)
    else:
        said, negative = None, ""
    if not negative and (begins := _NEGATIVE.search(prompt)) is not None:
        prompt, negative = prompt[: begins.start()], prompt[begins.end() :]
        if (flags := _FLAGS.search(negative)) is not None:
            prompt = f"{prompt.rstrip(_AROUND)} {negative[flags.start() :]}"
            negative = negative[: flags.start()]
    elif said is None:
        return request
    missing = "" if said is None else "; ".join(_missing(said))
    typed = (request.negative_prompt, negative.strip(_AROUND))
    return replace(
        request,
        prompt=prompt.strip(_AROUND) + (f" {PASTED} {missing}" if missing else ""),
        negative_prompt=", ".join(words for words in typed if words),
    )


def _filled(request: GenerationRequest, said: Parameters) -> GenerationRequest:
    found = settings_of(said)
    unset = {each.name for each in fields(request) if getattr(request, each.name) is None}
    return replace(request, **{name: value for name, value in found.items() if name in unset})


def _missing(said: Parameters) -> Iterator[str]:
    """Names that contain nothing which could be read as a flag."""
    if said.sampler is None and said.sampler_name:
        yield "Sampler: " + _NO_NAME.sub("", said.sampler_name[:40])
    named = bool(find_loras(said.prompt))  # then reading the prompt says what is missing
    for name in _MISSING:
        if any(key.startswith(name) for key in said.pairs) and not (named and name == _LORAS):
            yield name
