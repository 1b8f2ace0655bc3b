"""The locale of texts that several people read. For `data.shipped.text.speaking`."""

import discord

from bot.client.client import EkakiBot, Interaction


def public_locale(interaction: Interaction) -> str:
    """The locale of an answer that everybody in the place sees."""
    return interaction.client.services.languages.public(interaction)


def answer_locale(interaction: Interaction, *, private: bool) -> str:
    """The locale of an answer to this person only, or to everybody in the place."""
    return interaction.locale.value if private else public_locale(interaction)


def guild_locale(bot: EkakiBot, guild: discord.Guild | None) -> str:
    """The locale of posts in a channel of `guild`."""
    return bot.services.languages.of(guild)
