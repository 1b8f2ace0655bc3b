"""What somebody has set for themselves, as a message in which it can be changed."""

from collections.abc import Sequence
from typing import Final, Literal

import discord

from cogs.common.messages import Outgoing
from cogs.common.words import quoted
from data.people.presets import Preset
from data.people.user_defaults import UserDefaults
from data.shipped.text import text
from pipeline.aspect import BUCKETS
from pipeline.card import QualityPreset
from pipeline.rating import Rating

Choice = Literal["aspect", "preset", "rating"]
CHOICES: Final[tuple[Choice, ...]] = ("aspect", "preset", "rating")
NOT_SET: Final = "-"  # the value of the menus' first option: no default of one's own
NEGATIVE_ID: Final = "ekaki:me:negative"


def menu_id(choice: Choice) -> str:
    """The `custom_id` of the menu for `choice`."""
    return f"ekaki:me:{choice}"


def panel(defaults: UserDefaults, presets: Sequence[Preset]) -> Outgoing:
    """The message of `/me`."""
    embed = discord.Embed(title=text("me.title"), description=text("me.summary"))
    for key, value in (
        ("aspect", _aspect(defaults)),
        ("preset", None if defaults.preset is None else str(defaults.preset)),
        ("rating", None if defaults.rating is None else defaults.rating.label),
        ("negative", quoted(defaults.negative_prompt, 400) or None),
    ):
        embed.add_field(name=text(f"me.{key}"), value=value or text("me.not_set"), inline=False)
    names = ", ".join(quoted(preset.name, 50) for preset in presets)
    embed.add_field(
        name=text("me.presets", count=len(presets)),
        value=names[:1024] or text("me.no_presets"),
        inline=False,
    )
    return Outgoing(embeds=(embed,), view=_view(defaults))


def _aspect(defaults: UserDefaults) -> str | None:
    labels = {bucket.pixels: bucket.label for bucket in BUCKETS}
    return None if defaults.aspect is None else labels.get(defaults.aspect, defaults.aspect)


def _view(defaults: UserDefaults) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    rating = None if defaults.rating is None else defaults.rating.label
    sizes = [(bucket.pixels, bucket.label) for bucket in BUCKETS]
    presets = [(preset.value, preset.value) for preset in QualityPreset]
    ratings = [(rating.label, rating.label) for rating in Rating]
    view.add_item(_menu("aspect", defaults.aspect, sizes, row=0))
    view.add_item(_menu("preset", defaults.preset, presets, row=1))
    view.add_item(_menu("rating", rating, ratings, row=2))
    view.add_item(discord.ui.Button(label=text("me.negative_button"), custom_id=NEGATIVE_ID, row=3))
    view.stop()  # presses are found by their `custom_id`: discord.py need not remember the view
    return view


def _menu(
    choice: Choice, now: str | None, options: Sequence[tuple[str, str]], *, row: int
) -> "discord.ui.Select[discord.ui.View]":
    named = text(f"me.{choice}")
    none = discord.SelectOption(
        label=text("me.none_option", what=named.lower()), value=NOT_SET, default=now is None
    )
    return discord.ui.Select(
        custom_id=menu_id(choice),
        options=[
            none,
            *(
                discord.SelectOption(label=f"{named}: {label}", value=value, default=value == now)
                for value, label in options
            ),
        ],
        row=row,
    )
