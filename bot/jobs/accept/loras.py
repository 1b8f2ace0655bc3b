"""Accepting: which LoRAs of the library a request is drawn with, or why that can't be. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.loras.library import LoraEntry, LoraLibrary
from bot.loras.names import key_of, nearest
from bot.moderation.loras import LoraRule
from pipeline.card import SCHEDULERS, Speed
from pipeline.compare import read_comparison
from pipeline.errors import EkakiError, InputError, RefusedError
from pipeline.hints import Hint, HintKind
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.lora.typed import (
    NO_LORA,
    CutPrompt,
    TypedLora,
    cut_loras,
    lora_named_in,
    loras_text,
    parse_loras,
    typed_text,
)
from pipeline.lora.use import MAX_LORAS, LoraUse
from pipeline.prompt.flags_line import settings_line
from pipeline.prompt.loras import ChosenLoras
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest

_MANY: Final = 2  # times the steps of a recipe
_MAX_SHOWN = 60  # characters of a name that an error repeats
_UNAVAILABLE: Final = frozenset({
    "lora_unknown", "lora_similar", "lora_not_allowed", "lora_unusable", "lora_above_ceiling",
    "lora_no_branch", "lora_other_model", "lora_gone",
})  # fmt: skip
_NO_DRAFT: Final = frozenset({"draft_none", "draft_unusable", "draft_above_ceiling", "draft_gone"})


def shown(library: LoraLibrary, name: str, *, ceiling: Rating) -> LoraEntry | None:
    """The LoRA of that name, if people may know of it in a place with this ceiling: where they may
    not, it is the same as one that does not exist."""
    entry = library.get(name)
    return None if entry is None or entry.rating > ceiling else entry


def usable(library: LoraLibrary, *, rule: LoraRule, ceiling: Rating) -> list[LoraEntry]:
    """Those that can be used under these rules, by name."""
    return [
        entry
        for entry in library.entries()
        if not entry.problem and entry.rating <= ceiling and rule.allows(entry.name)
    ]


def is_unavailable(error: EkakiError) -> bool:
    """Whether `error` says that a LoRA can't be used, so that it helps to draw without."""
    return error.key in _UNAVAILABLE


def is_no_draft(error: EkakiError) -> bool:
    """Whether `error` says that drafts can't be drawn, so that it helps to draw in full."""
    return error.key in _NO_DRAFT


def without_loras(
    request: GenerationRequest, made: ResolvedRequest | None = None, *, recipe: Recipe = NO_RECIPE
) -> GenerationRequest:
    """`request` without the LoRAs that were asked for; a draft stays one. `made`: the job that it
    repeats, and `recipe` that of its LoRAs as far as they are known: what nobody said for it is
    decided anew, as is a sampler that needs a LoRA, with its few steps."""
    plain = _decided_anew(request, made, recipe)
    if _compares(request, "lora"):
        plain = replace(plain, compare=None, count=None)  # nothing is left to compare
    return replace(plain, lora=NO_LORA)


def in_full(
    request: GenerationRequest, made: ResolvedRequest | None = None, *, recipe: Recipe = NO_RECIPE
) -> GenerationRequest:
    """`request` at full speed, with its LoRAs. `made`, `recipe`: as of `without_loras`."""
    plain = _decided_anew(request, made, recipe)
    if _compares(request, "speed"):
        plain = replace(plain, compare=None, count=None)
    return replace(plain, speed=Speed.FULL)


def _compares(request: GenerationRequest, field: str) -> bool:
    return request.compare is not None and read_comparison(request.compare).option.field == field


def _decided_anew(
    request: GenerationRequest, made: ResolvedRequest | None, recipe: Recipe
) -> GenerationRequest:
    """`request` without what nobody said."""
    needs_lora = request.sampler is not None and SCHEDULERS[request.sampler].distilled
    said = {name: getattr(request, name) for name in Recipe.__dataclass_fields__}
    unsaid = {
        name: None
        for name, value in said.items()
        if needs_lora
        or (made is not None and getattr(made.original, name) is None)
        or (made is not None and value is not None and recipe.said.get(name) == value)
    }
    return replace(request, **unsaid)


