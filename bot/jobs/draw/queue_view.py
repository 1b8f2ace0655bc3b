"""What a person sees of the queue, and what is counted of it. Pure."""

from dataclasses import dataclass

from bot.jobs.draw.line import Line, LiveJob, Outlook
from bot.jobs.values import OwnJob, QueueView, Rest
from pipeline.prompt.assemble import typed_text

_STORING = Outlook(position=0, eta_s=0.0)  # all drawn, its last picture is being written


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """Jobs that wait and run, and pictures that no engine has begun. `oldest_wait_s`: of the job
    that has waited longest, 0 without one. `eta_s`: until everything is done, None if unknown."""

    waiting: int
    running: int
    pictures: int
    oldest_wait_s: float
    eta_s: float | None


def queue_counts(line: Line, *, now: float) -> QueueCounts:
    """The whole queue at `now`, in seconds since the epoch."""
    waiting = [job for job in line.live.values() if not job.started]
    accepted = min((job.record.accepted_at for job in waiting), default=now)
    return QueueCounts(
        waiting=len(waiting),
        running=len(line.live) - len(waiting),
        pictures=len(line),
        oldest_wait_s=max(0.0, now - accepted),
        eta_s=line.total_eta_s(),
    )


def queue_view(line: Line, *, user_id: int, rest: Rest | None = None) -> QueueView:
    """The queue as shown to `user_id`: totals of all jobs, details of their own."""
    outlooks = line.outlooks()
    running = sum(job.started for job in line.live.values())
    own = [
        _own(job, outlooks.get(job_id, _STORING))
        for job_id, job in line.live.items()
        if job.record.user_id == user_id
    ]
    return QueueView(
        running=running,
        waiting=len(line.live) - running,
        own=tuple(sorted(own, key=lambda job: job.position)),
        total_eta_s=line.total_eta_s(),
        devices=sum(device.opens(0.0) <= 0.0 for device in line.devices),
        rest=rest,
    )


def _own(job: LiveJob, outlook: Outlook) -> OwnJob:
    return OwnJob(
        job_id=job.record.id,
        state="running" if job.started else "waiting",
        position=outlook.position,
        eta_s=outlook.eta_s,
        prompt=typed_text(job.record.request.original),
        speed=job.record.request.speed,
    )
