"""The menu of `/settings` for the language of what everybody on the server reads."""

import re
from dataclasses import replace

import discord

from bot.client.client import EkakiBot
from cogs.common.answers import change, hold
from cogs.common.duty import manager_desk
from cogs.common.lasting import Lasting, Select
from cogs.settings.facts import gather
from cogs.settings.items import LANGUAGE_ID, NOT_SET
from cogs.settings.pages import panel
from data.shipped.text import languages
from pipeline.errors import InputError

Interaction = discord.Interaction[EkakiBot]


class LanguageMenu(Lasting[Select], template=re.escape(LANGUAGE_ID)):
    """Sets the language, or leaves it to Discord."""

    async def act(self, interaction: Interaction) -> None:
        desk, language = manager_desk(interaction), _chosen(self.item.values[0])
        await hold(interaction)
        await interaction.client.services.servers.change(
            desk, lambda settings: replace(settings, language=language)
        )
        shown = panel("here", await gather(interaction))
        await change(interaction, embeds=shown.embeds, view=shown.view)


def _chosen(value: str) -> str | None:
    """The language called `value`; InputError: Discord restricts nothing that a client sends."""
    if value == NOT_SET:
        return None
    if value not in languages():
        raise InputError("option_invalid", value=value)
    return value
