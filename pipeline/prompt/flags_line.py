"""Settings as the flags that people type at the end of a prompt: written and read. Pure."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Final

from pipeline.aspect import nearest_bucket
from pipeline.card import DEFAULT_SAMPLER, MAX_PROMPT_CHARACTERS, MAX_STEPS, SCHEDULERS, Speed
from pipeline.errors import InputError
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.lora.typed import NO_LORA, TypedLora, strength_text
from pipeline.lora.use import MAX_LORAS
from pipeline.metadata.parameters import Parameters
from pipeline.metadata.settings import settings_of
from pipeline.options import written
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.flags import FLAGGED, fold_flags, parse_flags
from pipeline.prompt.known import NameOf, nothing
from pipeline.prompt.pieces import first_pieces
from pipeline.request import OPTIONS, GenerationRequest, ResolvedRequest, decided


def settings_line(request: GenerationRequest) -> str:
    """`--ar 3:2 --steps 20 --cfg 6 --seed 5`: what `request` says besides its texts."""
    said = [
        (each.flags[0], getattr(request, each.field)) for each in FLAGGED if each.default is None
    ]
    return " ".join(
        f"--{flag} {written(value)}" for flag, value in said if value not in {None, NO_LORA}
    )


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
    if parsed.foreign:  # reported when the prompt is read, as if they were in it
        folded = replace(folded, prompt=" ".join((folded.prompt, *parsed.foreign)))
    negative = ", ".join(words for words in (folded.negative_prompt, removed) if words)
    unset = {f.name for f in fields(folded) if getattr(folded, f.name) is None}
    values: dict[str, Any] = {name: value for name, value in typed.items() if name in unset}
    return replace(folded, **values, negative_prompt=negative)


def filled_in(
    base: GenerationRequest, made: ResolvedRequest, *, recipe: Recipe = NO_RECIPE
) -> GenerationRequest:
    """`base` with everything said that was decided when its picture was made.

    All its text is in the prompt, as a form has one field for it. What it has from the `recipe` of
    its LoRAs stays unsaid: whoever takes them out draws without it.
    """
    from_recipe = {
        name: None for name, value in recipe.said.items() if value == getattr(made, name)
    }
    return replace(
        base,
        prompt=cut_prompt(typed_text(base)),
        character="",
        series="",
        tags="",
        aspect=nearest_bucket(width=made.width, height=made.height).pixels,
        **{**decided(made), "rating": base.rating, "count": base.count, **from_recipe},
    )


def request_of(
    parameters: Parameters, *, max_steps: int = MAX_STEPS, lora_of: NameOf = nothing
) -> GenerationRequest:
    """What a stranger's file asks for, as far as it can be done here; the nearest where not.

    The prompt is complete, as its model got it: no preset adds to it a second time. `lora_of`: the
    name in the library of a LoRA that can be used here. A sampler that needs a LoRA is left out
    without one, with its few steps.
    """
    said, loras = settings_of(parameters), parameters.loras
    is_draft = said.get("speed") is Speed.DRAFT
    drafts = is_draft and bool(loras) and lora_of(loras[-1].name) is not None
    if is_draft:
        loras = loras[:-1]  # the last is what made it one, which comes with the speed
        said["speed"] = Speed.DRAFT if drafts else None
    lora = _loras(loras, lora_of)
    sampler = said.get("sampler") or DEFAULT_SAMPLER
    if not drafts and (is_draft or (SCHEDULERS[sampler].distilled and lora is None)):
        said.update(sampler=None, num_inference_steps=None, guidance_scale=None)
    highest = {"num_inference_steps": SCHEDULERS[sampler].highest_steps(max_steps)}
    for each in OPTIONS:
        value = said.get(each.field)
        if value is not None and each.low is not None:
            said[each.field] = max(each.low, min(value, highest.get(each.field, each.high)))
    return GenerationRequest(
        prompt=cut_prompt(parameters.prompt),
        negative_prompt=cut_prompt(parameters.negative_prompt),
        lora=lora,
        **said,
    )


def _loras(loras: Iterable[TypedLora], lora_of: NameOf) -> str | None:
    """Those that the library has, as the option takes them."""
    known: dict[str, str] = {}
    for each in loras:
        name = lora_of(each.name)
        if name is not None and each.strength is not None:
            known[name] = f"{name}:{strength_text(each.strength)}"
        elif name is not None:
            known.setdefault(name, name)
    return ", ".join(list(known.values())[:MAX_LORAS]) or None


def cut_prompt(prompt: str) -> str:
    """`prompt`, or as many of its first tags as a prompt may have."""
    return first_pieces(prompt, MAX_PROMPT_CHARACTERS)


MAX_LINE: Final = 500
"""Characters of a settings line: all flags at once fit, with three LoRAs of the longest names."""
