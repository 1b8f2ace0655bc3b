"""The rating ceiling: the highest rating a place allows, and why. One pure function.

Source of the bounds: Discord's developer policy (adult content only behind an age restriction).
Everything fails closed: what is unknown or not set allows only `safe`.
"""

from dataclasses import dataclass
from enum import StrEnum

from pipeline.rating import Rating


class PlaceKind(StrEnum):
    """What kind of place a request comes from."""

    GUILD_TEXT = "guild_text"
    THREAD = "thread"
    DM = "dm"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a result would be shown.

    `age_restricted` is Discord's flag on the channel; for a thread, the caller passes its parent's.
    It has no meaning in a DM or an unknown place.
    """

    kind: PlaceKind
    age_restricted: bool = False


UNKNOWN_PLACE = Place(kind=PlaceKind.UNKNOWN)


class CeilingReason(StrEnum):
    """What limits the ceiling. The texts are in the catalogue under `[ceiling]`."""

    DIRECT_MESSAGE = "direct_message"
    UNKNOWN_PLACE = "unknown_place"
    NOT_AGE_RESTRICTED = "not_age_restricted"
    NO_OUTPUT_CHECK = "no_output_check"
    NOT_RAISED = "not_raised"
    GUILD_SETTING = "guild_setting"
    CHANNEL_SETTING = "channel_setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The highest allowed rating, and the first thing to change for a higher one."""

    rating: Rating
    reason: CeilingReason


def effective_ceiling(
    *,
    place: Place,
    guild_ceiling: Rating | None,
    channel_ceiling: Rating | None,
    output_check: bool,
) -> Ceiling:
    """The lower of what the place allows and what moderators set. None: not set.

    With both settings None the ceiling is `safe`. A setting can raise it (up to the place's bound)
    or lower it; of two, the lower one counts. `output_check` says whether a classifier of finished
    pictures is loaded; without one `nsfw` and `explicit` stay off.
    """
    place_bound = _place_bound(place, output_check=output_check)
    setting = setting_of(guild_ceiling, channel_ceiling)
    return place_bound if place_bound.rating <= setting.rating else setting


def _place_bound(place: Place, *, output_check: bool) -> Ceiling:
    match place.kind:
        case PlaceKind.DM:
            return Ceiling(rating=Rating.SAFE, reason=CeilingReason.DIRECT_MESSAGE)
        case PlaceKind.GUILD_TEXT | PlaceKind.THREAD if not place.age_restricted:
            return Ceiling(rating=Rating.SENSITIVE, reason=CeilingReason.NOT_AGE_RESTRICTED)
        case PlaceKind.GUILD_TEXT | PlaceKind.THREAD if not output_check:
            return Ceiling(rating=Rating.SENSITIVE, reason=CeilingReason.NO_OUTPUT_CHECK)
        case PlaceKind.GUILD_TEXT | PlaceKind.THREAD:
            return Ceiling(rating=Rating.EXPLICIT, reason=CeilingReason.GUILD_SETTING)
        case _:  # UNKNOWN, and any kind added later without updating this function
            return Ceiling(rating=Rating.SAFE, reason=CeilingReason.UNKNOWN_PLACE)


def setting_of(guild_ceiling: Rating | None, channel_ceiling: Rating | None) -> Ceiling:
    """What moderators allow, regardless of the kind of place."""
    made = [
        Ceiling(rating=rating, reason=reason)
        for rating, reason in (
            (guild_ceiling, CeilingReason.GUILD_SETTING),
            (channel_ceiling, CeilingReason.CHANNEL_SETTING),
        )
        if rating is not None
    ]
    if not made:
        return Ceiling(rating=Rating.SAFE, reason=CeilingReason.NOT_RAISED)
    return min(made, key=lambda ceiling: ceiling.rating)
