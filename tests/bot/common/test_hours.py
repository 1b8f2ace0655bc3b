"""When a device may draw, by the clock on the wall: compared with looking at it every minute."""

import math
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.hours import ALWAYS, DAYS, Calendar, Hours, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


def moment(text: str, zone: ZoneInfo = BERLIN, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def shown(at: float, zone: ZoneInfo = BERLIN) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%a %H:%M")


clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
days = st.one_of(
    st.sampled_from(DAYS), st.builds("{}-{}".format, st.sampled_from(DAYS), st.sampled_from(DAYS))
)
ranges = st.tuples(clock_times, clock_times).filter(lambda pair: pair[0] != pair[1]).map("-".join)
items = st.one_of(days, ranges, st.builds("{} {}".format, days, ranges))
texts = st.lists(items, min_size=1, max_size=4).map(",".join)
moments = st.integers(1_700_000_000, 1_860_000_000)  # 2023 to 2028
shifts = st.sampled_from([
    moment("2026-03-29 02:00"), moment("2026-10-25 02:00"),
    moment("2026-03-08 02:00", ZoneInfo("America/New_York")),
    moment("2026-11-01 01:00", ZoneInfo("America/New_York")),
    moment("2026-04-05 01:30", ZoneInfo("Australia/Lord_Howe")),
])  # fmt: skip
near_shifts = st.tuples(shifts, st.integers(-90_000, 90_000)).map(sum).map(int)


@given(texts, st.sampled_from(ZONES), st.one_of(moments, near_shifts))
def test_they_begin_and_end_when_the_clock_on_the_wall_says_so(
    text: str, zone: str, at: int
) -> None:
    calendar = Calendar(Hours.parse(text), ZoneInfo(zone))
    states = list(seen_each_minute(text, zone, at))
    opens = next((when for when, is_open in states if is_open), math.inf)
    closes = next((when for when, is_open in states if not is_open), math.inf)
    assert calendar.is_open(at) is states[0][1]
    if opens < math.inf:
        assert calendar.opening(at) == opens
    else:
        assert calendar.opening(at) > states[-1][0]
    if closes < math.inf:
        assert calendar.closing(at) == closes
    else:
        assert calendar.closing(at) > states[-1][0]


def seen_each_minute(text: str, zone: str, at: int) -> Iterator[tuple[float, bool]]:
    """Whether it is within the hours now and at each full minute of two days, read anew from the
    text."""
    known = ZoneInfo(zone)
    for when in (at, *range(at - at % 60 + 60, at + 2 * 86_400, 60)):
        wall = datetime.fromtimestamp(when, known)
        yield float(when), any(is_in(item, wall) for item in text.split(","))


def is_in(item: str, wall: datetime) -> bool:
    named, _, times = item.rpartition(" ") if ":" in item else (item, "", "")
    first, _, last = named.partition("-")
    begin = DAYS.index(first) if first else 0
    length = (DAYS.index(last) - begin) % 7 if last else (0 if first else 6)
    of_days = {(begin + number) % 7 for number in range(length + 1)}
    if not times:
        return wall.weekday() in of_days
    from_, to = times.split("-")
    now = wall.strftime("%H:%M")
    if from_ < to:
        return wall.weekday() in of_days and from_ <= now < to
    yesterday = (wall.weekday() - 1) % 7
    return (wall.weekday() in of_days and now >= from_) or (yesterday in of_days and now < to)


@given(texts)
def test_what_is_written_back_means_the_same(text: str) -> None:
    assert Hours.parse(str(Hours.parse(text))) == Hours.parse(text)


def test_nights_and_weekends() -> None:
    calendar = Calendar(Hours.parse("22:00-08:00, Sat,sun"), BERLIN)
    assert shown(calendar.opening(moment("2026-11-30 15:00"))) == "Mon 22:00"
    assert shown(calendar.closing(moment("2026-11-30 23:00"))) == "Tue 08:00"
    assert shown(calendar.closing(moment("2026-12-04 23:00"))) == "Mon 08:00"
    assert calendar.opening(moment("2026-12-05 12:00")) == moment("2026-12-05 12:00")


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    calendar = Calendar(Hours.parse("sun 22:00-02:00"), BERLIN)
    assert shown(calendar.opening(moment("2026-11-30 02:00"))) == "Sun 22:00"
    assert shown(calendar.closing(moment("2026-11-30 01:00"))) == "Mon 02:00"


def test_when_clocks_are_put_forward_or_back() -> None:
    night = Calendar(Hours.parse("02:30-05:00"), BERLIN)
    assert night.opening(moment("2026-03-29 00:00")) == moment("2026-03-29 03:00")  # 2:30 is not
    early = Calendar(Hours.parse("02:15-02:45"), BERLIN)
    assert shown(early.opening(moment("2026-03-29 00:00"))) == "Mon 02:15"
    # In autumn there are two of each minute between 2 and 3.
    first = early.closing(moment("2026-10-25 02:20"))
    assert first == moment("2026-10-25 02:45")
    assert early.opening(first) == moment("2026-10-25 02:15", fold=1)


def test_a_span_that_falls_into_a_skipped_hour_waits_for_the_next_week() -> None:
    calendar = Calendar(Hours.parse("sun 02:15-02:45"), BERLIN)
    assert calendar.opening(moment("2026-03-28 12:00")) == moment("2026-04-05 02:15")


def test_without_hours_it_is_always_open() -> None:
    for hours in (ALWAYS, Hours.parse("mon-sun"), Hours.parse("00:00-24:00")):
        calendar = Calendar(hours, BERLIN)
        assert hours.always
        assert calendar.opening(5.0) == 5.0
        assert calendar.closing(5.0) == math.inf


@pytest.mark.parametrize(
    "typed",
    [
        "", ",", "22:00", "22-8", "22:00-22:00", "25:00-08:00", "22:60-08:00", "24:00-08:00",
        "22:00-24:01", "xyz", "mon-", "mon22:00-08:00", "22:00-08:00,", "mon tue", "mon-fri-sun",
        "22:00–08:00", "２２:00-08:00", "mon 22:00-08:00 tue", "8:00 - 9:00",
    ],
)  # fmt: skip
def test_what_is_no_hours_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Hours.parse(typed)


def test_zones_are_known_by_name() -> None:
    assert zone_of("") is None
    assert zone_of("Asia/Tokyo") == ZoneInfo("Asia/Tokyo")
    for wrong in ("Berlin", "Europe", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(ValueError, match=r".*"):
            zone_of(wrong)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows sets no zone for one process")
def test_the_machines_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        here, there = Calendar(Hours.parse("02:30-05:00")), ZoneInfo("America/New_York")
        named = Calendar(Hours.parse("02:30-05:00"), there)
        for text in (
            "2026-03-08 00:10",
            "2026-11-01 00:10",
            "2026-11-01 06:00",
            "2026-07-01 03:00",
        ):
            at = moment(text, there)
            assert here.opening(at) == named.opening(at)
            assert here.closing(at) == named.closing(at)
            later = at + timedelta(days=30).total_seconds()
            assert here.opening(later) == named.opening(later)
    finally:
        monkeypatch.undo()
        time.tzset()
