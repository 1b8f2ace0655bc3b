"""Menus and buttons of the settings panel.

Each `custom_id` says what it changes (`ekaki:set:...`), so a panel works after a restart.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

import discord

from cogs.common.words import cut, listed
from cogs.settings.facts import Facts
from cogs.settings.values import language_name, state
from data.guilds.server_settings import Control, Page, Setting, settings_by
from data.shipped.text import languages, text
from pipeline.card import Speed
from pipeline.errors import InputError
from pipeline.rating import Rating

PanelPage = Page | Literal["setup", "loras"]
PAGES: Final[tuple[PanelPage, ...]] = (
    "here", "ratings", "channels", "words", "limits", "loras", "gallery", "setup",
)  # fmt: skip
TAGS_PAGE: Final = "tags"
"""Reached from the gallery's page, if it has a forum."""
NOT_SET: Final = "-"
LANGUAGE_ID: Final = "ekaki:set:language"
SPEED_ID: Final = "ekaki:set:speed"
TAGS_ID: Final = "ekaki:set:tags"
MAX_CHANNELS: Final = 25  # Discord, of one menu
MAX_TAGS: Final = 5  # Discord, of a forum's post
MAX_PLACEHOLDER: Final = 150  # characters, Discord; so are the next two
MAX_OPTION: Final = 100
MAX_LABEL: Final = 80

ButtonAction = Literal["go", "toggle", "form", "file"]
Button: TypeAlias = "discord.ui.Button[discord.ui.View]"
Item: TypeAlias = "discord.ui.Item[discord.ui.View]"

CHANNEL_TYPES: Final = {
    "text": [discord.ChannelType.text, discord.ChannelType.news],
    "gallery": [discord.ChannelType.text, discord.ChannelType.forum],
    "drawing": [
        discord.ChannelType.text,
        discord.ChannelType.news,
        discord.ChannelType.voice,
        discord.ChannelType.forum,
    ],
}


def page_menu(page: PanelPage) -> Item:
    """The pages reachable from `page`."""
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


def page_in(names: Sequence[str]) -> PanelPage:
    """The page that a menu's values name."""
    found: list[PanelPage] = [page for page in (*PAGES, TAGS_PAGE) if page in names]
    return found[0] if found else "here"


def setting_called(key: str, *controls: Control) -> Setting:
    """The setting that a `custom_id` names. InputError `button_unknown` if there is none."""
    for row in settings_by(*controls):
        if row.key == key:
            return row
    raise InputError("button_unknown")


def controls(facts: Facts, rows: Iterable[Setting], *, page: PanelPage, row: int) -> list[Item]:
    """The controls of settings: one menu per row from `row`, with the buttons below. A choice in a
    menu leads back to `page`."""
    menus: list[Item] = []
    buttons: list[Setting] = []
    for each in rows:
        match each.control:
            case "rating":
                menus.append(rating_menu(each, facts.value(each), page=page, row=row + len(menus)))
            case "channel" | "channels":
                menus.append(channel_menu(facts, each, page=page, row=row + len(menus)))
            case "switch" | "number":
                buttons.append(each)
            case _:
                raise ValueError(f"{each.name} is changed on a page of its own")
    return [*menus, *(setting_button(facts, each, row=row + len(menus)) for each in buttons)]


def language_menu(chosen: str | None, *, row: int) -> Item:
    """The menu of the server's language."""
    named = ((each, language_name(each)) for each in sorted(languages()))
    options = [(NOT_SET, text("settings.language_menu_discord")), *named]
    return _choices(LANGUAGE_ID, "language", options, chosen or NOT_SET, row=row)


def speed_menu(facts: Facts, *, row: int) -> Item:
    """The menu of the speed of requests that say none: what can be drawn, and what is chosen."""
    chosen = facts.settings.default_speed
    offered = [each for each in Speed if each in facts.speeds or each == chosen]
    options = [(NOT_SET, text("settings.not_set")), *((each.value, each.value) for each in offered)]
    return _choices(SPEED_ID, "default_speed", options, chosen or NOT_SET, row=row)


