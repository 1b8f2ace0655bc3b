"""The rating ceiling, for every combination of place, settings and output check."""

from itertools import product

import pytest

from bot.safety.ceiling import UNKNOWN_PLACE, CeilingReason, Place, PlaceKind, effective_ceiling
from data.shipped.text import text
from pipeline.rating import Rating

SETTINGS = (None, *Rating)

# What a place allows at the very most, written by hand: (kind, age_restricted, output_check).
MOST = {
    ("guild_text", False, False): "sensitive",
    ("guild_text", False, True): "sensitive",
    ("guild_text", True, False): "sensitive",
    ("guild_text", True, True): "explicit",
    ("thread", False, False): "sensitive",
    ("thread", False, True): "sensitive",
    ("thread", True, False): "sensitive",
    ("thread", True, True): "explicit",
    ("dm", False, False): "safe",
    ("dm", False, True): "safe",
    ("dm", True, False): "safe",
    ("dm", True, True): "safe",
    ("unknown", False, False): "safe",
    ("unknown", False, True): "safe",
    ("unknown", True, False): "safe",
    ("unknown", True, True): "safe",
}

# What two settings together come to, written by hand: rows guild, columns channel, in the order
# not set, safe, sensitive, nsfw, explicit.
TOGETHER = {
    "not set": "safe safe sensitive nsfw explicit",
    "safe": "safe safe safe safe safe",
    "sensitive": "sensitive safe sensitive sensitive sensitive",
    "nsfw": "nsfw safe sensitive nsfw nsfw",
    "explicit": "explicit safe sensitive nsfw explicit",
}
ORDER = ["safe", "sensitive", "nsfw", "explicit"]

CASES = list(product(PlaceKind, (False, True), (False, True), SETTINGS, SETTINGS))


def _name(setting: Rating | None) -> str:
    return "not set" if setting is None else setting.label


def _ceiling(
    kind: PlaceKind,
    age_restricted: bool,
    output_check: bool,
    guild: Rating | None,
    channel: Rating | None,
) -> Rating:
    return effective_ceiling(
        place=Place(kind=kind, age_restricted=age_restricted),
        guild_ceiling=guild,
        channel_ceiling=channel,
        output_check=output_check,
    ).rating


@pytest.mark.parametrize(("kind", "age_restricted", "output_check", "guild", "channel"), CASES)
def test_every_combination(
    kind: PlaceKind,
    age_restricted: bool,
    output_check: bool,
    guild: Rating | None,
    channel: Rating | None,
) -> None:
    most = MOST[kind.value, age_restricted, output_check]
    columns = TOGETHER[_name(guild)].split()
    setting = columns[["not set", *ORDER].index(_name(channel))]
    expected = ORDER[min(ORDER.index(most), ORDER.index(setting))]

    assert _ceiling(kind, age_restricted, output_check, guild, channel).label == expected


def test_the_hand_written_tables_cover_every_case() -> None:
    assert len(MOST) == len(PlaceKind) * 4
    assert len(CASES) == 4 * 2 * 2 * 5 * 5


@pytest.mark.parametrize("kind", list(PlaceKind))
def test_without_any_setting_everything_is_safe(kind: PlaceKind) -> None:
    for age_restricted, output_check in product((False, True), repeat=2):
        assert _ceiling(kind, age_restricted, output_check, None, None) is Rating.SAFE


def test_a_lower_setting_never_raises_the_ceiling() -> None:
    for kind, age_restricted, output_check, guild, channel in CASES:
        here = _ceiling(kind, age_restricted, output_check, guild, channel)
        for lower in Rating:
            if guild is not None and lower <= guild:
                assert _ceiling(kind, age_restricted, output_check, lower, channel) <= here
            if channel is not None and lower <= channel:
                assert _ceiling(kind, age_restricted, output_check, guild, lower) <= here


def test_losing_the_age_restriction_or_the_output_check_never_raises_the_ceiling() -> None:
    for kind, _, _, guild, channel in CASES:
        full = _ceiling(kind, True, True, guild, channel)
        assert _ceiling(kind, False, True, guild, channel) <= full
        assert _ceiling(kind, True, False, guild, channel) <= full


@pytest.mark.parametrize(
    ("place", "guild", "channel", "output_check", "reason"),
    [
        (Place(kind=PlaceKind.DM), Rating.EXPLICIT, None, True, "direct_message"),
        (UNKNOWN_PLACE, Rating.EXPLICIT, None, True, "unknown_place"),
        (Place(kind=PlaceKind.THREAD), Rating.NSFW, None, True, "not_age_restricted"),
        (Place(kind=PlaceKind.GUILD_TEXT), None, None, True, "not_raised"),
        (
            Place(kind=PlaceKind.GUILD_TEXT, age_restricted=True),
            Rating.NSFW,
            None,
            False,
            "no_output_check",
        ),
        (
            Place(kind=PlaceKind.GUILD_TEXT, age_restricted=True),
            Rating.NSFW,
            Rating.SENSITIVE,
            True,
            "channel_setting",
        ),
        (
            Place(kind=PlaceKind.GUILD_TEXT, age_restricted=True),
            Rating.NSFW,
            Rating.EXPLICIT,
            True,
            "guild_setting",
        ),
    ],
)
def test_the_reason_names_what_holds_the_ceiling(
    place: Place, guild: Rating | None, channel: Rating | None, output_check: bool, reason: str
) -> None:
    ceiling = effective_ceiling(
        place=place, guild_ceiling=guild, channel_ceiling=channel, output_check=output_check
    )
    assert ceiling.reason == reason


@pytest.mark.parametrize("reason", list(CeilingReason))
def test_every_reason_has_a_text(reason: CeilingReason) -> None:
    assert text(f"ceiling.{reason}")