def similar(library: LoraLibrary, name: str, *, rule: LoraRule, ceiling: Rating) -> list[str]:
    """Names like `name` of those that can be used."""
    return nearest(name, [each.name for each in usable(library, rule=rule, ceiling=ceiling)])


def choose_loras(
    request: GenerationRequest,
    library: LoraLibrary,
    *,
    rule: LoraRule,
    ceiling: Rating,
    saved: bool = False,
    draft: LoraEntry | None = None,
) -> tuple[GenerationRequest, ChosenLoras]:
    """The request with all its LoRAs in `lora`, and what they are.

    What the option says wins over the prompt's `<lora:name:0.8>`, but not what a preset says in its
    place (`saved`). Those of names that are not there, as far as may be told here, stay in the
    prompt, which is read without them. Of several recipes the first counts. InputError or
    RefusedError says which one can't be used here, and why.

    A `draft` comes beside them and in its own strength, whether it was named or not: it is the
    operator's choice, which no rule of a server concerns. Its recipe comes first.
    """

    def is_known(name: str) -> bool:
        return shown(library, name, ceiling=ceiling) is not None

    prompt, tags = cut_loras(request.prompt, is_known), cut_loras(request.tags, is_known)
    if request.lora == NO_LORA:
        request = replace(request, prompt=prompt.text, tags=tags.text, lora=None)
        prompt, tags = CutPrompt(request.prompt), CutPrompt(request.tags)
    option = parse_loras(request.lora or "")
    in_prompt = (*tags.loras, *prompt.loras)  # a preset's prompt is in `tags`
    typed = (*option, *in_prompt) if saved else (*in_prompt, *option)
    if not typed and draft is None:
        return request, ChosenLoras()
    found: dict[str, tuple[LoraEntry, float]] = {}
    for each in typed:
        if draft is not None and key_of(each.name) == key_of(draft.name):
            continue
        entry = _entry(library, each, rule=rule, ceiling=ceiling)
        strength = entry.strength if each.strength is None else each.strength
        found[key_of(entry.name)] = entry, strength
    chosen = [(entry, strength) for entry, strength in found.values() if strength]
    if len(chosen) > MAX_LORAS:
        raise InputError("loras_too_many", count=len(chosen), limit=MAX_LORAS)
    uses = tuple(_use(entry, strength) for entry, strength in chosen)
    said = replace(request, prompt=prompt.text, tags=tags.text, lora=loras_text(uses) or None)
    entries = [entry for entry, _ in chosen]
    if draft is not None:
        uses = (*uses, replace(_use(draft, draft.strength), draft=True))
        entries.insert(0, draft)
    return said, ChosenLoras(
        uses=uses,
        triggers=tuple(trigger for entry in entries for trigger in entry.triggers),
        rating=max((entry.rating for entry in entries), default=Rating.SAFE),
        recipe=first_recipe(entries),
    )


def _use(entry: LoraEntry, strength: float) -> LoraUse:
    return LoraUse(name=entry.name, strength=strength, digest=entry.digest, hash=entry.hash)


def first_recipe(entries: Iterable[LoraEntry]) -> Recipe:
    """The recipe of the first of them that has one."""
    return next((entry.recipe for entry in entries if entry.recipe.said), NO_RECIPE)


def recipe_hints(
    request: GenerationRequest, resolved: ResolvedRequest, recipe: Recipe
) -> tuple[Hint, ...]:
    """What of `recipe`, that of the request's LoRAs, it is drawn with; or that it says many more
    steps than the LoRA needs."""
    used = {
        name: value
        for name, value in recipe.said.items()
        if getattr(request, name) is None and getattr(resolved, name) == value
    }
    if used:
        return (Hint(HintKind.RECIPE, settings_line(GenerationRequest(**used))),)
    steps = recipe.num_inference_steps
    if steps is not None and resolved.num_inference_steps >= _MANY * steps:
        said = settings_line(GenerationRequest(**recipe.said))
        return (Hint(HintKind.RECIPE_UNUSED, said),)
    return ()


