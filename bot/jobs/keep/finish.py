"""From a drawn picture to its row, and with the last one to the job's end; one transaction each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.jobs.keep.stored import error_to_json
from bot.moderation.audit import Audit
from data.guilds.audit import AuditEvent, AuditKind
from data.jobs import checks, jobs, pictures, quota, withheld
from data.jobs.checks import CheckRecord
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.withheld import WithheldRecord
from data.store.connection import Connection
from pipeline.errors import EkakiError, EngineError
from pipeline.speed.cost import used_for_faces

_WORST_FIRST: Final = ("minor", "unchecked", "rating")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`alive`: the job was still open. `made`, `withheld`: its pictures so far, in their order.
    `error`: all of them are withheld, so that it has failed. `is_over`: this was the last."""

    alive: bool
    made: tuple[PictureRecord, ...] = ()
    withheld: tuple[WithheldRecord, ...] = ()
    error: EngineError | None = None
    is_over: bool = False


async def enter_picture(
    connection: Connection, job: JobRecord, picture: PictureRecord, seen: CheckRecord | None
) -> Kept:
    """A picture that may be shown."""
    await pictures.insert(connection, picture=picture)
    if seen is not None:
        await checks.insert(connection, picture_id=picture.id, check=seen)
    return await _so_far(connection, job, now=picture.made_at)


async def enter_withheld(
    connection: Connection, job: JobRecord, record: WithheldRecord, audit: Audit, event: AuditEvent
) -> Kept:
    """A picture that is shown to nobody."""
    await withheld.insert(connection, record=record)
    await audit.record_in(connection, event)
    return await _so_far(connection, job, now=record.withheld_at)


def withheld_event(job: JobRecord, record: WithheldRecord, hits: Sequence[str]) -> AuditEvent:
    """What moderators see: scores, never the picture."""
    seen, ceiling = record.seen, record.ceiling.label
    return AuditEvent(
        kind=AuditKind.WITHHELD,
        guild_id=job.guild_id,
        channel_id=job.channel_id,
        user_id=job.user_id,
        job_id=job.id,
        picture_id=record.id,
        details={
            "error": record.reason,
            "why": {"term": f"{'?' if seen is None else seen.rating.label}, {ceiling} at most"},
            "ceiling": ceiling,
            "rating": None if seen is None else seen.rating.label,
            "scores": None if seen is None else [round(score, 3) for score in seen.ratings],
            "tags": list(hits),
            "review": record.state == "waiting",
            "prompt": job.request.of(record.position).prompt,
        },
    )


async def _so_far(connection: Connection, job: JobRecord, *, now: float) -> Kept:
    made = tuple(await pictures.of_job(connection, job_id=job.id))
    held = tuple(await withheld.of_job(connection, job_id=job.id))
    if len(made) + len(held) < job.request.count:
        return Kept(alive=True, made=made, withheld=held)
    error = None
    if made:
        await jobs.mark_ended(connection, job_id=job.id, state="finished", now=now)
        if held:
            await quota.give_back(connection, job_id=job.id, pictures=len(held))
        if job.request.faces:
            found = [(each.position, each.faces) for each in made]
            cost = used_for_faces(job.request, found)
            await quota.settle_faces(connection, job_id=job.id, faces_cost=cost)
    else:
        error = withheld_error(held)
        await jobs.mark_ended(
            connection, job_id=job.id, state="failed", now=now, error=error_to_json(error)
        )
        await quota.refund(connection, job_id=job.id)
    return Kept(alive=True, made=made, withheld=held, error=error, is_over=True)


def withheld_error(held: Sequence[WithheldRecord]) -> EngineError:
    """What the person sees if every picture of a job is withheld."""
    worst = min(held, key=lambda record: _WORST_FIRST.index(record.reason))
    return EngineError(f"withheld_{worst.reason}", ceiling=worst.ceiling)


def is_withheld(error: EkakiError) -> bool:
    """Whether that is why a job failed."""
    return error.key in {f"withheld_{reason}" for reason in _WORST_FIRST}
