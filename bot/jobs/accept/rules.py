"""What every request is measured by."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.jobs.accept.limits import Limits
from bot.safety.request import RatingOf
from pipeline.resolve import Defaults
from pipeline.tag_category import TagCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """What every request is measured by. `max_age_s`: older open jobs are closed at start.
    `output_check`: finished pictures are checked; else `nsfw` and `explicit` stay off.
    `max_weight`: the most that a server may give a role of the queue. `kept_s`: how long pictures
    are kept that nobody marked or showed; None: forever."""

    defaults: Defaults
    limits: Limits
    category_of: Callable[[str], TagCategory | None]
    rating_of: RatingOf
    max_age_s: float
    output_check: bool = False
    max_weight: int = 1
    kept_s: float | None = None
