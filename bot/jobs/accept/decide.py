"""Accepting, second step: what is drawn, or why it is refused. Pure; nothing is stored yet."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bot.jobs.accept.fill import defaults_of, own_seed_hint, with_texts
from bot.jobs.accept.gather import Circumstances
from bot.jobs.accept.limits import Limits
from bot.jobs.accept.loras import (
    choose_loras,
    default_loras,
    explained,
    names_loras,
    recipe_hints,
)
from bot.jobs.accept.speed import Speeds
from bot.jobs.values import Origin
from bot.loras.library import LoraLibrary
from bot.moderation.words import find_blocked, shapes
from bot.safety.choices import Checking, Read, resolve_checked
from bot.safety.request import RatingOf, prompts_to_check, refuse_forbidden
from bot.safety.rules import may_begin, may_contain
from data.guilds.server_settings import LimitSet
from pipeline.compare import is_same, joined, read_comparison
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import InputError, RefusedError
from pipeline.hints import MAX_HINTS, Hint, HintKind, shortened
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.drawn_texts import with_first_texts
from pipeline.prompt.known import NameOf, nothing, unknown_pieces
from pipeline.prompt.read import read_prompt
from pipeline.prompt.typed_regions import without_places
from pipeline.prompt.weights import plain_tags
from pipeline.prompt.wildcards.request import check_loras
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
    role of the queue. `loras`: those that can be chosen. `wildcards`: lists of
    words that everybody has, by key. `kept_s`: how long pictures are kept that
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
    wildcards: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
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
    defaults = defaults_of(rules.defaults, known, model)
    # First: it refuses what is too long.
    resolved = _resolve_all(request, known, rules, defaults, model)
    chosen = [replace(request, **dict(each.typed)) for each in resolved.chosen]
    typed = ", ".join(map(_typed, chosen or [request]))
    read = read_prompt(typed, lambda name: rules.category_of(name) is not None)
    tags = [tag for tag in plain_tags(read.text) if rules.category_of(tag) is not None]
    role_weight = min(known.here.weight or 1, rules.max_weight)
    if origin.missing_permissions:
        raise RefusedError("bot_lacks_permissions", permissions=origin.missing_permissions)
    if resolved.loras and model is not None and not model.loras:
        raise InputError("lora_no_branch", name=resolved.loras[0].name)
    if resolved.faces and model is not None and not model.faces:
        raise InputError("faces_none")
    if model is not None and not model.changes_prompts:
        if any(each.regions for each in (resolved, *resolved.compared)):
            raise InputError("regions_unavailable")
        resolved = replace(
            with_first_texts(resolved),
            compared=tuple(map(with_first_texts, resolved.compared)),
        )
    return Decision(
        request=resolved,
        ceiling=known.ceiling,
        tags=tuple(tags),
        here=known.here,
        weight=max(origin.weight, role_weight),
    )


def _resolve_all(
    request: GenerationRequest,
    known: Circumstances,
    rules: JobRules,
    defaults: Defaults,
    model: ModelDescription | None,
) -> ResolvedRequest:
    """As `_resolve`, each picture of a comparison by itself, all with the seed of the first."""
    if request.compare is None:
        return _resolve(request, known, rules, defaults, model)
    comparison = read_comparison(request.compare)
    count = len(comparison.values)
    if count > defaults.max_count:
        raise InputError("count_out_of_range", value=count, low=1, high=defaults.max_count)
    found: list[ResolvedRequest] = []
    for index in range(count):
        one = comparison.applied(request, index)
        if found:
            one = replace(one, seed=found[0].seed)
        found.append(_resolve(one, known, rules, defaults, model))
        if any(is_same(found[-1], other) for other in found[:-1]):
            raise InputError("compare_twice")
    return joined(request, found)


def _resolve(
    request: GenerationRequest,
    known: Circumstances,
    rules: JobRules,
    defaults: Defaults,
    model: ModelDescription | None,
) -> ResolvedRequest:
    """Resolve `request` and check it against the hard rules, then against the server's."""
    with_loras = model is None or model.loras
    request = readable(request)
    saved_loras = request.lora is None
    request = with_texts(request, known)
    own_hints: tuple[Hint, ...] = ()
    if (
        known.person.lora
        and with_loras
        and not names_loras(request, rules.loras, ceiling=known.ceiling)
    ):
        text, own_hints = default_loras(
            known.person.lora, rules.loras, rule=known.loras, ceiling=known.ceiling
        )
        request = replace(request, lora=text)
    if known.place_negative is not None:
        request = replace(request, place_negative=known.place_negative)
    check_loras(request)
    speeds = Speeds(library=rules.loras, ceiling=known.ceiling, model=model)
    speed = speeds.chosen(request, defaults.speed)
    request, loras = choose_loras(
        request,
        rules.loras,
        rule=known.loras,
        ceiling=known.ceiling,
        saved=saved_loras,
        draft=speeds.draft_of(speed),
    )
    width, height = known.init_size or (None, None)

    own_seed = known.person.seed if request.seed is None else None
    random_seed = partial(secrets.randbelow, 2**32)
    if own_seed is not None:
        random_seed, own_hints = (lambda: own_seed), (*own_hints, own_seed_hint(own_seed))

    def read(request: GenerationRequest, alias_of: NameOf) -> ResolvedRequest:
        return resolve(
            request,
            defaults=replace(defaults, speed=speed),
            ceiling=known.ceiling,
            random_seed=random_seed,
            category_of=rules.category_of,
            alias_of=alias_of,
            series_of=rules.series_of,
            init_width=width,
            init_height=height,
            loras=loras,
        )

    checking = _checking(read, random_seed, known, rules)
    resolved = resolve_checked(request, {**rules.wildcards, **known.wildcards}, checking)
    _check_size(resolved, known.here.max_pixels)
    hints = explained(resolved.hints, rules.loras, rule=known.loras, ceiling=known.ceiling)
    if speeds.draft_of(speed) is None:
        own_hints = (*own_hints, *recipe_hints(request, resolved, loras.recipe))
    hints = (*own_hints, *hints)
    return replace(resolved, hints=(*hints, *_no_tags(resolved.of(0), rules, known.ceiling)))


def _checking(
    read: Read, random_seed: Callable[[], int], known: Circumstances, rules: JobRules
) -> Checking:
    own = shapes(known.words)
    return Checking(
        read=read,
        refuse=lambda resolved: _refuse_forbidden(resolved, known, rules),
        may_begin=lambda letters: may_begin(letters) or own.may_begin(letters),
        may_contain=lambda word: may_contain(word) or own.may_contain(word),
        random_seed=random_seed,
        alias_of=rules.alias_of,
        is_known=lambda name: rules.category_of(name) is not None,
        ceiling=known.ceiling,
    )


def _refuse_forbidden(resolved: ResolvedRequest, known: Circumstances, rules: JobRules) -> None:
    """Raises RefusedError if `resolved` breaks a hard rule or one of the server's."""
    refuse_forbidden(resolved, rating_of=rules.rating_of)
    for prompt, negative_prompt in prompts_to_check(resolved):
        word = find_blocked(known.words, prompt, negative_prompt)
        if word is not None:
            raise RefusedError("server_rule", word=word)


def _typed(request: GenerationRequest) -> str:
    return without_places(typed_text(request))


def _no_tags(resolved: ResolvedRequest, rules: JobRules, ceiling: Rating) -> list[Hint]:
    """Pieces of the prompt that are no tags, with similar tags that may be shown here."""
    typed = read_prompt(_typed(resolved.original), lambda name: rules.category_of(name) is not None)
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