def unchanged_left_open(
    request: GenerationRequest, offered: GenerationRequest, *, recipe: Recipe, before: Recipe
) -> GenerationRequest:
    """`request`, sent with a form that was filled in with `offered`, with room for the `recipe` of
    its LoRAs where that is not the one `before`: the form's own values are nobody's wish."""
    if recipe == before:
        return request
    opened = {
        name: None for name in recipe.said if getattr(request, name) == getattr(offered, name)
    }
    return replace(request, **opened)


def names_loras(request: GenerationRequest, library: LoraLibrary, *, ceiling: Rating) -> bool:
    """Whether `request` says which LoRAs it wants, or that it wants none (`ink:0`)."""
    if request.lora == NO_LORA:
        return True
    texts = (request.prompt, request.tags)
    return bool(parse_loras(request.lora or "")) or any(
        cut_loras(each, lambda name: shown(library, name, ceiling=ceiling) is not None).loras
        for each in texts
    )


def default_loras(
    stored: str, library: LoraLibrary, *, rule: LoraRule, ceiling: Rating
) -> tuple[str | None, tuple[Hint, ...]]:
    """A person's own LoRAs, as far as they can be used here, and a hint about the others."""
    typed = _readable(stored)
    there = {key_of(entry.name) for entry in usable(library, rule=rule, ceiling=ceiling)}
    kept = [each for each in typed if key_of(each.name) in there]
    missing = len(typed) - len(kept)
    # Not named: the name of one that is rated higher says too much here.
    hints = (Hint(HintKind.LORA_DEFAULT, str(missing), ""),) if missing else ()
    return typed_text(kept) or None, hints


def checked_default(typed: str, library: LoraLibrary, *, ceiling: Rating, now: str = "") -> str:
    """`typed` as it is kept as a person's default; `now`: what it was before. InputError for what
    is not there, as far as may be told in a place with this ceiling, a strength that can't be used,
    and for too many."""
    found = parse_loras(typed)
    kept = {key_of(each.name) for each in _readable(now)}
    if len(found) > MAX_LORAS:
        raise InputError("loras_too_many", count=len(found), limit=MAX_LORAS)
    for each in found:
        is_there = shown(library, each.name, ceiling=ceiling) is not None
        if not is_there and key_of(each.name) not in kept:
            raise _unknown(each.name, library, rule=LoraRule(), ceiling=ceiling)
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
        if name and shown(library, name, ceiling=ceiling) is not None:
            return replace(hint, kind=HintKind.LORA_PLACE)
        near = similar(library, name, rule=rule, ceiling=ceiling) if name else []
        return replace(hint, used=", ".join(near))

    return tuple(map(one, hints))


def _entry(library: LoraLibrary, typed: TypedLora, *, rule: LoraRule, ceiling: Rating) -> LoraEntry:
    """The LoRA of that name, if it may be used."""
    entry = shown(library, typed.name, ceiling=ceiling)
    if entry is None:
        raise _unknown(typed.name, library, rule=rule, ceiling=ceiling)
    if not rule.allows(entry.name):
        raise RefusedError("lora_not_allowed", name=entry.name)
    if entry.problem:
        raise InputError("lora_unusable", name=entry.name)
    return entry


def _readable(stored: str) -> tuple[TypedLora, ...]:
    """What is stored as a person's default; nothing of what another version allowed."""
    try:
        return parse_loras(stored)
    except InputError:
        return ()


def _unknown(name: str, library: LoraLibrary, *, rule: LoraRule, ceiling: Rating) -> InputError:
    shown = name[:_MAX_SHOWN].replace("`", "'")
    near = similar(library, name, rule=rule, ceiling=ceiling)
    if not near:
        return InputError("lora_unknown", name=shown)
    return InputError("lora_similar", name=shown, similar=", ".join(near))
