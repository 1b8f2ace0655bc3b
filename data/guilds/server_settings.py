"""Everything that those who may manage a server can set for it: one row per setting, with its
field.

A row says where on the `/settings` panel the setting is and which control changes it, its default,
its bounds and the keys of its texts in `[settings]` of `data/texts`. The panel (`cogs.settings`),
checks (`bot.guilds.servers`), the log's lines (`cogs.common.audit_lines`), the database's columns
and the table in `docs/moderation.md` follow from the rows. CONTRIBUTING.md says how to add one.
"""

from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import Any, Final, Literal, TypeVar

from pipeline.rating import Rating

T = TypeVar("T")
GalleryKind = Literal["text", "forum"]
WordList = Literal["blocked", "allowed"]
Page = Literal["here", "ratings", "channels", "words", "limits", "gallery", "tags"]
Control = Literal[
    "none",  # not shown
    "channel",
    "channels",
    "tags",
    "switch",
    "number",
    "rating",
    "language",
    "speed",
    "words",
    "text",
    "limit",  # of a role
]

RETENTION_DAYS: Final = 90
"""How long the audit log is kept by default."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. Texts of a control, `<key>` being `key` or else the field's name:

    | control | texts |
    |---|---|
    | channel | `<key>` without `_id`: its name; `choose_<key>` |
    | channels | `<key>`: its name; `choose_<key>` |
    | switch | `toggle_<key>`: its name; with `said`, `<said>_on` and `<said>_off`: its value |
    | number | `form_<key>`: its name; `<key>_label`: its bounds; `<key>`: its value |
    | limit | `ask_<key>`: its name; `limit_<key>`: its value |
    | words | `words_<key>`: its name; `form_<key>`, `file_<key>` |
    | text | `form_<key>`: its name; `<key>_label`: what it is for |
    | any other | `<key>`: its name |

    `low` and `high`: the bounds of a number or of a text's length, as in the schema; a limit's
    `high` is the operator's. `channels`: which ones a menu offers. `empty`: the text where no
    channel is chosen. `under`: the text over its value on the panel, where that is not its name.
    `first_steps`: its place among the first steps, 0: it is not among them. `form`: in which of the
    two forms a limit stands.
    """

    page: Page
    control: Control
    _: KW_ONLY
    low: int = 0
    high: int = 1_000_000_000
    channels: Literal["text", "gallery", "drawing"] = "text"
    age_restricted: bool = False
    empty: str = "none"
    first_steps: int = 0
    form: Literal["amounts", "requests"] = "amounts"
    key: str = ""
    named: str = ""
    under: str = ""
    said: str = ""
    name: str = ""  # this and the default are the field's, entered below
    default: Any = None

    @property
    def title(self) -> str:
        """The key of its name."""
        return self.named or {
            "channel": self.key.removesuffix("_id"),
            "switch": f"toggle_{self.key}",
            "number": f"form_{self.key}",
            "text": f"form_{self.key}",
            "limit": f"ask_{self.key}",
            "words": f"words_{self.key}",
        }.get(self.control, self.key)

    @property
    def heading(self) -> str:
        """The key of the heading over its value on the panel."""
        return self.under or self.title


def _row(default: T, setting: Setting) -> T:
    """A field that has this row."""
    return field(default=default, metadata={"row": setting})


