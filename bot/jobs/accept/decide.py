"""Accepting, second step: what is drawn, or why it is refused. Pure; nothing is stored yet."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from bot.jobs.accept.gather import Circumstances
from bot.jobs.accept.limits import Limits
from bot.jobs.accept.loras import choose_loras, default_loras, explained, names_loras
from bot.jobs.values import Origin
from bot.loras.library import LoraLibrary
from bot.moderation.words import find_blocked
from bot.safety.request import RatingOf, all_readings, prompts_to_check, refuse_forbidden
from data.guilds.server_settings import LimitSet
from pipeline.aspect import parse_aspect
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import InputError, RefusedError
from pipeline.hints import MAX_HINTS, Hint, HintKind, shortened
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.known import NameOf, nothing, unknown_pieces
from pipeline.prompt.read import read_prompt
from pipeline.prompt.weights import plain_tags
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, readable, resolve
from pipeline.tag_category import TagCategory

MAX_NO_TAGS: Final = 4  # unknown tags that are reported; each costs milliseconds to look up


def _none_near(_text: str, _rating: Rating) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """The rules that apply to every request. `max_age_s`: older open jobs are closed at start.
    `output_check`: finished pictures are checked; otherwise `nsfw` and `explicit` stay off.
    `alias_of`, `series_of`: see `pipeline.resolve`. `nearest`: names of tags near to a text that is
    none, of those that a rating allows to be shown. `max_weight`: the most that a server may give a
    role of the queue. `loras`: those that can be chosen. `kept_s`: how long pictures are kept that
    nobody marked or showed; `prompts_kept_s`: how long words of people are kept that belong to no
    picture; None: forever."""

    defaults: Defaults
    limits: Limits
    category_of: Callable[[str], TagCategory | None]
    rating_of: RatingOf
    max_age_s: float
    alias_of: NameOf = nothing
    series_of: NameOf = nothing
    nearest: Callable[[str, Rating], Sequence[str]] = _none_near
    output_check: bool = False
    max_weight: int = 1
    loras: LoraLibrary = field(default_factory=lambda: LoraLibrary(Path()))
    kept_s: float | None = None
    prompts_kept_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What will be drawn, and the known tags that were typed for it. `here`: what the server allows
    this member. `weight`: their share of the queue."""

    request: ResolvedRequest
    ceiling: Rating
    tags: tuple[str, ...]
    here: LimitSet
    weight: int


def decide(
    request: GenerationRequest,
    origin: Origin,
    known: Circumstances,
    rules: JobRules,
    *,
    model: ModelDescription | None,
) -> Decision:
    """Decide what is drawn for `request`. Takes up to tens of milliseconds: call it in a thread.

    The request takes precedence over the preset, that over the person's own defaults, and those
    over the place's and the operator's. `model` is None while it is loading. Raises InputError or
    RefusedError.
    """
    typed = ", ".join((request.prompt, request.tags, request.character, request.series))
    defaults = _defaults(rules.defaults, known, model)
    # First: it refuses what is too long.
    with_loras = model is None or model.loras
    resolved = _resolve(request, known, rules, defaults, with_loras=with_loras)
    read = read_prompt(typed, lambda name: rules.category_of(name) is not None)
    tags = [tag for tag in plain_tags(read.text) if rules.category_of(tag) is not None]
    role_weight = min(known.here.weight or 1, rules.max_weight)
    if origin.missing_permissions:
        raise RefusedError("bot_lacks_permissions", permissions=origin.missing_permissions)
    if resolved.loras and model is not None and not model.loras:
        raise InputError("lora_no_branch", name=resolved.loras[0].name)
    return Decision(
        request=resolved,
        ceiling=known.ceiling,
        tags=tuple(tags),
        here=known.here,
        weight=max(origin.weight, role_weight),
    )


