"""A person's defaults as a message in which they can be changed."""

from collections.abc import Sequence
from typing import Final

import discord

from bot.common.sizes import size_label
from cogs.common.lasting import Button, Select, view_of
from cogs.common.messages import Outgoing
from cogs.common.words import quoted
from data.people.news import Told
from data.people.presets import Preset
from data.people.user_defaults import UserDefaults
from data.shipped.text import text
from pipeline.aspect import BUCKETS
from pipeline.options import Option, written
from pipeline.request import OPTIONS

_BUTTONS: Final = ("negative_prompt", "lora", "seed", "speed")  # a message has room for five rows
MENUS: Final = [each for each in OPTIONS if each.in_me and each.field not in _BUTTONS]
NOT_SET: Final = "-"  # the value of the menus' first option: no personal default
NEGATIVE_ID: Final = "ekaki:me:negative"
SPEED_ID: Final = "ekaki:me:speed"
LORA_ID: Final = "ekaki:me:lora"
SEED_ID: Final = "ekaki:me:seed"
FREE_SEED_ID: Final = "ekaki:me:freeseed"
NEWS_ID: Final = "ekaki:me:news"


def menu_id(field: str) -> str:
    """The `custom_id` of the menu for an option."""
    return f"ekaki:me:{field}"


def panel(defaults: UserDefaults, presets: Sequence[Preset], told: Told) -> Outgoing:
    """The message of `/me`."""
    embed = discord.Embed(title=text("me.title"), description=text("me.summary"))
    shown = {each.label: _label(each, _value(defaults, each)) for each in MENUS}
    shown["negative"] = quoted(defaults.negative_prompt, 400)
    shown["lora"] = quoted(defaults.lora, 400)
    if defaults.seed is not None:
        shown["seed"] = text("me.seed_fixed", seed=defaults.seed)
    shown["speed"] = defaults.speed and f"`{defaults.speed}`"
    for key, value in shown.items():
        embed.add_field(name=text(f"me.{key}"), value=value or text("me.not_set"), inline=False)
    embed.add_field(name=text("me.news_field"), value=text(f"me.news_{told}"), inline=False)
    names = ", ".join(quoted(preset.name, 50) for preset in presets)
    embed.add_field(
        name=text("me.presets", count=len(presets)),
        value=names[:1024] or text("me.no_presets"),
        inline=False,
    )
    return Outgoing(embeds=(embed,), view=_view(defaults, told))


def _value(defaults: UserDefaults, option: Option) -> str | None:
    value = getattr(defaults, option.field)
    return None if value is None else written(value)


def _label(option: Option, value: str | None) -> str | None:
    return value if value is None else dict(_offered(option)).get(value, value)


def _offered(option: Option) -> list[tuple[str, str]]:
    """Value and label of what a menu offers."""
    if option.choices:
        return [(each, each) for each in option.choices]
    return [(bucket.pixels, size_label(bucket)) for bucket in BUCKETS]


def _view(defaults: UserDefaults, told: Told) -> discord.ui.View:
    menus = [_menu(option, _value(defaults, option), row=row) for row, option in enumerate(MENUS)]
    free: list[Button] = []
    if defaults.seed is not None:
        free.append(Button(label=text("me.seed_free"), custom_id=FREE_SEED_ID))
    return view_of(
        [
            *menus,
            _news_menu(told, row=len(menus)),
            Button(label=text("me.negative_button"), custom_id=NEGATIVE_ID),
            Button(label=text("me.lora_button"), custom_id=LORA_ID),
            Button(label=text("me.seed_button"), custom_id=SEED_ID),
            *free,
            Button(
                label=text("me.speed_button", speed=defaults.speed or text("me.no_speed")),
                custom_id=SPEED_ID,
            ),
        ]
    )


def _news_menu(told: Told, *, row: int) -> Select:
    return Select(
        custom_id=NEWS_ID,
        options=[
            discord.SelectOption(
                label=f"{text('me.news')}: {text(f'me.news_{each}')}",
                value=each,
                default=each is told,
            )
            for each in Told
        ],
        row=row,
    )


def _menu(option: Option, now: str | None, *, row: int) -> Select:
    named = text(f"me.{option.label}")
    none = discord.SelectOption(
        label=text("me.none_option", what=named.lower()), value=NOT_SET, default=now is None
    )
    return Select(
        custom_id=menu_id(option.field),
        options=[
            none,
            *(
                discord.SelectOption(label=f"{named}: {label}", value=value, default=value == now)
                for value, label in _offered(option)
            ),
        ],
        row=row,
    )
