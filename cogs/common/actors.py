"""The person behind an interaction, as the services see them."""

import discord

from bot.common.actor import Actor


def permissions_of(interaction: discord.Interaction) -> discord.Permissions:
    """What the person may do in the server now: the interaction contains their roles.

    In the server and not in one channel, since moderation applies to all of it. None in a direct
    message.
    """
    member = interaction.user
    if interaction.guild_id is None or not isinstance(member, discord.Member):
        return discord.Permissions.none()
    return member.guild_permissions


def is_moderator(interaction: discord.Interaction) -> bool:
    """Whether the person may manage messages in the server."""
    return permissions_of(interaction).manage_messages


def actor_of(interaction: discord.Interaction) -> Actor:
    """The person behind `interaction`, with their current permissions."""
    return Actor(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        is_moderator=is_moderator(interaction),
    )