def _resolve(
    request: GenerationRequest,
    known: Circumstances,
    rules: JobRules,
    defaults: Defaults,
    *,
    with_loras: bool,
) -> ResolvedRequest:
    """Resolve `request` and check it against the hard rules, then against the server's.
    `with_loras`: whether the model can draw with any."""
    request = readable(request)
    saved_loras = request.lora is None
    if known.preset is not None:
        request = with_preset(request, readable(known.preset.request))
    if not request.negative_prompt:
        request = replace(request, negative_prompt=clean_prompt(known.person.negative_prompt))
    own_hints: tuple[Hint, ...] = ()
    if known.person.lora and with_loras and not names_loras(request, rules.loras):
        text, own_hints = default_loras(
            known.person.lora, rules.loras, rule=known.loras, ceiling=known.ceiling
        )
        request = replace(request, lora=text)
    if known.place_negative is not None:
        request = replace(request, place_negative=known.place_negative)
    request, loras = choose_loras(
        request, rules.loras, rule=known.loras, ceiling=known.ceiling, saved=saved_loras
    )
    width, height = known.init_size or (None, None)

    def read(alias_of: NameOf) -> ResolvedRequest:
        return resolve(
            request,
            defaults=defaults,
            ceiling=known.ceiling,
            random_seed=lambda: secrets.randbelow(2**32),
            category_of=rules.category_of,
            alias_of=alias_of,
            series_of=rules.series_of,
            init_width=width,
            init_height=height,
            loras=loras,
        )

    found = all_readings(read, rules.alias_of)
    for each in found:
        _refuse_forbidden(each, known, rules)
    resolved = found[0]
    _check_size(resolved, known.here.max_pixels)
    hints = explained(resolved.hints, rules.loras, rule=known.loras, ceiling=known.ceiling)
    hints = (*own_hints, *hints)
    return replace(resolved, hints=(*hints, *_no_tags(resolved, rules, known.ceiling)))


def _refuse_forbidden(resolved: ResolvedRequest, known: Circumstances, rules: JobRules) -> None:
    """Raises RefusedError if `resolved` breaks a hard rule or one of the server's."""
    refuse_forbidden(resolved, rating_of=rules.rating_of)
    for prompt, negative_prompt in prompts_to_check(resolved):
        word = find_blocked(known.words, prompt, negative_prompt)
        if word is not None:
            raise RefusedError("server_rule", word=word)


def _no_tags(resolved: ResolvedRequest, rules: JobRules, ceiling: Rating) -> list[Hint]:
    """Pieces of the prompt that are no tags, with similar tags that may be shown here."""
    typed = read_prompt(
        typed_text(resolved.original), lambda name: rules.category_of(name) is not None
    )
    unknown = unknown_pieces(typed.text, lambda key: rules.category_of(key) is not None)
    room = max(0, min(MAX_NO_TAGS, MAX_HINTS - len(resolved.hints)))
    return [
        Hint(HintKind.NO_TAG, shortened(piece), ", ".join(rules.nearest(piece, ceiling)))
        for piece in islice(unknown, room)
    ]


def _check_size(request: ResolvedRequest, max_pixels: int | None) -> None:
    """Raises InputError above a server's limit. Upscales are limited by number, not by size."""
    if max_pixels is None or request.upscale_factor > 1:
        return
    if request.width * request.height > max_pixels:
        raise InputError(
            "size_above_limit",
            width=request.width,
            height=request.height,
            limit=f"{max_pixels / 1e6:.2f}",
        )


def with_preset(request: GenerationRequest, preset: GenerationRequest) -> GenerationRequest:
    """`request` completed by `preset`: its prompt is added as tags, everything else fills fields
    that were not given."""
    own = GenerationRequest()
    filled = {
        name: getattr(preset, name)
        for name in GenerationRequest.__dataclass_fields__
        if getattr(request, name) == getattr(own, name)
    }
    if request.prompt:
        tags = (request.tags, preset.prompt, preset.tags)
        filled["tags"] = ", ".join(each for each in tags if each)
        filled.pop("prompt", None)
    elif request.tags:
        filled["tags"] = ", ".join(each for each in (request.tags, preset.tags) if each)
    return replace(request, **filled)


def _defaults(defaults: Defaults, known: Circumstances, model: ModelDescription | None) -> Defaults:
    """The operator's defaults, the model's values, overridden by the place's and person's."""
    if model is not None:
        defaults = replace(
            defaults, size_multiple=model.size_multiple, upscale_strength=model.upscale_strength
        )
    person, here = known.person, known.here
    rating = known.ratings.default if person.rating is None else person.rating
    return replace(
        defaults.with_rating(rating),
        preset=person.preset or defaults.preset,
        bucket=parse_aspect(person.aspect) if person.aspect else defaults.bucket,
        max_steps=min(defaults.max_steps, here.max_steps or defaults.max_steps),
        max_count=min(defaults.max_count, here.max_count or defaults.max_count),
    )
