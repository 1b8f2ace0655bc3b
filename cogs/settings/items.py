"""Menus and buttons of the settings panel.

Each `custom_id` says what it changes (`ekaki:set:...`), so a panel works after a restart.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import discord

from cogs.common.words import cut
from cogs.settings.facts import Facts
from data.shipped.text import languages, text
from pipeline.rating import Rating

Page = Literal["here", "ratings", "channels", "words", "limits", "gallery", "setup", "tags"]
PAGES: Final[tuple[Page, ...]] = (
    "here", "ratings", "channels", "words", "limits", "gallery", "setup",
)  # fmt: skip
TAGS_PAGE: Final = "tags"
"""Reached from the gallery's page, where it has a forum."""
NOT_SET: Final = "-"
LANGUAGE_ID: Final = "ekaki:set:language"
TAGS_ID: Final = "ekaki:set:tags"
MAX_CHANNELS: Final = 25  # Discord, of one menu
MAX_TAGS: Final = 5  # Discord, of a forum's post

Button: TypeAlias = "discord.ui.Button[discord.ui.View]"
Item: TypeAlias = "discord.ui.Item[discord.ui.View]"

TEXT_CHANNELS: Final = [discord.ChannelType.text, discord.ChannelType.news]
DRAWING_CHANNELS: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
]
GALLERY_CHANNELS: Final = [discord.ChannelType.text, discord.ChannelType.forum]


def page_menu(page: Page) -> Item:
    """Where to go from `page`."""
    return discord.ui.Select(
        custom_id="ekaki:set:page",
        options=[
            discord.SelectOption(
                label=text(f"settings.page_{each}"), value=each, default=each == page
            )
            for each in PAGES
        ],
        row=0,
    )


def page_in(names: Sequence[str]) -> Page:
    """The page that a menu's values name."""
    found: list[Page] = [page for page in (*PAGES, TAGS_PAGE) if page in names]
    return found[0] if found else "here"


def language_name(chosen: str | None) -> str:
    """By its own name, as those who read it know it."""
    known = chosen is not None and chosen in languages()
    return text("language.name", locale=chosen) if known else text("settings.language_discord")


def language_menu(chosen: str | None, *, row: int) -> Item:
    """Which language the bot speaks here."""
    return discord.ui.Select(
        custom_id=LANGUAGE_ID,
        options=[
            discord.SelectOption(
                label=cut(f"{text('settings.language')}: {language_name(each)}", 100),
                value=each or NOT_SET,
                default=each == chosen,
            )
            for each in (None, *sorted(languages()))
        ],
        row=row,
    )


def rating_menu(name: str, rating: Rating | None, *, page: Page, row: int) -> Item:
    """A ceiling or a default, `name`; a choice leads back to `page`."""
    named = text(f"settings.{name}")
    options = [(NOT_SET, text("settings.not_set")), *((r.label, r.label) for r in Rating)]
    now = NOT_SET if rating is None else rating.label
    return discord.ui.Select(
        custom_id=f"ekaki:set:rating:{name}:{page}",
        options=[
            discord.SelectOption(
                label=cut(f"{named}: {label}", 100), value=value, default=value == now
            )
            for value, label in options
        ],
        row=row,
    )


def channel_menu(facts: Facts, name: str, *, page: Page, row: int) -> Item:
    """The channel or channels of the setting `name`; a choice leads back to `page`."""
    several = name in {"allowed_channels", "gallery_excluded"}
    made = getattr(facts.settings, name)
    ids: frozenset[int] = made if several else frozenset({made} if made else ())
    types = DRAWING_CHANNELS if several else TEXT_CHANNELS
    if name.startswith("gallery_") and not several:
        types = GALLERY_CHANNELS
    return discord.ui.ChannelSelect(
        custom_id=f"ekaki:set:channels:{name}:{page}",
        placeholder=text(f"settings.choose_{name}"),
        channel_types=types,
        min_values=0,
        max_values=MAX_CHANNELS if several else 1,
        default_values=[
            discord.SelectDefaultValue(id=each, type=discord.SelectDefaultValueType.channel)
            for each in facts.existing(ids)[:MAX_CHANNELS]
        ],
        row=row,
    )


def tags_menu(facts: Facts, forum: discord.ForumChannel, *, row: int) -> Item:
    """The tags that posts of the gallery get in a forum."""
    tags = facts.tags_of(forum)
    chosen = facts.settings.gallery_tags
    return discord.ui.Select(
        custom_id=f"{TAGS_ID}:{forum.id}",
        placeholder=cut(text("settings.choose_tags", channel=f"#{forum.name}"), 150),
        min_values=1 if forum.flags.require_tag else 0,
        max_values=min(MAX_TAGS, len(tags)),
        options=[
            discord.SelectOption(label=tag.name, value=str(tag.id), default=tag.id in chosen)
            for tag in tags
        ],
        row=row,
    )


def role_menu(*, row: int) -> Item:
    """Whose limits are shown and changed."""
    return discord.ui.RoleSelect(
        custom_id="ekaki:set:role",
        placeholder=text("settings.choose_role"),
        min_values=0,
        max_values=1,
        row=row,
    )


def button(
    deed: Literal["go", "toggle", "form", "file"],
    name: str,
    *,
    row: int,
    role_id: int = 0,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> Button:
    """One that goes to a page, turns a setting over, opens a form or takes a file, `name` each."""
    return discord.ui.Button(
        label=text(f"settings.{deed}_{name}"),
        custom_id=f"ekaki:set:{deed}:{name}:{role_id}",
        style=style,
        row=row,
    )
