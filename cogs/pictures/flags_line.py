"""Settings as the flags that people type at the end of a prompt: written and read. Pure."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Final

from pipeline.aspect import nearest_bucket
from pipeline.card import (
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    QualityPreset,
)
from pipeline.errors import InputError
from pipeline.metadata.parameters import Parameters
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.flags import fold_flags, parse_flags
from pipeline.prompt.pieces import first_pieces
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest


def _rating(value: Rating) -> str:
    return value.label


def _number(value: float) -> str:
    return f"{value:.9g}"


_FLAGS: Final[tuple[tuple[str, str, Callable[[Any], str]], ...]] = (
    ("aspect", "ar", str),
    ("num_inference_steps", "steps", str),
    ("guidance_scale", "cfg", _number),
    ("sampler", "sampler", str),
    ("seed", "seed", str),
    ("count", "count", str),
    ("preset", "preset", str),
    ("style", "style", str),
    ("rating", "rating", _rating),
    ("year", "year", str),
    ("aesthetic", "aesthetic", str),
)
"""Field, flag, and how its value is written; in reading order."""


_MAX_SIDE: Final = 100_000  # pixels: a file that says more says nothing


def settings_line(request: GenerationRequest) -> str:
    """`--ar 3:2 --steps 20 --cfg 6 --seed 5`: what `request` says besides its texts."""
    said = [(flag, write, getattr(request, field)) for field, flag, write in _FLAGS]
    return " ".join(f"--{flag} {write(value)}" for flag, write, value in said if value is not None)


def with_settings(request: GenerationRequest, line: str) -> GenerationRequest:
    """`request` with the settings of `line`; flags that stand in its prompt win.

    InputError names what can't be read.
    """
    parsed = parse_flags(line.strip())
    if parsed.prompt:
        raise InputError("settings_unreadable", value=parsed.prompt[:60].replace("`", "'"))
    typed = parsed.values
    removed = str(typed.pop("negative_prompt", ""))
    folded = fold_flags(request)
    if parsed.foreign:  # told of when the prompt is read, as if they stood there
        folded = replace(folded, prompt=" ".join((folded.prompt, *parsed.foreign)))
    negative = ", ".join(words for words in (folded.negative_prompt, removed) if words)
    unset = {f.name for f in fields(folded) if getattr(folded, f.name) is None}
    values: dict[str, Any] = {name: value for name, value in typed.items() if name in unset}
    return replace(folded, **values, negative_prompt=negative)


def filled_in(base: GenerationRequest, made: ResolvedRequest) -> GenerationRequest:
    """`base` with everything said that was decided when its picture was made.

    All its text is in the prompt, as a form has one field for it.
    """
    return replace(
        base,
        prompt=cut_prompt(typed_text(base)),
        character="",
        series="",
        tags="",
        aspect=nearest_bucket(width=made.width, height=made.height).pixels,
        preset=made.preset,
        sampler=made.sampler,
        num_inference_steps=made.num_inference_steps,
        guidance_scale=made.guidance_scale,
        seed=made.seed,
        count=base.count,
    )


def wish_of(parameters: Parameters, *, max_steps: int = MAX_STEPS) -> GenerationRequest:
    """What a stranger's file asks for, as far as it can be done here; the nearest where not.

    The prompt is complete, as its model got it: no preset adds to it a second time.
    """
    width, height = parameters.width, parameters.height
    sized = all(side is not None and 0 < side <= _MAX_SIDE for side in (width, height))
    steps, guidance, seed = (
        parameters.num_inference_steps, parameters.guidance_scale, parameters.seed,
    )  # fmt: skip
    return GenerationRequest(
        prompt=cut_prompt(parameters.prompt),
        negative_prompt=cut_prompt(parameters.negative_prompt),
        aspect=f"{width}x{height}" if sized else None,
        preset=QualityPreset.NONE,
        sampler=parameters.sampler,
        num_inference_steps=None if steps is None else max(MIN_STEPS, min(steps, max_steps)),
        guidance_scale=(
            None if guidance is None else max(MIN_GUIDANCE, min(guidance, MAX_GUIDANCE))
        ),
        seed=seed if seed is not None and 0 <= seed <= MAX_SEED else None,
    )


def cut_prompt(prompt: str) -> str:
    """`prompt`, or as many of its first tags as a prompt may have."""
    return first_pieces(prompt, MAX_PROMPT_CHARACTERS)


MAX_LINE: Final = 500
"""Characters of a settings line: every flag at once takes less than half of it."""
