"""`/me`: a person's defaults, shown and changed in a message that only they see."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from cogs.common.answers import change, hold, show
from cogs.common.extension import extension
from cogs.common.forms import Form
from cogs.common.lasting import Button, Lasting, Select
from cogs.common.messages import Outgoing
from cogs.common.places import asker_of
from cogs.drawing.options import wanted
from cogs.personal.me_panel import (
    FREE_SEED_ID,
    LORA_ID,
    MENUS,
    NEGATIVE_ID,
    NEWS_ID,
    NOT_SET,
    SEED_ID,
    SPEED_ID,
    panel,
)
from data.people.news import Told
from data.people.user_defaults import UserDefaults
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS, MAX_SEED, Speed
from pipeline.errors import InputError
from pipeline.lora.typed import MAX_TYPED

Change = Callable[[UserDefaults], UserDefaults]


class Me(commands.Cog):
    """A person's settings."""

    @app_commands.command(name="me", description=text("me.description"))
    async def me(self, interaction: Interaction) -> None:
        await show(interaction, await _current(interaction))


async def _current(interaction: Interaction) -> Outgoing:
    services, user_id = interaction.client.services, interaction.user.id
    return panel(
        await services.people.defaults(user_id),
        await services.people.presets(user_id),
        await services.news.told(user_id),
    )


async def _apply(interaction: Interaction, wanted: Change) -> None:
    """Change the person's defaults and show them in the message that was used."""
    people = interaction.client.services.people
    user_id = interaction.user.id
    await hold(interaction)
    await people.set_defaults(user_id, wanted(await people.defaults(user_id)))
    await _refresh(interaction)


async def _refresh(interaction: Interaction) -> None:
    message = await _current(interaction)
    await change(interaction, embeds=message.embeds, view=message.view)


def changed(field: str, value: str | None) -> Change:
    """The change for choosing `value`; None removes the default."""
    said: dict[str, Any] = {field: None, **wanted({field: value})}
    return lambda defaults: replace(defaults, **said)


class DefaultMenu(
    Lasting[Select],
    template=rf"ekaki:me:(?P<choice>{'|'.join(each.field for each in MENUS)})",
):
    """Sets one default to what is chosen."""

    async def act(self, interaction: Interaction) -> None:
        chosen = self.item.values[0]
        value = None if chosen == NOT_SET else chosen
        await _apply(interaction, changed(self.match["choice"], value))


class NewsMenu(Lasting[Select], template=NEWS_ID):
    """Sets when the person is notified of stars and remixes."""

    async def act(self, interaction: Interaction) -> None:
        told = Told(self.item.values[0])
        await hold(interaction)
        await interaction.client.services.news.choose(
            interaction.user.id, told, locale=interaction.locale.value
        )
        await _refresh(interaction)


class NegativeButton(Lasting[Button], template=NEGATIVE_ID):
    """Opens the text of the negative prompt."""

    async def act(self, interaction: Interaction) -> None:
        people = interaction.client.services.people
        defaults = await people.defaults(interaction.user.id)
        await interaction.response.send_modal(NegativeModal(defaults.negative_prompt))


class NegativeModal(Form):
    """The negative prompt; empty text removes the default."""

    def __init__(self, now: str) -> None:
        super().__init__(text("me.negative"))
        self._negative = self.ask(
            text("me.negative_label"),
            "negative",
            style=discord.TextStyle.paragraph,
            required=False,
            max_length=MAX_PROMPT_CHARACTERS,
            default=now or None,
        )

    async def on_submit(self, interaction: Interaction, /) -> None:
        value = self._negative.value
        await _apply(interaction, lambda defaults: replace(defaults, negative_prompt=value))


class LoraButton(Lasting[Button], template=LORA_ID):
    """Opens the names of the LoRAs."""

    async def act(self, interaction: Interaction) -> None:
        people = interaction.client.services.people
        defaults = await people.defaults(interaction.user.id)
        await interaction.response.send_modal(LoraModal(defaults.lora))


class SpeedButton(Lasting[Button], template=SPEED_ID):
    """Goes on to the next speed that can be drawn here, and after the last to none."""

    async def act(self, interaction: Interaction) -> None:
        offered = await interaction.client.services.lora_choices.speeds(asker_of(interaction))
        await _apply(interaction, lambda now: replace(now, speed=following(now.speed, offered)))


def following(speed: Speed | None, offered: Sequence[Speed]) -> Speed | None:
    """The next of `offered`, of None the first and of the last None."""
    later = list(Speed)
    if speed is not None:
        later = later[later.index(speed) + 1 :]
    return next((each for each in later if each in offered), None)


class LoraModal(Form):
    """LoRAs with their strengths; empty text removes the default."""

    def __init__(self, now: str) -> None:
        super().__init__(text("me.lora"))
        self._lora = self.ask(
            text("me.lora_label"),
            "lora",
            required=False,
            max_length=MAX_TYPED,
            default=now or None,
        )

    async def on_submit(self, interaction: Interaction, /) -> None:
        services = interaction.client.services
        defaults = await services.people.defaults(interaction.user.id)
        value = await services.lora_choices.checked_default(
            self._lora.value, asker_of(interaction), now=defaults.lora
        )
        await _apply(interaction, lambda defaults: replace(defaults, lora=value))


class SeedButton(Lasting[Button], template=SEED_ID):
    """Opens the fixed seed."""

    async def act(self, interaction: Interaction) -> None:
        defaults = await interaction.client.services.people.defaults(interaction.user.id)
        await interaction.response.send_modal(SeedModal(defaults.seed))


class SeedModal(Form):
    """A seed for all pictures; an empty field removes it."""

    def __init__(self, now: int | None) -> None:
        super().__init__(text("me.seed"))
        self._seed = self.ask(
            text("me.seed_label"),
            "seed",
            about=text("me.seed_about"),
            required=False,
            max_length=len(str(MAX_SEED)),
            default=None if now is None else str(now),
        )

    async def on_submit(self, interaction: Interaction, /) -> None:
        value = self._seed.value.strip()
        if value and not (value.isascii() and value.isdecimal() and int(value) <= MAX_SEED):
            raise InputError("seed_out_of_range", value=value, low=0, high=MAX_SEED)
        await _apply(interaction, lambda each: replace(each, seed=int(value) if value else None))


class FreeSeedButton(Lasting[Button], template=FREE_SEED_ID):
    """Removes the fixed seed."""

    async def act(self, interaction: Interaction) -> None:
        await _apply(interaction, lambda defaults: replace(defaults, seed=None))


setup = extension(
    lambda _: Me(),
    DefaultMenu,
    NewsMenu,
    NegativeButton,
    LoraButton,
    SeedButton,
    FreeSeedButton,
    SpeedButton,
)
