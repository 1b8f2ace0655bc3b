"""The data for the settings panel: a server's settings, read for one of its channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.client.client import Interaction
from bot.loras.library import LoraEntry
from bot.safety.ceiling import Ceiling
from cogs.common.duty import guild_id_of
from cogs.common.places import asker_of, place_of, rules_channel_id
from data.guilds.guild_loras import Allowed
from data.guilds.outbox import OutboxItem
from data.guilds.server_settings import (
    GuildSettings,
    LimitSet,
    PlaceRatings,
    Setting,
    Words,
    settings_by,
)
from data.shipped.text import text
from pipeline.card import Speed
from pipeline.errors import RefusedError

POSTING: Final = ("view_channel", "send_messages", "embed_links", "attach_files")
KEEPING: Final = (*POSTING, "read_message_history")
"""Where the bot searches its own messages: galleries, log and review."""
SHOWN_PARKED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a page of the panel may show. `missing`: by channel, the permissions that the
    bot lacks to post. `parked`: the first items that Discord rejects. `role_id`: whose limits or
    LoRAs are shown; the server's id: everyone's. `loras`: which ones are allowed, by role;
    `library`: which ones there are. `bounds`: the operator's limits. `speeds`: those
    that can be drawn here."""

    guild: discord.Guild
    channel_id: int
    role_id: int
    settings: GuildSettings
    ratings: PlaceRatings
    ceiling: Ceiling
    words: Words
    limits: Mapping[int, LimitSet]
    loras: Mapping[int, Allowed]
    library: Sequence[LoraEntry]
    bounds: LimitSet
    speeds: Sequence[Speed]
    missing: Mapping[int, tuple[str, ...]]
    parked: Sequence[OutboxItem] = ()

    def value(self, row: Setting) -> Any:
        """The value of a setting. Limits have a value per role instead."""
        held = {"rating": self.ratings, "words": self.words}
        return getattr(held.get(row.control, self.settings), row.name)

    @property
    def forums(self) -> list[discord.ForumChannel]:
        """The gallery's channels that are forums with tags to choose from."""
        ids = (self.settings.gallery_channel_id, self.settings.gallery_adult_channel_id)
        found = [self.guild.get_channel(each) for each in ids if each is not None]
        return [
            each for each in found if isinstance(each, discord.ForumChannel) and self.tags_of(each)
        ]

    def tags_of(self, forum: discord.ForumChannel) -> list[discord.ForumTag]:
        """The tags that the bot may set: some are reserved for those who manage threads."""
        manages = forum.permissions_for(self.guild.me).manage_threads
        return [tag for tag in forum.available_tags if manages or not tag.moderated]

    def lacks_tags(self, forum: discord.ForumChannel) -> bool:
        """Whether the forum rejects posts with the chosen tags."""
        given = {tag.id for tag in self.tags_of(forum)} & self.settings.gallery_tags
        return forum.flags.require_tag and not given

    def mention(self, channel_id: int | None) -> str:
        """A channel by name, even if it was deleted."""
        if channel_id is None:
            return text("settings.none")
        if self.guild.get_channel_or_thread(channel_id) is None:
            return text("settings.deleted_channel", id=channel_id)
        return f"<#{channel_id}>"

    def channel_name(self, channel_id: int) -> str:
        """A channel where a mention would show a number, even if it was deleted."""
        channel = self.guild.get_channel_or_thread(channel_id)
        if channel is None:
            return text("settings.deleted_channel", id=channel_id)
        return f"#{channel.name}"

    @property
    def role_name(self) -> str:
        """The role whose limits are shown."""
        role = self.guild.get_role(self.role_id)
        if role is None or role.is_default():
            return "@everyone"
        return f"@{role.name}"


async def gather(interaction: Interaction, *, role_id: int | None = None) -> Facts:
    """The facts for the channel of `interaction`. RefusedError outside a server."""
    guild_id, guild = guild_id_of(interaction), interaction.guild
    if guild is None or guild.me is None:  # pyright: ignore[reportUnnecessaryComparison] - while Discord has not told us of it
        raise RefusedError("servers_only")
    services, channel_id = interaction.client.services, rules_channel_id(interaction)
    ceiling, ratings = await services.jobs.ceiling(
        place=place_of(interaction), guild_id=guild_id, channel_id=channel_id
    )
    settings = await services.servers.settings(guild_id)
    return Facts(
        guild=guild,
        channel_id=channel_id,
        role_id=role_id or guild_id,
        settings=settings,
        ratings=ratings,
        ceiling=ceiling,
        words=await services.servers.words(guild_id),
        limits=await services.servers.limits(guild_id),
        loras=await services.servers.loras(guild_id),
        library=services.loras.entries(),
        bounds=services.servers.bounds.limits,
        speeds=await services.lora_choices.speeds(asker_of(interaction)),
        missing=missing_in(guild, settings, channel_id),
        parked=await services.outbox.parked(guild_id=guild_id, limit=SHOWN_PARKED),
    )


def missing_in(
    guild: discord.Guild, settings: GuildSettings, channel_id: int
) -> dict[int, tuple[str, ...]]:
    """The permissions that the bot lacks in this channel and in those that are set."""
    posted = (getattr(settings, row.name) for row in settings_by("channel"))
    wanted = dict.fromkeys((*settings.allowed_channels, channel_id), POSTING)
    wanted |= {each: KEEPING for each in posted if each is not None}
    found: dict[int, tuple[str, ...]] = {}
    for each, names in sorted(wanted.items()):
        channel = guild.get_channel(each)
        if channel is not None:  # a deleted one is shown as such
            granted = channel.permissions_for(guild.me)
            lacking = tuple(name for name in names if not getattr(granted, name))
            if lacking:
                found[each] = lacking
    return found
