"""What fills a request where the person said nothing: presets, their own defaults, the place's."""

from dataclasses import replace

from bot.jobs.accept.gather import Circumstances
from pipeline.aspect import parse_aspect
from pipeline.engine.protocol import ModelDescription
from pipeline.hints import Hint, HintKind
from pipeline.prompt.clean import clean_prompt
from pipeline.request import GenerationRequest
from pipeline.resolve import Defaults, readable


def with_texts(request: GenerationRequest, known: Circumstances) -> GenerationRequest:
    """`request` completed by the chosen presets, then by the person's own negative prompt."""
    saved = [readable(each.request) for each in known.presets]
    for preset in saved:
        if not _only_negative(preset):
            request = _with_preset(request, preset)
    if not request.negative_prompt:
        request = replace(request, negative_prompt=clean_prompt(known.person.negative_prompt))
    added = (each.negative_prompt for each in saved if _only_negative(each))
    negative = ", ".join(filter(None, (request.negative_prompt, *added)))
    return replace(request, negative_prompt=negative)


def _only_negative(preset: GenerationRequest) -> bool:
    """Whether all that a preset has is a negative prompt. It is added to any other, instead of
    standing in for a missing one."""
    return preset == GenerationRequest(negative_prompt=preset.negative_prompt)


def own_seed_hint(seed: int) -> Hint:
    """Says that the person's fixed seed was used."""
    return Hint(HintKind.OWN_SEED, str(seed))


def _with_preset(request: GenerationRequest, preset: GenerationRequest) -> GenerationRequest:
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


def defaults_of(
    defaults: Defaults, known: Circumstances, model: ModelDescription | None
) -> Defaults:
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
        speed=person.speed or known.speed or defaults.speed,
        bucket=parse_aspect(person.aspect) if person.aspect else defaults.bucket,
        max_steps=min(defaults.max_steps, here.max_steps or defaults.max_steps),
        max_count=min(defaults.max_count, here.max_count or defaults.max_count),
    )
