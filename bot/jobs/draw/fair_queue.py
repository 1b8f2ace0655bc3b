"""Decides whose picture is next. Pure: no clock, no IO.

Stride scheduling over people: everybody has a virtual time that advances by cost / weight with each
picture drawn, and the smallest is next. A person who returns after a pause starts at the current
virtual time, so idling earns no credit. The unit is one picture, so others can go between the
pictures of one job. (Waldspurger and Weihl, "Stride Scheduling", 1995.)
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Picture `index` of a job. `cost` is its share of the device's time in any fixed unit."""

    job_id: str
    index: int
    user_id: int
    weight: int = 1
    cost: float = 1.0


@dataclass(slots=True)
class _Line:
    """One person's units in their order, and their virtual time."""

    start: float
    arrived: int
    units: deque[Unit] = field(default_factory=deque[Unit])


class FairQueue:
    """Round robin over people within weights; order within a person is kept."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._virtual = 0.0
        self._arrivals = 0

    def __len__(self) -> int:
        return sum(len(line.units) for line in self._lines.values())

    def push(self, unit: Unit) -> None:
        """Append `unit` to its person's line."""
        line = self._lines.get(unit.user_id)
        if line is None or (not line.units and line.start < self._virtual):
            self._arrivals += 1
            line = _Line(start=self._virtual, arrived=self._arrivals)
            self._lines[unit.user_id] = line
        line.units.append(unit)

    def push_front(self, unit: Unit) -> None:
        """Put back a unit that was taken but not done (a stop, a lost device)."""
        self.push(unit)
        line = self._lines[unit.user_id]
        line.units.rotate(1)
        line.start -= unit.cost / unit.weight

    def pop(self) -> Unit | None:
        """The next unit, or None when nobody waits."""
        waiting = [line for line in self._lines.values() if line.units]
        if not waiting:
            return None
        line = min(waiting, key=_turn)
        unit = line.units.popleft()
        self._virtual = max(self._virtual, line.start)
        line.start += unit.cost / unit.weight
        self._forget_idle()
        return unit

    def remove_job(self, job_id: str) -> int:
        """Remove all waiting units of a job; returns how many there were."""
        before = len(self)
        for line in self._lines.values():
            line.units = deque(unit for unit in line.units if unit.job_id != job_id)
        self._forget_idle()
        return before - len(self)

    def upcoming(self) -> Iterator[Unit]:
        """All waiting units in the order in which they would run if nobody else came."""
        starts = {user: (line.start, line.arrived) for user, line in self._lines.items()}
        left = {user: deque(line.units) for user, line in self._lines.items() if line.units}
        while left:
            user = min(left, key=lambda who: starts[who])
            unit = left[user].popleft()
            start, arrived = starts[user]
            starts[user] = (start + unit.cost / unit.weight, arrived)
            if not left[user]:
                del left[user]
            yield unit

    def _forget_idle(self) -> None:
        """A person without units whose virtual time has passed starts over anyway."""
        gone = [
            user
            for user, line in self._lines.items()
            if not line.units and line.start <= self._virtual
        ]
        for user in gone:
            del self._lines[user]


def _turn(line: _Line) -> tuple[float, int]:
    return (line.start, line.arrived)
