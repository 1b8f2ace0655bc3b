"""The defaults of a request, from the operator's settings."""

from bot.config.settings import Settings
from pipeline.aspect import parse_aspect
from pipeline.resolve import Defaults


def defaults_of(settings: Settings) -> Defaults:
    """The operator's defaults and bounds, for Discord and for the shell."""
    return Defaults(
        preset=settings.default_preset,
        bucket=parse_aspect(settings.default_aspect),
        sampler=settings.default_sampler,
        num_inference_steps=settings.default_steps,
        guidance_scale=settings.default_guidance_scale,
        max_steps=settings.max_steps,
        max_count=settings.max_count,
        quality_first=settings.quality_first,
    )
