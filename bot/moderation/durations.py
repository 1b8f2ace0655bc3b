"""How long a block lasts, as people type it: `30m`, `12h`, `7d`, `2w`. Pure."""

import re
from typing import Final

from pipeline.errors import InputError

SUGGESTED: Final = ("1h", "12h", "1d", "3d", "7d", "30d")
MAX_DURATION_S: Final = 10 * 365 * 86400.0

_UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_PART = re.compile(r"(\d{1,6})\s*([mhdw])[a-z]*[\s,]*")


def parse_duration(typed: str | None) -> float | None:
    """Seconds; None if nothing is typed: permanently. InputError `duration_unknown`."""
    text = (typed or "").strip().casefold()
    if not text:
        return None
    seconds, place = 0.0, 0
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:
            raise InputError("duration_unknown", value=text[:30])
        seconds += int(part[1]) * _UNITS[part[2]]
        place = part.end()
    if not 0 < seconds <= MAX_DURATION_S:
        raise InputError("duration_unknown", value=text[:30])
    return seconds
