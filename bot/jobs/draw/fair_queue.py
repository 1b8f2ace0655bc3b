"""Decides whose picture is next. Pure: no clock, no IO.

Stride scheduling over people: everybody has a virtual time that advances by cost / weight with each
picture drawn, and the smallest is next. A person who returns after a pause starts at the current
virtual time, so idling earns no credit. The unit is one picture, so others can go between the
pictures of one job. (Waldspurger and Weihl, "Stride Scheduling", 1995.)
"""

from collections import deque
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Picture `index` of a job. `cost` is its share of the device's time in any fixed unit.
    `is_draft`: it may be decoded faster. `kind`: of equal ones several can be drawn at once.
    `number`: rises in the order in which a person's units are pushed."""

    job_id: str
    index: int
    user_id: int
    weight: int = 1
    cost: float = 1.0
    is_draft: bool = False
    kind: Hashable = None
    number: int = 0


@dataclass(slots=True)
class _Line:
    """One person's units in their order, and their virtual time. `passed`: how often others were
    taken before the next unit, whose turn it was."""

    start: float
    arrived: int
    passed: int = 0
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
        """Put back a unit that was taken but not done (a stop, a lost device), where it was among
        those of its person."""
        self.push(unit)
        line = self._lines[unit.user_id]
        line.units.pop()
        before = sum(other.number < unit.number for other in line.units)
        line.units.insert(before, unit)
        line.start -= unit.cost / unit.weight

    def pop(self) -> Unit | None:
        """The next unit, or None when nobody waits."""
        waiting = [line for line in self._lines.values() if line.units]
        if not waiting:
            return None
        return self._pop(min(waiting, key=_turn))

    def pop_kind(self, kinds: Collection[Hashable], *, passes: int) -> Unit | None:
        """The next unit of one of `kinds`. Whose turn it really is may be passed over `passes`
        times; then, and if nothing fits, None."""
        waiting = sorted((line for line in self._lines.values() if line.units), key=_turn)
        for place, line in enumerate(waiting):
            if line.units[0].kind in kinds:
                for other in waiting[:place]:
                    other.passed += 1
                return self._pop(line)
            if line.passed >= passes:
                return None
        return None

    def _pop(self, line: _Line) -> Unit:
        unit = line.units.popleft()
        self._virtual = max(self._virtual, line.start)
        line.start += unit.cost / unit.weight
        line.passed = 0
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
