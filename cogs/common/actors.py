"""Who presses or asks, as the services see it."""

import discord

from bot.common.actor import Actor


def permissions_of(interaction: discord.Interaction) -> discord.Permissions:
    """What the person may do in the server at this moment: the interaction brings their roles.

    In the server and not in one channel, since what moderators do holds everywhere in it. None in a
    direct message.
    """
    member = interaction.user
    if interaction.guild_id is None or not isinstance(member, discord.Member):
        return discord.Permissions.none()
    return member.guild_permissions


def is_moderator(interaction: discord.Interaction) -> bool:
    """Whether the person may manage messages in the server."""
    return permissions_of(interaction).manage_messages


def actor_of(interaction: discord.Interaction) -> Actor:
    """The person behind `interaction`, with the permissions of this moment."""
    return Actor(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        is_moderator=is_moderator(interaction),
    )
