"""Accepting: which LoRAs of the library a request is drawn with, or why that can't be. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from bot.loras.library import LoraEntry, LoraLibrary
from bot.loras.names import key_of
from bot.moderation.loras import LoraRule
from pipeline.errors import InputError, RefusedError
from pipeline.hints import Hint, HintKind
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.lora.typed import (
    TypedLora,
    cut_loras,
    lora_named_in,
    loras_text,
    parse_loras,
    typed_text,
)
from pipeline.lora.use import MAX_LORAS, LoraUse
from pipeline.prompt.loras import ChosenLoras
from pipeline.rating import Rating
from pipeline.request import GenerationRequest

_MAX_SHOWN = 60  # characters of a name that an error repeats


def usable(library: LoraLibrary, *, rule: LoraRule, ceiling: Rating) -> list[LoraEntry]:
    """Those that can be used under these rules, by name."""
    return [
        entry
        for entry in library.entries()
        if not entry.problem and entry.rating <= ceiling and rule.allows(entry.name)
    ]


def similar(library: LoraLibrary, name: str, *, rule: LoraRule, ceiling: Rating) -> list[str]:
    """Names like `name` of those that can be used."""
    there = {entry.name for entry in usable(library, rule=rule, ceiling=ceiling)}
    return [each for each in library.nearest(name) if each in there]


def choose_loras(
    request: GenerationRequest,
    library: LoraLibrary,
    *,
    rule: LoraRule,
    ceiling: Rating,
    saved: bool = False,
) -> tuple[GenerationRequest, ChosenLoras]:
    """The request with all its LoRAs in `lora`, and what they are.

    What the option says wins over the prompt's `<lora:name:0.8>`, but not what a preset says in its
    place (`saved`). Those of names that the library does not have stay in the prompt, which is read
    without them. Of several recipes the first counts. InputError or RefusedError says which one
    can't be used here, and why.
    """
    prompt = cut_loras(request.prompt, lambda name: library.get(name) is not None)
    tags = cut_loras(request.tags, lambda name: library.get(name) is not None)
    option = parse_loras(request.lora or "")
    in_prompt = (*tags.loras, *prompt.loras)  # a preset's prompt is in `tags`
    typed = (*option, *in_prompt) if saved else (*in_prompt, *option)
    if not typed:
        return request, ChosenLoras()
    found: dict[str, tuple[LoraEntry, float]] = {}
    for each in typed:
        entry = _entry(library, each, rule=rule, ceiling=ceiling)
        strength = entry.strength if each.strength is None else each.strength
        found[key_of(entry.name)] = entry, strength
    chosen = [(entry, strength) for entry, strength in found.values() if strength]
    if len(chosen) > MAX_LORAS:
        raise InputError("loras_too_many", count=len(chosen), limit=MAX_LORAS)
    uses = tuple(
        LoraUse(name=entry.name, strength=strength, digest=entry.digest, hash=entry.hash)
        for entry, strength in chosen
    )
    said = replace(request, prompt=prompt.text, tags=tags.text, lora=loras_text(uses) or None)
    return said, ChosenLoras(
        uses=uses,
        triggers=tuple(trigger for entry, _ in chosen for trigger in entry.triggers),
        rating=max((entry.rating for entry, _ in chosen), default=Rating.SAFE),
        recipe=first_recipe(entry for entry, _ in chosen),
    )


def first_recipe(entries: Iterable[LoraEntry]) -> Recipe:
    """The recipe of the first of them that has one."""
    return next((entry.recipe for entry in entries if entry.recipe.said), NO_RECIPE)


def names_loras(request: GenerationRequest, library: LoraLibrary) -> bool:
    """Whether `request` says which LoRAs it wants, or that it wants none (`ink:0`)."""
    texts = (request.prompt, request.tags)
    return bool(parse_loras(request.lora or "")) or any(
        cut_loras(each, lambda name: library.get(name) is not None).loras for each in texts
    )


def default_loras(
    stored: str, library: LoraLibrary, *, rule: LoraRule, ceiling: Rating
) -> tuple[str | None, tuple[Hint, ...]]:
    """A person's own LoRAs, as far as they can be used here, and a hint about the others."""
    try:
        typed = parse_loras(stored)
    except InputError:  # of a version that allowed it
        return None, ()
    there = {key_of(entry.name) for entry in usable(library, rule=rule, ceiling=ceiling)}
    kept = [each for each in typed if key_of(each.name) in there]
    missing = len(typed) - len(kept)
    # Not named: the name of one that is rated higher says too much here.
    hints = (Hint(HintKind.LORA_DEFAULT, str(missing), ""),) if missing else ()
    return typed_text(kept) or None, hints


def checked_default(typed: str, library: LoraLibrary) -> str:
    """`typed` as it is kept as a person's default. InputError for what the library does not have, a
    strength that can't be used, and for too many."""
    found = parse_loras(typed)
    if len(found) > MAX_LORAS:
        raise InputError("loras_too_many", count=len(found), limit=MAX_LORAS)
    for each in found:
        if library.get(each.name) is None:
            raise _unknown(each.name, library, rule=LoraRule(), ceiling=Rating.SAFE)
    return typed_text(found)


def explained(
    hints: Iterable[Hint], library: LoraLibrary, *, rule: LoraRule, ceiling: Rating
) -> tuple[Hint, ...]:
    """`hints` with similar names for LoRAs that the library does not have; the others stood where
    they don't count, as in the negative prompt."""

    def one(hint: Hint) -> Hint:
        if hint.kind is not HintKind.LORA:
            return hint
        name = lora_named_in(hint.typed)
        if name and library.get(name) is not None:
            return replace(hint, kind=HintKind.LORA_PLACE)
        near = similar(library, name, rule=rule, ceiling=ceiling) if name else []
        return replace(hint, used=", ".join(near))

    return tuple(map(one, hints))


def _entry(library: LoraLibrary, typed: TypedLora, *, rule: LoraRule, ceiling: Rating) -> LoraEntry:
    """The LoRA of that name, if it may be used."""
    entry = library.get(typed.name)
    if entry is None:
        raise _unknown(typed.name, library, rule=rule, ceiling=ceiling)
    if not rule.allows(entry.name):
        raise RefusedError("lora_not_allowed", name=entry.name)
    if entry.problem:
        raise InputError("lora_unusable", name=entry.name)
    if entry.rating > ceiling:
        raise RefusedError(
            "lora_above_ceiling",
            name=entry.name,
            rating=entry.rating.label,
            ceiling=ceiling.label,
        )
    return entry


def _unknown(name: str, library: LoraLibrary, *, rule: LoraRule, ceiling: Rating) -> InputError:
    shown = name[:_MAX_SHOWN].replace("`", "'")
    near = similar(library, name, rule=rule, ceiling=ceiling)
    if not near:
        return InputError("lora_unknown", name=shown)
    return InputError("lora_similar", name=shown, similar=", ".join(near))
