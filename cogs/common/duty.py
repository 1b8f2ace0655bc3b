"""Who may moderate, checked at every action: Discord's own check only decides who sees a command.

Permissions are those of the server, not of one channel (`cogs.common.actors.permissions_of`).
"""

from dataclasses import replace

from bot.client.client import Interaction
from bot.common.actor import Actor
from cogs.common.actors import actor_of, is_moderator, permissions_of
from cogs.common.errors import UNREACHABLE
from pipeline.errors import RefusedError


def moderator_of(interaction: Interaction) -> Actor:
    """A person who may manage messages. RefusedError `moderators_only`."""
    guild_id_of(interaction)
    if not is_moderator(interaction):
        raise RefusedError("moderators_only")
    return actor_of(interaction)


def manager_of(interaction: Interaction) -> Actor:
    """A person who may manage the server. RefusedError `managers_only`."""
    guild_id_of(interaction)
    if not permissions_of(interaction).manage_guild:
        raise RefusedError("managers_only")
    return actor_of(interaction)


async def owner_of(interaction: Interaction) -> Actor:
    """The bot's owner, for every server. RefusedError `owner_only`."""
    if not await is_owner(interaction):
        raise RefusedError("owner_only")
    return replace(actor_of(interaction), guild_id=None)


async def is_owner(interaction: Interaction) -> bool:
    """Whether OWNER_IDS or the application itself names this person (or their team)."""
    bot = interaction.client
    if interaction.user.id in bot.services.settings.owner_ids:
        return True
    try:
        return await bot.is_owner(interaction.user)
    except UNREACHABLE:  # if Discord does not say, it is nobody
        return False


def guild_id_of(interaction: Interaction) -> int:
    """The server. RefusedError `servers_only` in a direct message."""
    if interaction.guild_id is None:
        raise RefusedError("servers_only")
    return interaction.guild_id
