"""Who may moderate, asked anew at every deed: Discord's own check is only about who sees a command.

Permissions are those of the server, not of one channel (`cogs.common.actors.permissions_of`).
"""

import discord

from bot.client.client import EkakiBot
from bot.guilds.moderators import Desk
from cogs.common.actors import is_moderator, permissions_of
from cogs.common.errors import UNREACHABLE
from pipeline.errors import RefusedError

Interaction = discord.Interaction[EkakiBot]


def moderator_desk(interaction: Interaction) -> Desk:
    """The desk of somebody who may manage messages. RefusedError `moderators_only`."""
    guild_id_of(interaction)
    if not is_moderator(interaction):
        raise RefusedError("moderators_only")
    return _desk(interaction)


def manager_desk(interaction: Interaction) -> Desk:
    """The desk of somebody who may manage the server. RefusedError `managers_only`."""
    guild_id_of(interaction)
    if not permissions_of(interaction).manage_guild:
        raise RefusedError("managers_only")
    return _desk(interaction)


async def owner_desk(interaction: Interaction) -> Desk:
    """The desk of the bot's owner, for everywhere. RefusedError `owner_only`."""
    if not await is_owner(interaction):
        raise RefusedError("owner_only")
    return Desk(actor_id=interaction.user.id, guild_id=None, channel_id=interaction.channel_id)


async def is_owner(interaction: Interaction) -> bool:
    """Whether OWNER_IDS or the application itself names this person (or their team)."""
    bot = interaction.client
    if interaction.user.id in bot.services.settings.owner_ids:
        return True
    try:
        return await bot.is_owner(interaction.user)
    except UNREACHABLE:  # Discord does not say: then it is nobody
        return False


def guild_id_of(interaction: Interaction) -> int:
    """The server. RefusedError `servers_only` in a direct message."""
    if interaction.guild_id is None:
        raise RefusedError("servers_only")
    return interaction.guild_id


def _desk(interaction: Interaction) -> Desk:
    return Desk(
        actor_id=interaction.user.id,
        guild_id=guild_id_of(interaction),
        channel_id=interaction.channel_id,
    )
