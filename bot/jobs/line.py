"""Live jobs and the queue of their pictures, with honest places and times. No IO, no tasks."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.eta import Pace, cost_of
from bot.queue import FairQueue, Unit
from data.jobs import JobRecord
from data.pictures import PictureRecord


@dataclass(slots=True)
class LiveJob:
    """A job that waits or runs. `made` and `withheld` are its pictures so far by position.
    `cancelled` is read by the engine's thread."""

    record: JobRecord
    made: dict[int, PictureRecord]
    cost: float
    withheld: set[int] = field(default_factory=set[int])
    started: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Outlook:
    """`position`: jobs before this one; `eta_s`: seconds until it is done, None if unknown."""

    position: int
    eta_s: float | None


class Line:
    """What waits, what runs, and how long it takes."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.live: dict[str, LiveJob] = {}
        self.running: Unit | None = None
        self._done_share = 0.0
        self._queue = FairQueue()

    def __len__(self) -> int:
        return len(self._queue)

    def admit(self, job: LiveJob) -> None:
        """Line up the pictures of `job` that are not made yet."""
        self.live[job.record.id] = job
        for index in range(job.record.request.count):
            if index not in job.made and index not in job.withheld:
                self._queue.push(self._unit(job, index))

    def take(self) -> Unit | None:
        """The next picture to draw; it counts as running until `finish`."""
        self.running = self._queue.pop()
        self._done_share = 0.0
        return self.running

    def step(self, *, step: int, steps: int) -> None:
        """The running picture has come to `step` of `steps`."""
        self._done_share = step / steps

    def finish(self) -> None:
        """Nothing runs."""
        self.running = None

    def drop(self, job_id: str) -> LiveJob | None:
        """The job ended: its waiting pictures leave the queue."""
        self._queue.remove_job(job_id)
        return self.live.pop(job_id, None)

    def outlooks(self) -> dict[str, Outlook]:
        """Place and time of every live job, if nobody else came."""
        ahead: dict[str, int] = {}  # job id -> number of jobs before it
        done_at: dict[str, float | None] = {}
        elapsed: float | None = 0.0
        units = ([(self.running, 1.0 - self._done_share)] if self.running else []) + [
            (unit, 1.0) for unit in self._queue.upcoming()
        ]
        for unit, share in units:
            ahead.setdefault(unit.job_id, len(ahead))
            took = self.pace.estimate(unit.cost)
            elapsed = None if elapsed is None or took is None else elapsed + took * share
            done_at[unit.job_id] = elapsed
        return {job_id: Outlook(ahead[job_id], done_at[job_id]) for job_id in ahead}

    def total_eta_s(self) -> float | None:
        """Seconds until everything accepted so far is done."""
        times = [outlook.eta_s for outlook in self.outlooks().values()]
        if any(time is None for time in times):
            return None
        return max((time for time in times if time is not None), default=0.0)

    def _unit(self, job: LiveJob, index: int) -> Unit:
        return Unit(
            job_id=job.record.id,
            index=index,
            user_id=job.record.user_id,
            weight=job.record.weight,
            cost=job.cost,
        )


def live_job(
    record: JobRecord, made: Sequence[PictureRecord], withheld: Iterable[int] = ()
) -> LiveJob:
    """A live job for a stored one, with the pictures that are made already, and the positions of
    those that are withheld."""
    return LiveJob(
        record=record,
        made={picture.position: picture for picture in made},
        cost=cost_of(record.request),
        withheld=set(withheld),
        started=record.started_at is not None,
    )
