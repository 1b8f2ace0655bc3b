"""The menu of `/settings` for the language of what everybody on the server reads."""

import re
from dataclasses import replace
from typing import Any

import discord

from bot.client import EkakiBot
from cogs.answers import change
from cogs.duty import manager_desk
from cogs.errors import answer_error
from cogs.settings_facts import gather
from cogs.settings_pages import LANGUAGE_ID, NOT_SET, panel
from data.text import languages
from pipeline.errors import InputError

Interaction = discord.Interaction[EkakiBot]


class LanguageMenu(
    discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=re.escape(LANGUAGE_ID)
):
    """Sets the language, or leaves it to Discord."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],  # noqa: ARG003 - discord.py's signature
        /,
    ) -> "LanguageMenu":
        assert isinstance(item, discord.ui.Select)
        return cls(item)

    async def callback(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: Interaction
    ) -> None:
        try:
            desk, language = manager_desk(interaction), _chosen(self.item.values[0])
            await interaction.client.services.servers.change(
                desk, lambda settings: replace(settings, language=language)
            )
            shown = panel("here", await gather(interaction))
            await change(interaction, embeds=shown.embeds, view=shown.view)
        except Exception as error:  # noqa: BLE001 - discord.py would only log it
            await answer_error(interaction, error)


def _chosen(value: str) -> str | None:
    """The language called `value`; InputError: Discord restricts nothing that a client sends."""
    if value == NOT_SET:
        return None
    if value not in languages():
        raise InputError("option_invalid", value=value)
    return value
