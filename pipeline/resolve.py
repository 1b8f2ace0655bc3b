"""Resolves a request: `GenerationRequest` -> `ResolvedRequest`, without None."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pipeline.aspect import DEFAULT_BUCKET, Bucket
from pipeline.card import (
    DEFAULT_COUNT,
    DEFAULT_GUIDANCE,
    DEFAULT_PRESET,
    DEFAULT_SAMPLER,
    DEFAULT_STEPS,
    MAX_COUNT,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    RANDOM_SEED,
    SCHEDULERS,
    QualityPreset,
    Sampler,
    Speed,
)
from pipeline.drawn_size import drawn_size
from pipeline.errors import InputError
from pipeline.hints import HintKind, Hints
from pipeline.options import Option
from pipeline.prompt.assemble import (
    CategoryOf,
    Craft,
    assemble_negative,
    typed_text,
)
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.drawn_texts import check_changes, different_texts
from pipeline.prompt.flags import fold_flags
from pipeline.prompt.known import NameOf, add_series, nothing
from pipeline.prompt.loras import NO_LORAS, ChosenLoras, with_triggers
from pipeline.prompt.read import read_request
from pipeline.prompt.requested_rating import decide_rating
from pipeline.prompt.schedule import texts_by_step
from pipeline.prompt.tags import plain_keys
from pipeline.prompt.typed_regions import assemble_regions
from pipeline.rating import Rating
from pipeline.regions import check_room, fitting_bucket
from pipeline.request import DECIDED, OPTION, GenerationRequest, ResolvedRequest
from pipeline.rework import (
    DEFAULT_SIZE_MULTIPLE,
    DEFAULT_STRENGTH,
    EXTEND_STRENGTH,
    FACE_STRENGTH,
    UPSCALE_FACTOR,
    UPSCALE_STRENGTH,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The defaults and limits of requests.

    `rating` is lowered to the place's ceiling where that is stricter. `quality_first` puts the
    preset's quality tags before everything else instead of at the end. `size_multiple` is the
    model's: upscaled pictures are rounded to it. `upscale_strength` is the model's as well.
    """

    preset: QualityPreset = DEFAULT_PRESET
    rating: Rating = Rating.SAFE
    bucket: Bucket = DEFAULT_BUCKET
    sampler: Sampler = DEFAULT_SAMPLER
    num_inference_steps: int = DEFAULT_STEPS
    guidance_scale: float = DEFAULT_GUIDANCE
    count: int = DEFAULT_COUNT
    speed: Speed = Speed.FULL
    max_steps: int = MAX_STEPS
    max_count: int = MAX_COUNT
    quality_first: bool = False
    size_multiple: int = DEFAULT_SIZE_MULTIPLE
    upscale_strength: float = UPSCALE_STRENGTH

    def with_rating(self, rating: Rating | None) -> "Defaults":
        """The same with the default rating of a place; None changes nothing."""
        return self if rating is None else replace(self, rating=rating)


def readable(request: GenerationRequest) -> GenerationRequest:
    """`request` with clean text, and the flags of its prompt (`--ar 3:2`) in its fields; a
    filled-in option takes precedence over a flag. Idempotent.

    InputError for text that is too long, and for a flag that can't be used.
    """
    _check_lengths(request)
    return fold_flags(
        replace(
            request,
            prompt=clean_prompt(request.prompt),
            negative_prompt=clean_prompt(request.negative_prompt),
            character=clean_prompt(request.character),
            series=clean_prompt(request.series),
            tags=clean_prompt(request.tags),
        )
    )


