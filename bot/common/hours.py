"""Hours of the week, by the clock on the wall, and when they begin and end. Pure."""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY: Final = 24 * 60  # minutes
_WEEK: Final = 7 * _DAY
_HOUR_S: Final = 3600
_WINDOW_DAYS: Final = 8
_WINDOWS: Final = 8  # a span of a few minutes may fall into the hour that is skipped in spring
_ITEM: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)?"
    r"(?P<times>\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)-(?P<hour2>\d{1,2}):(?P<minute2>\d\d))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Hours:
    """`spans`: minutes of the week, the first of each and the one after its last, from Monday 0:00;
    sorted and apart. `typed`: as the operator wrote it."""

    spans: tuple[tuple[int, int], ...] = ((0, _WEEK),)
    typed: str = field(default="", compare=False)

    @classmethod
    def parse(cls, typed: str) -> "Hours":
        """Read `22:00-08:00,sat,sun` or `mon-fri 18:30-24:00`: spans over midnight belong to the
        day on which they begin. Raises ValueError."""
        items = [" ".join(item.split()) for item in typed.lower().split(",")]
        minutes = [span for item in items for span in _spans_of(item)]
        return cls(tuple(_joined(minutes)), ", ".join(items))

    def __str__(self) -> str:
        return self.typed

    @property
    def always(self) -> bool:
        """Whether they never end."""
        return self.spans == ((0, _WEEK),)

    def contain(self, wall: datetime) -> bool:
        """Whether it is one of them when a clock on the wall shows `wall`."""
        minute = wall.weekday() * _DAY + wall.hour * 60 + wall.minute
        at = bisect_right(self.spans, minute, key=lambda span: span[0]) - 1
        return at >= 0 and minute < self.spans[at][1]


ALWAYS: Final = Hours()


def zone_of(name: str) -> tzinfo | None:
    """A time zone by its name, as `Europe/Berlin`; None for "": this machine's. Raises
    ValueError."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:  # OSError: the name of a folder
        raise ValueError(name) from error


class Calendar:
    """`hours` in a time zone. Times are seconds since the epoch."""

    def __init__(self, hours: Hours, zone: tzinfo | None = None) -> None:
        self.hours = hours
        self.zone = zone
        self._from = self._until = 0.0
        self._changes: list[tuple[float, bool]] = []  # when, and whether it opens

    def is_open(self, at: float) -> bool:
        """Whether `at` is within the hours."""
        return self.hours.contain(datetime.fromtimestamp(at, self.zone))

    def opening(self, at: float) -> float:
        """`at` if that is within the hours, otherwise when they begin next."""
        return at if self.hours.always or self.is_open(at) else self._next(at, opens=True)

    def closing(self, at: float) -> float:
        """`at` if that is outside the hours, otherwise when they end; infinite if they never do."""
        if self.hours.always:
            return math.inf
        return self._next(at, opens=False) if self.is_open(at) else at

    def _next(self, at: float, *, opens: bool) -> float:
        for _ in range(_WINDOWS):
            if not self._from <= at < self._until:
                self._read(at)
            place = bisect_right(self._changes, at, key=lambda change: change[0])
            for moment, is_opening in self._changes[place:]:
                if is_opening is opens:
                    return moment
            at = self._until
        return math.inf

    def _read(self, at: float) -> None:
        """Know the changes of the days after `at`, which may itself be one."""
        first = datetime.fromtimestamp(at, self.zone).date()
        self._from, self._until = at, at + (_WINDOW_DAYS - 1) * _DAY * 60
        candidates = {
            moment
            for moment in (*self._boundaries(first), *self._shifts())
            if self._from <= moment < self._until
        }
        self._changes = []
        was_open = self.is_open(at - 1)  # not at its second: it may be the first one
        for moment in sorted(candidates):
            is_open = self.is_open(moment)
            if is_open is not was_open:
                self._changes.append((moment, is_open))
            was_open = is_open

    def _boundaries(self, first: date) -> Iterator[float]:
        """When a clock shows the beginning or the end of a span; twice in the hour that is
        repeated in autumn, and beside it in the one that is skipped in spring."""
        minutes = {minute % _WEEK for span in self.hours.spans for minute in span}
        for number in range(-1, _WINDOW_DAYS + 1):
            day = first + timedelta(days=number)
            for minute in minutes:
                weekday, rest = divmod(minute, _DAY)
                if weekday == day.weekday():
                    for fold in (0, 1):
                        wall = datetime(
                            day.year, day.month, day.day, *divmod(rest, 60), fold=fold,
                            tzinfo=self.zone,
                        )  # fmt: skip
                        yield wall.timestamp()

    def _shifts(self) -> Iterator[float]:
        """When the clock on the wall is put forward or back."""
        at, offset = self._from, self._offset(self._from)
        while at < self._until:
            later = min(at + _HOUR_S, self._until)
            if self._offset(later) != offset:
                low, high = math.floor(at), math.ceil(later)
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
                yield float(high)
                offset = self._offset(later)
            at = later

    def _offset(self, at: float) -> timedelta | None:
        return datetime.fromtimestamp(at, self.zone).astimezone(self.zone).utcoffset()


def _spans_of(item: str) -> Iterator[tuple[int, int]]:
    """Of one item between commas, perhaps beyond the end of the week."""
    match = _ITEM.fullmatch(item)
    if match is None or not item:
        raise ValueError(item)
    first, last = match["first"], match["last"]
    days = range(7)
    if first is not None:
        begins = DAYS.index(first)
        length = (DAYS.index(last) - begins) % 7 if last is not None else 0
        days = range(begins, begins + length + 1)
    begin, end = 0, _DAY
    if match["times"] is not None:
        if first is not None and not match["times"].startswith(" "):
            raise ValueError(item)
        begin = _minute(match["hour"], match["minute"])
        end = _minute(match["hour2"], match["minute2"])
        if begin in {end, _DAY}:
            raise ValueError(item)
        end += _DAY if end < begin else 0
    for day in days:
        yield day % 7 * _DAY + begin, day % 7 * _DAY + end


def _minute(hour: str, minute: str) -> int:
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > _DAY:
        raise ValueError(f"{hour}:{minute}")
    return value


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Within one week, sorted and apart."""
    inside: list[tuple[int, int]] = []
    for begin, end in spans:
        inside.append((begin, min(end, _WEEK)))
        if end > _WEEK:
            inside.append((0, end - _WEEK))
    found: list[tuple[int, int]] = []
    for begin, end in sorted(inside):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found
