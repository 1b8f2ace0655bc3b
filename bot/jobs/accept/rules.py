"""The rules that apply to every request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.jobs.accept.limits import Limits
from bot.safety.request import RatingOf
from pipeline.prompt.known import NameOf, nothing
from pipeline.rating import Rating
from pipeline.resolve import Defaults
from pipeline.tag_category import TagCategory


def _none_near(_text: str, _rating: Rating) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """The rules that apply to every request. `max_age_s`: older open jobs are closed at start.
    `output_check`: finished pictures are checked; otherwise `nsfw` and `explicit` stay off.
    `alias_of`, `series_of`: see `pipeline.resolve`. `nearest`: names of tags near to a text that is
    none, of those that a rating allows to be shown. `max_weight`: the most that a server may give a
    role of the queue. `kept_s`: how long pictures are kept that nobody marked or showed; None:
    forever."""

    defaults: Defaults
    limits: Limits
    category_of: Callable[[str], TagCategory | None]
    rating_of: RatingOf
    max_age_s: float
    alias_of: NameOf = nothing
    series_of: NameOf = nothing
    nearest: Callable[[str, Rating], Sequence[str]] = _none_near
    output_check: bool = False
    max_weight: int = 1
    kept_s: float | None = None