def resolve(
    request: GenerationRequest,
    *,
    defaults: Defaults,
    ceiling: Rating,
    random_seed: Callable[[], int],
    category_of: CategoryOf,
    alias_of: NameOf = nothing,
    series_of: NameOf = nothing,
    init_width: int | None = None,
    init_height: int | None = None,
    loras: ChosenLoras = NO_LORAS,
) -> ResolvedRequest:
    """Decide everything about `request`, which is `readable`. `random_seed` draws 0..2**32-1.

    A piece that is exactly an alias becomes its tag (`alias_of`), and a character adds its series
    (`series_of`) if none is given; both are reported as hints.

    `init_width` and `init_height` are the pixels of its `init_picture`: with them and no aspect
    said the size is the bucket nearest to the picture. An upscale, a mask and an extension need
    them, and decide the size.

    `loras` are those of `request.lora`; their trigger words are added where the prompt lacks them,
    and their recipe replaces `defaults`.

    The result keeps the request, so that it can be replayed with changes.
    Raises InputError for what can't be used, RefusedError for a rating above `ceiling`.
    """
    _check_lengths(request)
    read, hints, regions = read_request(
        request, lambda name: category_of(name) is not None, alias_of
    )
    if read.character and not read.series:
        told = Hints(hints)
        series = add_series(read.character, typed_text(read), series_of, told)
        read, hints = replace(read, series=series), told.found
    if loras.triggers:
        told = Hints(hints)
        read, hints = with_triggers(read, loras.triggers, told), told.found
    words = ", ".join((typed_text(read), *(each.prompt for each in regions)))
    if not plain_keys(words):
        raise InputError("prompt_empty")
    check_changes(words, read.negative_prompt)
    defaults = replace(defaults, bucket=fitting_bucket(defaults.bucket, regions))
    found = _decided(request, replace(defaults, **loras.recipe.said))
    typed = (typed_text(request), *texts_by_step(words, found["num_inference_steps"]))
    asked = decide_rating(request.rating, typed, default=defaults.rating, ceiling=ceiling)
    rating = max(loras.rating, asked)
    size = drawn_size(
        request,
        bucket=defaults.bucket,
        size_multiple=defaults.size_multiple,
        width=init_width,
        height=init_height,
    )
    variation_strength = _variation_strength(request)
    sampler = found["sampler"]
    if SCHEDULERS[sampler].distilled and not loras.uses and sampler is not defaults.sampler:
        told = Hints(hints)
        told.add(HintKind.SAMPLER, sampler)
        hints = told.found
    found.update(rating=rating, seed=_seed(request.seed, random_seed), faces=_faces(request, found))
    craft = Craft(
        preset=found["preset"],
        rating=rating,
        quality_first=defaults.quality_first,
        category_of=category_of,
    )
    prompt, regions = assemble_regions(read, regions, craft)
    if request.extend is None:  # its figures are there already, and nobody chose its size
        check_room(regions, width=size.width, height=size.height)
    resolved = ResolvedRequest(
        prompt=prompt,
        negative_prompt=assemble_negative(read, craft, prompt=prompt),
        width=size.width,
        height=size.height,
        **found,
        private=request.private,
        original=request,
        init_picture=request.init_picture or "",
        strength=_strength(request, defaults),
        variation_seed=_seed(request.variation_seed, random_seed) if variation_strength else 0,
        variation_strength=variation_strength,
        upscale_factor=UPSCALE_FACTOR if request.upscale else 1.0,
        mask=request.mask or "",
        extend=request.extend,
        only_faces=request.only_faces,
        hints=hints,
        loras=loras.uses,
        regions=regions,
    )
    different_texts(resolved)
    return resolved


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value


def _decided(request: GenerationRequest, defaults: Defaults) -> dict[str, Any]:
    """The value of each decided option, if within its bounds, or its default; what has none in
    `defaults` has one in `ResolvedRequest`."""
    sampler = _or(request.sampler, defaults.sampler)
    steps = SCHEDULERS[sampler].highest_steps(defaults.max_steps)
    highest = {"num_inference_steps": steps, "count": defaults.max_count}
    found: dict[str, Any] = {}
    for option in DECIDED:
        said, default = getattr(request, option.field), getattr(defaults, option.field, None)
        high = highest.get(option.field)
        if said is not None:
            found[option.field] = said if option.low is None else _within(option, said, high=high)
        elif default is not None:
            found[option.field] = default if high is None else min(default, high)
    return found


def _check_lengths(request: GenerationRequest) -> None:
    """Checked before any work is done on it."""
    sizes = {
        "prompt_too_long": len(typed_text(request)),
        "negative_too_long": len(request.negative_prompt),
    }
    for key, length in sizes.items():
        if length > MAX_PROMPT_CHARACTERS:
            raise InputError(key, length=length, limit=MAX_PROMPT_CHARACTERS)


def _within(option: Option, value: float, *, high: float | None = None) -> Any:
    """`value` of a number, if it is within its bounds; `high` may be stricter. InputError."""
    low, high = option.low or 0, high or option.high or 0
    if not low <= value <= high:  # also refuses nan
        bounds = {"low": _short(low), "high": _short(high)}
        raise InputError(f"{option.label}_out_of_range", value=value, **bounds)
    return option.kind(value)


def _short(number: float) -> float:
    """1 for 1.0, as people write it."""
    return int(number) if number == int(number) else number


def _faces(request: GenerationRequest, found: dict[str, Any]) -> bool:
    """Whether small faces are drawn again. Where a part of a picture is redrawn or added, the rest
    stays as it is, and so do its faces."""
    if request.mask is not None or request.extend is not None:
        return False
    return request.only_faces or found.get("faces", False)


def _strength(request: GenerationRequest, defaults: Defaults) -> float:
    """1 without an init picture, whatever the request says: there is nothing to keep."""
    if request.init_picture is None:
        return 1.0
    if request.only_faces:
        return FACE_STRENGTH
    usual = defaults.upscale_strength if request.upscale else DEFAULT_STRENGTH
    strength = _or(request.strength, EXTEND_STRENGTH if request.extend else usual)
    return _within(OPTION["strength"], strength)


def _variation_strength(request: GenerationRequest) -> float:
    strength = _or(request.variation_strength, 0.0)
    if not 0 <= strength <= 1:  # also refuses nan
        raise InputError("variation_out_of_range", value=strength)
    return float(strength)


def _seed(seed: int | None, random_seed: Callable[[], int]) -> int:
    if seed is None or seed == RANDOM_SEED:
        return random_seed() % (MAX_SEED + 1)
    return _within(OPTION["seed"], seed)
