"""When this machine draws, and what is known of other programs on it."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from bot.common.hours import Calendar, zone_of
from bot.common.wording import gib
from bot.config.settings import Settings
from bot.doctor.values import Check, ok, warn

_MEASURED_S: Final = 0.5


def check_sharing(settings: Settings, *, now: float | None = None) -> Iterator[Check]:
    """Hours, and making room for others, each only if it is set."""
    if not settings.draw_hours.always:
        yield check_hours(settings, time.time() if now is None else now)
    if settings.yield_load_percent or settings.yield_free_mb:
        yield check_others(settings)


def check_hours(settings: Settings, now: float) -> Check:
    """What DRAW_HOURS means at `now`."""
    calendar = Calendar(settings.draw_hours, zone_of(settings.draw_time_zone))
    opens = calendar.opening(now)
    zone = settings.draw_time_zone or "this machine's time zone"
    if opens > now:
        return ok("Hours", f"{settings.draw_hours} ({zone}): rests until {_shown(opens, calendar)}")
    closes = _shown(calendar.closing(now), calendar)
    return ok("Hours", f"{settings.draw_hours} ({zone}): draws until {closes}")


def check_others(settings: Settings) -> Check:
    """Whether what other programs use can be told here."""
    from bot.sharing.cards import CardMeter, nvml
    from bot.sharing.processor import ProcessorMeter
    from bot.sharing.yielding import Meter
    from pipeline.plan.on_card import read_card

    name = "Other programs"
    number = settings.device_id[0]
    card = None if settings.provider == "cpu" else read_card(number)
    meter: Meter | None = ProcessorMeter() if card is None else CardMeter.of(number)
    if meter is None:
        missing = "install nvidia-ml-py" if nvml() is None else "look at the log of the driver"
        return warn(name, f"what they use of {card.name if card else ''} can't be told", missing)
    meter.read(drawing=False)
    time.sleep(_MEASURED_S)
    use = meter.read(drawing=False)
    where = "the processors" if card is None else card.name
    load = "an unknown share" if use.load is None else f"{use.load:.0%}"
    free = "?" if use.free_bytes is None else gib(use.free_bytes)
    found = f"use {load} of {where} now, {free} of memory is free"
    if use.free_bytes is not None and use.free_bytes < settings.yield_free_mb * 2**20:
        fix = "Nothing is drawn while that is so. Close programs, or lower YIELD_FREE_MB."
        return warn(name, f"{found}, less than YIELD_FREE_MB", fix)
    return ok(name, found)


def _shown(at: float, calendar: Calendar) -> str:
    return datetime.fromtimestamp(at, calendar.zone).strftime("%a %Y-%m-%d %H:%M")
