"""A moment as the operator types it: `08:00`, `2026-12-24 18:00`. Pure."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

from pipeline.errors import InputError

FARTHEST_S: Final = 10 * 365 * 86400.0

_SHOWN = re.compile(r"<t:(\d{1,12})(?::[a-zA-Z])?>")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+(\d{1,2}):(\d{2}))?", re.ASCII)


def parse_moment(typed: str, *, now: float, zone: tzinfo | None) -> float:
    """Seconds since the epoch. A time without a date is the next one; a date without a time is its
    midnight; Discord's `<t:...>` is understood. InputError `moment_unknown`, `moment_past`."""
    text = " ".join(typed.split())
    try:
        moment = _moment(text, now, zone)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment > now + FARTHEST_S:
        raise InputError("moment_unknown", value=text[:30])
    if moment <= now:
        raise InputError("moment_past", value=text[:30])
    return moment


def _moment(text: str, now: float, zone: tzinfo | None) -> float | None:
    shown, clock, date = _SHOWN.fullmatch(text), _CLOCK.fullmatch(text), _DATE.fullmatch(text)
    if shown is not None:
        return float(shown[1])
    if clock is not None:
        here = datetime.fromtimestamp(now, zone)
        wall = here.replace(
            hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0, fold=0
        )
        later = (wall + timedelta(days=days) for days in range(3))
        return next(each.timestamp() for each in later if each.timestamp() > now)
    if date is not None:
        year, month, day, hour, minute = (int(part or 0) for part in date.groups())
        return datetime(year, month, day, hour, minute, tzinfo=zone).timestamp()
    return None
