"""Forms that tell whoever sent them what went wrong."""

import discord

from bot.client import EkakiBot
from cogs.errors import answer_error


class Form(discord.ui.Modal):
    """A form of ours."""

    async def on_error(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot], error: Exception, /
    ) -> None:
        await answer_error(interaction, error)
