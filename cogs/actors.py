"""Who presses or asks, as the services see it."""

import discord

from bot.results import Actor


def actor_of(interaction: discord.Interaction) -> Actor:
    """The person behind `interaction`, with the permissions of this moment and place."""
    in_guild = interaction.guild_id is not None
    return Actor(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        is_moderator=in_guild and interaction.permissions.manage_messages,
    )
