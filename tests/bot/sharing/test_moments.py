"""Until when, as the operator types it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.sharing.moments import parse_moment
from pipeline.errors import InputError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 15, 0, tzinfo=BERLIN).timestamp()


def shown(typed: str, now: float = NOW) -> str:
    moment = parse_moment(typed, now=now, zone=BERLIN)
    return datetime.fromtimestamp(moment, BERLIN).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("18:30", "2026-11-30 18:30"),
        (" 8:00 ", "2026-12-01 08:00"),
        ("15:00", "2026-12-01 15:00"),
        ("2026-12-24", "2026-12-24 00:00"),
        ("2026-12-24 18:00", "2026-12-24 18:00"),
        ("2026-12-24T18:00", "2026-12-24 18:00"),
        (f"<t:{NOW + 3600:.0f}:f>", "2026-11-30 16:00"),
    ],
)
def test_times_and_dates(typed: str, wanted: str) -> None:
    assert shown(typed) == wanted


def test_the_next_time_is_right_on_the_day_on_which_clocks_are_put_forward() -> None:
    now = datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN).timestamp()
    assert shown("08:00", now) == "2026-03-29 08:00"


@pytest.mark.parametrize(
    "typed",
    [
        "tomorrow",
        "24:00",
        "12:60",
        "8",
        "2026-13-01",
        "2026-02-30",
        "2126-01-01",
        "<t:1>x",
        "１８:00",
    ],
)
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="moment_unknown"):
        shown(typed)


@pytest.mark.parametrize("typed", ["2026-11-30", "2020-01-01 10:00", "<t:5>"])
def test_what_is_past_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="moment_past"):
        shown(typed)
