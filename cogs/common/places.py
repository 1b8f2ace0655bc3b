"""Where an interaction comes from: place, permissions, and how to answer its user."""

import discord

from bot.client.client import Interaction
from bot.config.settings import Settings
from bot.jobs.values import Origin
from bot.library.suggestions import Asker
from bot.safety.ceiling import UNKNOWN_PLACE, Place, PlaceKind
from cogs.common.languages import answer_locale
from data.shipped.text import text
from pipeline.errors import RefusedError


def place_of(interaction: discord.Interaction) -> Place:
    """The kind of channel and its age restriction; what isn't known is `UNKNOWN`."""
    if isinstance(interaction.channel, discord.DMChannel) and interaction.guild_id is None:
        return Place(kind=PlaceKind.DM)
    return place_of_channel(interaction.channel)


def place_of_channel(channel: object) -> Place:
    """The kind of a server's channel; `UNKNOWN` for anything else."""
    match channel:
        case discord.Thread():
            # From the parent channel; one that is not cached counts as unrestricted.
            return Place(kind=PlaceKind.THREAD, age_restricted=channel.is_nsfw())
        case (
            discord.TextChannel()
            | discord.VoiceChannel()
            | discord.StageChannel()
            | discord.ForumChannel()
        ):
            return Place(kind=PlaceKind.GUILD_TEXT, age_restricted=channel.is_nsfw())
        case _:
            return UNKNOWN_PLACE


def parent_id_of(interaction: discord.Interaction) -> int | None:
    """The parent channel of a thread, whose settings apply there; None elsewhere."""
    channel = interaction.channel
    return channel.parent_id if isinstance(channel, discord.Thread) else None


def rules_channel_id(interaction: discord.Interaction) -> int:
    """The channel whose settings apply to `interaction`."""
    return parent_id_of(interaction) or interaction.channel_id or 0


def role_ids_of(interaction: discord.Interaction) -> tuple[int, ...]:
    """The user's current roles; none in direct messages."""
    member = interaction.user
    return tuple(role.id for role in member.roles) if isinstance(member, discord.Member) else ()


def missing_permissions(interaction: discord.Interaction, *, private: bool) -> tuple[str, ...]:
    """The permissions that the bot lacks here to deliver pictures, by Discord's names."""
    if interaction.guild_id is None:
        return ()
    return lacking(interaction.app_permissions, interaction.channel, private=private)


def lacking(granted: discord.Permissions, channel: object, *, private: bool) -> tuple[str, ...]:
    """The same of what is `granted` in a channel of a server."""
    needed = ["embed_links", "attach_files"]
    if not private:  # a private answer never needs the channel itself
        in_thread = isinstance(channel, discord.Thread)
        needed[:0] = [
            "view_channel",
            "send_messages_in_threads" if in_thread else "send_messages",
        ]
    return tuple(text(f"permissions.{name}") for name in needed if not getattr(granted, name))


def weight_of(interaction: discord.Interaction, settings: Settings) -> int:
    """The person's share of the queue: the largest that one of their roles here grants."""
    member = interaction.user
    if not isinstance(member, discord.Member):  # in direct messages nobody has a role
        return 1
    weights = [1]
    if member.premium_since is not None:
        weights.append(settings.booster_weight)
    if interaction.permissions.manage_messages:
        weights.append(settings.moderator_weight)
    return max(weights)


def asker_of(interaction: Interaction) -> Asker:
    """Who types, for suggestions."""
    return Asker(
        user_id=interaction.user.id,
        place=place_of(interaction),
        guild_id=interaction.guild_id,
        channel_id=rules_channel_id(interaction),
        role_ids=role_ids_of(interaction),
    )


def visible_channel_ids(interaction: discord.Interaction) -> set[int]:
    """The channels and threads of the server that the user can see, as far as the bot knows them,
    and the current one."""
    found = {interaction.channel_id or 0}
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return found
    seen = {each.id for each in guild.channels if each.permissions_for(member).view_channel}
    threads = (each for each in guild.threads if not each.is_private())
    return found | seen | {each.id for each in threads if each.parent_id in seen}


def origin_of(interaction: Interaction, *, private: bool) -> Origin:
    """Who asks, from where. RefusedError if the bot is only installed for a user."""
    refuse_user_install(interaction)
    return Origin(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        place=place_of(interaction),
        application_id=interaction.application_id,
        interaction_token=interaction.token,
        token_expires_at=interaction.expires_at.timestamp(),
        locale=answer_locale(interaction, private=private),
        missing_permissions=missing_permissions(interaction, private=private),
        weight=weight_of(interaction, interaction.client.services.settings),
        parent_id=parent_id_of(interaction),
        role_ids=role_ids_of(interaction),
    )


def refuse_user_install(interaction: discord.Interaction) -> None:
    """Raise RefusedError if only a user, and not the server, has installed the bot."""
    by_user = interaction.is_user_integration() and not interaction.is_guild_integration()
    if by_user or interaction.context.private_channel:
        raise RefusedError("user_install")
