"""Live jobs and the queue of their pictures, with estimated places and times. No IO, no tasks."""

import asyncio
import heapq
import math
import threading
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Final

from bot.jobs.deliver.mailbox import Mailbox
from bot.jobs.draw.eta import Pace, cost_of, crowded
from bot.jobs.draw.fair_queue import FairQueue, Unit
from bot.jobs.draw.schedule import Availability
from bot.jobs.values import Queued
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.card import Speed
from pipeline.request import ResolvedRequest

PASSES: Final = 1
"""Times the number of pictures that a device draws at once: so often may others be taken before one
whose turn it is, because they fit to what is drawn. By `python -m benchmarks rows` more gains
next to nothing, and less costs a tenth of the pictures."""


@dataclass(slots=True)
class LiveJob:
    """A job that waits or runs. `made` and `withheld` are its pictures so far, by position.
    `cancelled` is read by the engines' threads. `lost`: pictures during which a device was lost.
    `drawn_again`: how often one
    was put back because its machine was lost. `unread_since`: when (monotonic seconds) the files of
    its LoRAs could first not be read. `mailbox` publishes its events."""

    record: JobRecord
    made: dict[int, PictureRecord]
    cost: float
    withheld: set[int] = field(default_factory=set[int])
    lost: set[int] = field(default_factory=set[int])
    drawn_again: int = 0
    started: bool = False
    unread_since: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    mailbox: Mailbox = field(default_factory=lambda: Mailbox(Queued(position=0, eta_s=None)))


@dataclass(slots=True)
class _Running:
    """A picture that `device` draws; `done` is the share of its steps."""

    device: Availability
    done: float = 0.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """`position`: jobs before this one; `eta_s`: seconds until it is done, None if unknown."""

    position: int
    eta_s: float | None


