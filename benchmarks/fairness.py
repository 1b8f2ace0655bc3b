"""Waiting times of the fair queue against first come, first served, under a simulated clock.

The bot's own queue orders the same arrivals on one device; every picture takes equally long. No
thread, no real time: a day of waiting is milliseconds.
"""

import random
import statistics
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.report import Row
from bot.jobs.draw.fair_queue import FairQueue, Unit

GREEDY = 0
"""The person who asks for forty pictures at once."""

_GREEDY_JOBS, _A_JOB = 10, 4  # forty pictures, as many a request as MAX_COUNT allows
_OTHERS = 7
_EARLY_S, _LATE_S = 60.0, 600.0  # the others come within the first, then once more until the second
PICTURE_S = 10.0


class Queue(Protocol):
    """What orders units."""

    def push(self, unit: Unit) -> None:
        """A unit came."""
        ...

    def pop(self) -> Unit | None:
        """The next one."""
        ...


class FirstCome:
    """First come, first served."""

    def __init__(self) -> None:
        self._units: deque[Unit] = deque()

    def push(self, unit: Unit) -> None:
        """Append `unit`."""
        self._units.append(unit)

    def pop(self) -> Unit | None:
        """The oldest."""
        return self._units.popleft() if self._units else None


@dataclass(frozen=True, slots=True)
class TimedRequest:
    """`user_id` asks for `pictures` at `at_s`."""

    at_s: float
    user_id: int
    pictures: int


def script(seed: int = 8) -> list[TimedRequest]:
    """One asks for forty pictures, seven others for one or two soon after, and again later on."""
    dice = random.Random(seed)
    requests = [TimedRequest(0.0, GREEDY, _A_JOB) for _ in range(_GREEDY_JOBS)]
    for user_id in range(1, _OTHERS + 1):
        requests.append(TimedRequest(dice.uniform(0, _EARLY_S), user_id, dice.choice((1, 2))))
        requests.append(TimedRequest(dice.uniform(_EARLY_S, _LATE_S), user_id, dice.choice((1, 2))))
    return sorted(requests, key=lambda request: request.at_s)


def waits_s(queue: Queue, requests: Sequence[TimedRequest]) -> list[float]:
    """Seconds from each request to its last picture, in the order of `requests` (by time)."""
    coming = deque(enumerate(requests))
    left = Counter({str(number): request.pictures for number, request in enumerate(requests)})
    done_at: dict[str, float] = {}
    now = 0.0
    while len(done_at) < len(requests):
        while coming and coming[0][1].at_s <= now:
            number, request = coming.popleft()
            for index in range(request.pictures):
                queue.push(Unit(job_id=str(number), index=index, user_id=request.user_id))
        unit = queue.pop()
        if unit is None:
            now = coming[0][1].at_s
            continue
        now += PICTURE_S
        left[unit.job_id] -= 1
        if not left[unit.job_id]:
            done_at[unit.job_id] = now
    return [done_at[str(number)] - request.at_s for number, request in enumerate(requests)]


def rows() -> list[Row]:
    """Mean and worst waiting time of the others, of the one with forty, and of all requests."""
    requests = script()
    fair, first = waits_s(FairQueue(), requests), waits_s(FirstCome(), requests)
    groups: list[tuple[str, Callable[[TimedRequest], bool]]] = [
        ("seven others, one or two each, twice", lambda request: request.user_id != GREEDY),
        ("who asked for forty", lambda request: request.user_id == GREEDY),
        ("all requests", lambda _: True),
    ]
    found: list[Row] = []
    for name, belongs in groups:
        chosen = [number for number, request in enumerate(requests) if belongs(request)]
        ours, theirs = [fair[number] for number in chosen], [first[number] for number in chosen]
        found.append(
            Row(
                f"waiting, {name}",
                f"mean {statistics.mean(ours):.0f} s, worst {max(ours):.0f} s; first come, first"
                f" served {statistics.mean(theirs):.0f} s, {max(theirs):.0f} s"
                f" ({statistics.mean(theirs) / statistics.mean(ours):.2f} and"
                f" {max(theirs) / max(ours):.2f} times)",
            )
        )
    return found