_NO_CHANNELS: Final[frozenset[int]] = frozenset()
_NO_WORDS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildSettings:
    """One server's settings. Channels are ids; no `allowed_channels` means: all.

    `set_up`: the first-run wizard was finished. `review`: withheld pictures are kept for moderators
    in `review_channel_id`. `gallery_web`: the server wants to be on the public web page.
    `language`: of what everybody there reads; None: as Discord says. `gallery_tags`: those that
    every post in a gallery forum gets. `gallery_kind`: what the gallery's channel is.
    `default_speed`: a `pipeline.card.Speed` for requests that say none; None: `full`.
    `negative_prompt`: what every negative prompt there gets beside the member's own.
    """

    set_up: bool = _row(False, Setting("here", "none", named="go_setup"))
    allowed_channels: frozenset[int] = _row(
        _NO_CHANNELS,
        Setting("channels", "channels", channels="drawing", empty="all_channels", first_steps=1),
    )
    log_channel_id: int | None = _row(None, Setting("channels", "channel", first_steps=4))
    review_channel_id: int | None = _row(None, Setting("channels", "channel", age_restricted=True))
    review: bool = _row(False, Setting("channels", "switch", named="review_channel", said="review"))
    retention_days: int = _row(
        RETENTION_DAYS,
        Setting("channels", "number", low=1, high=3650, key="retention", under="log_channel"),
    )
    gallery_channel_id: int | None = _row(
        None, Setting("gallery", "channel", channels="gallery", first_steps=3)
    )
    gallery_adult_channel_id: int | None = _row(
        None, Setting("gallery", "channel", channels="gallery", age_restricted=True)
    )
    gallery_excluded: frozenset[int] = _row(
        _NO_CHANNELS, Setting("gallery", "channels", channels="drawing")
    )
    gallery_kind: GalleryKind = "text"
    gallery_threshold: int = _row(
        3, Setting("gallery", "number", low=1, high=1000, key="threshold", under="gallery_rules")
    )
    gallery_self_votes: bool = _row(False, Setting("gallery", "switch", under="gallery_rules"))
    gallery_approval: bool = _row(False, Setting("gallery", "switch", under="gallery_rules"))
    gallery_web: bool = _row(False, Setting("gallery", "switch", under="gallery_rules"))
    gallery_tags: frozenset[int] = _row(_NO_CHANNELS, Setting("tags", "tags"))
    language: str | None = _row(None, Setting("here", "language"))
    default_speed: str | None = _row(None, Setting("here", "speed"))
    negative_prompt: str = _row("", Setting("words", "text", high=500))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRatings:
    """Ceilings and defaults of a channel; None: not set."""

    guild_ceiling: Rating | None = _row(None, Setting("ratings", "rating", first_steps=2))
    guild_default: Rating | None = _row(None, Setting("ratings", "rating"))
    channel_ceiling: Rating | None = _row(None, Setting("ratings", "rating"))
    channel_default: Rating | None = _row(None, Setting("ratings", "rating"))

    @property
    def default(self) -> Rating | None:
        """The channel's default, otherwise the server's, otherwise None."""
        return self.guild_default if self.channel_default is None else self.channel_default


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A server's own rules: refused words, and phrases in which they are harmless."""

    blocked: frozenset[str] = _row(_NO_WORDS, Setting("words", "words"))
    allowed: frozenset[str] = _row(_NO_WORDS, Setting("words", "words"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet:
    """Limits of one role, or of one person from all their roles. None: not set, so only the
    operator's bound counts; 0: none at all. `max_pixels`: width x height of one picture."""

    pictures_per_hour: int | None = _row(None, Setting("limits", "limit"))
    pictures_per_day: int | None = _row(None, Setting("limits", "limit"))
    upscales_per_day: int | None = _row(None, Setting("limits", "limit"))
    waiting_jobs: int | None = _row(None, Setting("limits", "limit"))
    max_count: int | None = _row(None, Setting("limits", "limit", low=1, form="requests"))
    max_steps: int | None = _row(None, Setting("limits", "limit", low=1, form="requests"))
    max_pixels: int | None = _row(None, Setting("limits", "limit", low=1, form="requests"))
    weight: int | None = _row(None, Setting("limits", "limit", low=1, form="requests"))


def _rows_of(declared: type[Any]) -> list[Setting]:
    found: list[Setting] = []
    for each in fields(declared):
        row: Setting | None = each.metadata.get("row")
        if row is not None:
            found.append(
                replace(row, name=each.name, key=row.key or each.name, default=each.default)
            )
    return found


SETTINGS: Final[dict[str, Setting]] = {
    row.name: row
    for declared in (PlaceRatings, GuildSettings, Words, LimitSet)
    for row in _rows_of(declared)
}
"""All rows by field name."""


def settings_by(*controls: Control) -> tuple[Setting, ...]:
    """The rows with these controls, in the order of the panel."""
    return tuple(row for row in SETTINGS.values() if row.control in controls)


LIMIT_NAMES: Final = tuple(row.name for row in settings_by("limit"))
