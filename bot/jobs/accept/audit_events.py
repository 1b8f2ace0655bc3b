"""Entries of the audit log about requests and refusals."""

from typing import Any, Final

from bot.jobs.values import Origin
from data.guilds.audit import AuditEvent, AuditKind
from data.jobs.jobs import JobRecord
from pipeline.errors import RefusedError
from pipeline.prompt.assemble import typed_text
from pipeline.request import GenerationRequest, ResolvedRequest, decided

_NOTED: Final = ("rule_", "server_rule", "rating_above_ceiling", "blocked", "guild_blocked")
"""Refusals that are logged for moderators, by the start of their key. Used-up limits and the like
concern only the person."""
_MAX_PROMPT: Final = 2000  # characters of a prompt that was not even parsed


def accepted(job: JobRecord) -> AuditEvent:
    """A request that was accepted."""
    return AuditEvent(
        kind=AuditKind.ACCEPTED,
        guild_id=job.guild_id,
        channel_id=job.channel_id,
        actor_id=job.user_id,
        user_id=job.user_id,
        job_id=job.id,
        details=settings_of(job.request),
    )


def settings_of(request: ResolvedRequest) -> dict[str, Any]:
    """Everything that decides how the pictures look."""
    return {
        "prompt": " / ".join(dict.fromkeys(each.prompt for each in request.chosen))
        or request.prompt,
        "negative_prompt": request.negative_prompt,
        "width": request.width,
        "height": request.height,
        **decided(request),
        "rating": request.rating.label,
        "private": request.private,
        "from_picture": bool(request.init_picture),
        "upscale": request.upscale_factor > 1,
    }


def brief_settings(request: ResolvedRequest) -> str:
    """What determines the memory and code that a job needs, for the log; no typed text."""
    begins = " from a picture" if request.init_picture else ""
    grows = f" x{request.upscale_factor:g}" if request.upscale_factor > 1 else ""
    return (
        f"{request.width}x{request.height}{grows}{begins}, steps: {request.num_inference_steps},"
        f" {request.sampler}, pictures: {request.count}, LoRAs: {len(request.loras)}"
    )


def is_noted(key: str) -> bool:
    """Whether a refusal with this key is logged for moderators."""
    return key.startswith(_NOTED)


def refused(request: GenerationRequest, origin: Origin, error: RefusedError) -> AuditEvent | None:
    """A refused request; None if that does not concern moderators."""
    if not is_noted(error.key):
        return None
    return AuditEvent(
        kind=AuditKind.REFUSED,
        guild_id=origin.guild_id,
        channel_id=origin.channel_id,
        actor_id=origin.user_id,
        user_id=origin.user_id,
        details={
            "error": error.key,
            "why": {name: str(value) for name, value in error.data.items()},
            "prompt": typed_text(request)[:_MAX_PROMPT],
            "negative_prompt": request.negative_prompt[:_MAX_PROMPT],
            "private": request.private,
        },
    )