def rating_menu(setting: Setting, rating: Rating | None, *, page: PanelPage, row: int) -> Item:
    """The menu of a ceiling or a default."""
    options = [(NOT_SET, text("settings.not_set")), *((r.label, r.label) for r in Rating)]
    now = NOT_SET if rating is None else rating.label
    return _choices(f"ekaki:set:rating:{setting.key}:{page}", setting.title, options, now, row=row)


def _choices(
    custom_id: str, title: str, options: Iterable[tuple[str, str]], now: str, *, row: int
) -> Item:
    named = text(f"settings.{title}")
    return discord.ui.Select(
        custom_id=custom_id,
        options=[
            discord.SelectOption(
                label=_labelled(named, label, MAX_OPTION), value=value, default=value == now
            )
            for value, label in options
        ],
        row=row,
    )


def channel_menu(facts: Facts, setting: Setting, *, page: PanelPage, row: int) -> Item:
    """The menu of a setting's channels.

    The placeholder shows the current value: with `default_values` Discord would show only those,
    and the menus could not be distinguished.
    """
    several, made = setting.control == "channels", facts.value(setting)
    ids: Iterable[int] = made if several else [made] if made else []
    named = listed(map(facts.channel_name, sorted(ids))) or text(f"settings.{setting.empty}")
    return discord.ui.ChannelSelect(
        custom_id=f"ekaki:set:channel:{setting.key}:{page}",
        placeholder=_labelled(text(f"settings.choose_{setting.key}"), named, MAX_PLACEHOLDER),
        channel_types=CHANNEL_TYPES[setting.channels],
        min_values=0,
        max_values=MAX_CHANNELS if several else 1,
        row=row,
    )


def _labelled(name: str, shown: str, limit: int) -> str:
    return cut(text("settings.flag", name=name, state=shown), limit)


def tags_menu(facts: Facts, forum: discord.ForumChannel, *, row: int) -> Item:
    """The menu of tags for the gallery's posts in a forum."""
    tags = facts.tags_of(forum)
    chosen = facts.settings.gallery_tags
    return discord.ui.Select(
        custom_id=f"{TAGS_ID}:{forum.id}",
        placeholder=cut(text("settings.choose_tags", channel=f"#{forum.name}"), MAX_PLACEHOLDER),
        min_values=1 if forum.flags.require_tag else 0,
        max_values=min(MAX_TAGS, len(tags)),
        options=[
            discord.SelectOption(
                label=_labelled(f"#{forum.name}", tag.name, MAX_OPTION),
                value=str(tag.id),
                default=tag.id in chosen,
            )
            for tag in tags
        ],
        row=row,
    )


def role_menu(facts: Facts, *, row: int) -> Item:
    """The menu of the role whose limits are shown. Choosing it again returns to everyone."""
    return discord.ui.RoleSelect(
        custom_id=f"ekaki:set:role:{facts.role_id}",
        placeholder=cut(text("settings.choose_role", role=facts.role_name), MAX_PLACEHOLDER),
        min_values=0,
        max_values=1,
        row=row,
    )


def button(
    action: ButtonAction,
    name: str,
    *,
    row: int,
    role_id: int = 0,
    shown: str = "",
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> Button:
    """A button that goes to a page, toggles a setting, opens a form or takes a file, each by
    `name`. `shown`: the current value, added to its label."""
    label = text(f"settings.{action}_{name}")
    return discord.ui.Button(
        label=_labelled(label, shown, MAX_LABEL) if shown else label,
        custom_id=f"ekaki:set:{action}:{name}:{role_id}",
        style=style,
        row=row,
    )


def setting_button(facts: Facts, setting: Setting, *, row: int) -> Button:
    """A button that toggles a setting and shows its value."""
    on = setting.control == "switch" and facts.value(setting)
    return button(
        "toggle" if setting.control == "switch" else "form",
        setting.key,
        row=row,
        shown=state(facts, setting),
        style=discord.ButtonStyle.success if on else discord.ButtonStyle.secondary,
    )