class Line:
    """What waits, what runs, and how long it takes. `devices`: those that draw at the same time,
    now or later. `arrived` is set when there are new units."""

    def __init__(self) -> None:
        self.live: dict[str, LiveJob] = {}
        self.devices: list[Availability] = []
        self.arrived = asyncio.Event()
        self._running: dict[Unit, _Running] = {}  # in the order of their taking
        self._begun: dict[Unit, tuple[float, float]] = {}  # first share reported, and when
        self._queue = FairQueue()
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._queue)

    def admit(self, job: LiveJob) -> None:
        """Queue the pictures of `job` that are not made yet."""
        self.live[job.record.id] = job
        for index in range(job.record.request.count):
            if index not in job.made and index not in job.withheld:
                self._queue.push(self._unit(job, index))
        self.arrived.set()

    def take(self, device: Availability) -> Unit | None:
        """Take the next picture to draw, for `device`; it counts as running until `finish` or
        `put_back`. None also if it can't be drawn with those that the device draws already, whose
        turn it was waited long enough, or nothing that can is there."""
        kinds = {unit.kind for unit in self._beside(device)}
        if kinds:
            unit = self._queue.pop_kind(kinds, passes=PASSES * self._slots(device))
        else:
            unit = self._queue.pop()
        if unit is not None:
            self._running[unit] = _Running(device)
        return unit

    def next_units(self) -> list[tuple[LiveJob, Unit]]:
        """The pictures that the devices take next, with their jobs. This can still change."""
        units = islice(self._queue.upcoming(), max(1, len(self.devices)))
        return [(self.live[unit.job_id], unit) for unit in units]

    def step(self, unit: Unit, *, share: float, now: float) -> None:
        """Of the running `unit`, `share` is done at `now` (monotonic seconds)."""
        running = self._running.get(unit)
        if running is None:
            return
        running.done = share
        first, began = self._begun.setdefault(unit, (share, now))
        steps_s = (now - began) / crowded(max(1, len(self._beside(running.device))))
        running.device.pace.correct(cost=unit.cost * (share - first), steps_s=steps_s)

    def finish(self, unit: Unit) -> None:
        """`unit` no longer runs."""
        self._running.pop(unit, None)
        self._begun.pop(unit, None)
        if self._queue:
            self.arrived.set()  # what did not fit may be drawn now

    def put_back(self, unit: Unit, *, alone: bool = False) -> None:
        """`unit` was interrupted through no fault of its own: it is next unless its job ended.
        `alone`: nothing is drawn beside it then."""
        self.finish(unit)
        if unit.job_id in self.live:
            kind = (unit.job_id, unit.index) if alone else unit.kind
            self._queue.push_front(replace(unit, kind=kind))
            self.arrived.set()

    def is_foremost(self, unit: Unit) -> bool:
        """Whether no earlier picture of the same job is running. Only the earliest one's progress
        is shown; otherwise it would jump between pictures."""
        return not any(
            other.job_id == unit.job_id and other.index < unit.index for other in self._running
        )

    def drop(self, job_id: str) -> LiveJob | None:
        """The job ended: its waiting pictures leave the queue."""
        self._queue.remove_job(job_id)
        return self.live.pop(job_id, None)

    def outlooks(self) -> dict[str, Outlook]:
        """Place and time of every live job, assuming that nobody else comes.

        The first free device takes the next picture. No job is ahead of one that is being drawn or
        that a free device takes immediately; ahead of any other are all whose turn comes earlier.
        """
        ahead = {unit.job_id: 0 for unit in self._running}
        done_at: dict[str, float | None] = {}
        idle = self._idle()
        # A heap of devices by when they take a picture; the number decides between equal ones.
        free = [(device.opens(0.0), number, device) for number, device in enumerate(idle)]
        heapq.heapify(free)
        for number, (unit, running) in enumerate(self._running.items(), len(free)):
            took = self._estimate(running.device, unit)
            left = None if took is None else took * (1.0 - running.done)
            heapq.heappush(free, (running.device.opens(left or 0.0), number, running.device))
            done_at[unit.job_id] = _later(done_at, unit, left)
        for place, unit in enumerate(self._queue.upcoming()):
            ahead.setdefault(unit.job_id, 0 if place < len(idle) else len(ahead))
            begins, number, device = heapq.heappop(free)
            took = self._estimate(device, unit)
            ends = None if took is None or begins == math.inf else begins + took
            heapq.heappush(free, (begins if ends is None else device.opens(ends), number, device))
            done_at[unit.job_id] = _later(done_at, unit, ends)
        return {job_id: Outlook(ahead[job_id], done_at[job_id]) for job_id in ahead}

    def is_running(self, job_id: str) -> bool:
        """Whether one of its pictures is being drawn."""
        return any(unit.job_id == job_id for unit in self._running)

    def _beside(self, device: Availability) -> list[Unit]:
        """What the same device draws."""
        return [
            unit
            for unit, running in self._running.items()
            if device.device and running.device.device == device.device
        ]

    def _slots(self, device: Availability) -> int:
        """How many pictures the device draws at once."""
        return sum(device.device != "" and each.device == device.device for each in self.devices)

    @property
    def is_drawing(self) -> bool:
        """Whether any picture is being drawn."""
        return bool(self._running)

    def _idle(self) -> list[Availability]:
        """The devices that draw nothing; one at least where nothing runs."""
        idle = list(self.devices)
        for running in self._running.values():
            place = next((at for at, one in enumerate(idle) if one is running.device), None)
            if place is not None:
                del idle[place]
        return idle if idle or self._running else [Availability(Pace())]

    def _estimate(self, device: Availability, unit: Unit) -> float | None:
        """Seconds for `unit` on `device`: one that is new counts as the mean of the others."""

        def on(one: Availability) -> float | None:
            at_once = self._at_once(one)
            return one.pace.estimate(unit.cost, is_draft=unit.is_draft, at_once=at_once)

        took = on(device)
        if took is not None:
            return took
        found = [on(each) for each in self.devices]
        known = [each for each in found if each is not None]
        return sum(known) / len(known) if known else None

    def _at_once(self, device: Availability) -> float:
        """How many pictures `device` draws at once if all that run and wait are shared evenly."""
        slots = self._slots(device)
        if slots <= 1:
            return 1.0
        pictures = len(self._running) + len(self._queue)
        return min(float(slots), max(1.0, pictures * slots / len(self.devices)))

    def total_eta_s(self) -> float | None:
        """Seconds until everything accepted so far is done."""
        times = [outlook.eta_s for outlook in self.outlooks().values()]
        if any(time is None for time in times):
            return None
        return max((time for time in times if time is not None), default=0.0)

    def _unit(self, job: LiveJob, index: int) -> Unit:
        request = job.record.request.single(index)
        return Unit(
            job_id=job.record.id,
            index=index,
            user_id=job.record.user_id,
            weight=job.record.weight,
            cost=job.cost,
            is_draft=request.speed is Speed.DRAFT,
            kind=kind_of(request),
            number=next(self._numbers),
        )


def kind_of(request: ResolvedRequest) -> Hashable:
    """Pictures of one kind can be drawn at once: they have the same size and LoRAs."""
    loras = tuple((use.digest, use.strength) for use in request.loras if use.strength)
    return request.width, request.height, loras


def _later(done_at: dict[str, float | None], unit: Unit, ends: float | None) -> float | None:
    """When the job of `unit` is done, which is with its last picture."""
    known = done_at.get(unit.job_id, 0.0)
    return None if known is None or ends is None else max(known, ends)


def live_job(
    record: JobRecord, made: Sequence[PictureRecord], withheld: Iterable[int] = ()
) -> LiveJob:
    """A live job for a stored one, with its finished and withheld pictures."""
    return LiveJob(
        record=record,
        made={picture.position: picture for picture in made},
        cost=cost_of(record.request),
        withheld=set(withheld),
        started=record.started_at is not None,
    )
