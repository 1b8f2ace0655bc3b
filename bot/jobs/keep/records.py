"""From an accepted request to its row, and from an ended job's row to its last event."""

from bot.jobs.keep.errors_json import error_from_json
from bot.jobs.keep.stored import StoredJob
from bot.jobs.values import CancelledEvent, Completed, Failed, Origin, Terminal
from data.jobs.jobs import JobRecord
from data.store.ids import new_id
from pipeline.engine.protocol import ModelDescription
from pipeline.rating import Rating
from pipeline.request import ResolvedRequest


def new_job(
    request: ResolvedRequest, origin: Origin, *, weight: int, ceiling: Rating, now: float
) -> JobRecord:
    """A new job, waiting."""
    return JobRecord(
        id=new_id(),
        user_id=origin.user_id,
        guild_id=origin.guild_id,
        channel_id=origin.channel_id,
        private=request.private,
        rating=request.rating,
        request=request,
        weight=weight,
        locale=origin.locale,
        state="queued",
        error=None,
        delivery="pending",
        application_id=origin.application_id,
        interaction_token=origin.interaction_token,
        token_expires_at=origin.token_expires_at,
        message_id=None,
        accepted_at=now,
        started_at=None,
        ended_at=None,
        ceiling=ceiling,
        rules_channel_id=origin.rules_channel_id,
    )


def end_of(stored: StoredJob, *, model: ModelDescription | None) -> Terminal | None:
    """The terminal event of a job that is not live; None if it is open."""
    job = stored.job
    if job.ended_at is None:
        return None
    if job.state == "failed":
        return Failed(error=error_from_json(job.error or ""))
    if job.state == "cancelled":
        return CancelledEvent()
    return Completed(pictures=stored.pictures, withheld=len(stored.withheld), model=model)
