"""`/settings`: a server's settings, shown and changed in a message that only its reader sees.

The permission to manage the server is checked at every press, because a role can be lost meanwhile.
"""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.moderation.words import parse_words
from cogs.common.answers import show
from cogs.common.attachments import Downloads
from cogs.common.duty import manager_of
from cogs.common.extension import extension
from cogs.settings.buttons import SettingButton
from cogs.settings.facts import gather
from cogs.settings.loras import LoraButton, LoraMenu, LoraRoleMenu
from cogs.settings.menus import (
    ChannelMenu,
    LanguageMenu,
    PageMenu,
    RatingMenu,
    RoleMenu,
    SpeedMenu,
    TagsMenu,
)
from cogs.settings.pages import panel
from data.guilds.server_settings import WordList
from data.shipped.text import text
from pipeline.errors import InputError

MAX_FILE_BYTES = 2**20
DOWNLOAD_S = 20.0


class SettingsCog(commands.Cog, name="Settings"):
    """The command."""

    def __init__(self) -> None:
        self.downloads = Downloads()

    @app_commands.command(name="settings", description=text("settings.description"))
    @app_commands.describe(file=text("settings.option_file"), words=text("settings.option_words"))
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def settings(
        self,
        interaction: Interaction,
        file: discord.Attachment | None = None,
        words: Literal["blocked", "allowed"] = "blocked",
    ) -> None:
        manager_of(interaction)
        if file is not None:
            await self._take_file(interaction, file, words)
            return
        facts = await gather(interaction)
        await show(interaction, panel("here" if facts.settings.set_up else "setup", facts))

    async def _take_file(
        self, interaction: Interaction, file: discord.Attachment, which: WordList
    ) -> None:
        """Replace a list by an uploaded one."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        data = await self.downloads.fetch_any(
            file, timeout_s=DOWNLOAD_S, limit_bytes=MAX_FILE_BYTES
        )
        try:
            typed = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError("words_file_unreadable") from None
        actor = manager_of(interaction)
        made = await interaction.client.services.servers.set_words(actor, which, parse_words(typed))
        count = len(getattr(made, which))
        await interaction.edit_original_response(
            content=text("settings.file_taken", count=count, list=text(f"settings.words_{which}"))
        )


setup = extension(
    lambda _: SettingsCog(),
    PageMenu,
    RatingMenu,
    ChannelMenu,
    TagsMenu,
    RoleMenu,
    LoraRoleMenu,
    LoraMenu,
    LoraButton,
    SettingButton,
    LanguageMenu,
    SpeedMenu,
)
