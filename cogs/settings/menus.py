"""The actions of the settings panel's menus (`cogs.settings.items` shows them)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

import discord

from bot.client.client import Interaction
from cogs.common.answers import hold
from cogs.common.duty import manager_of
from cogs.common.lasting import Lasting, Select
from cogs.drawing.options import pick
from cogs.settings.facts import gather
from cogs.settings.items import LANGUAGE_ID, NOT_SET, SPEED_ID, TAGS_PAGE, page_in, setting_called
from cogs.settings.pages import set_values, show_page
from data.guilds.server_settings import GuildSettings, Setting
from data.shipped.text import languages
from pipeline.card import Speed
from pipeline.errors import InputError
from pipeline.rating import Rating


class PageMenu(Lasting[Select], template="ekaki:set:page"):
    """Goes to another page."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        await show_page(interaction, page_in(self.item.values))


class RatingMenu(
    Lasting[Select],
    template=r"ekaki:set:rating:(?P<scope>guild|channel)_(?P<kind>ceiling|default):(?P<page>[a-z]+)",
):
    """Sets a ceiling or a default, of the server or of this channel."""

    async def act(self, interaction: Interaction) -> None:
        actor = manager_of(interaction)
        await hold(interaction)
        facts = await gather(interaction)
        chosen = self.item.values[0]
        await interaction.client.services.servers.set_rating(
            actor,
            channel_id=None if self.match["scope"] == "guild" else facts.channel_id,
            kind=cast("Literal['ceiling', 'default']", self.match["kind"]),
            rating=None if chosen == NOT_SET else pick(Rating, chosen),
        )
        await show_page(interaction, page_in([self.match["page"]]))


class ChannelMenu(
    Lasting[discord.ui.ChannelSelect[discord.ui.View]],
    template=r"ekaki:set:(?P<action>channels?):(?P<name>[a-z_]+):(?P<page>[a-z]+)",
):
    """Sets the channels of a setting; choosing one again removes it.

    Menus of earlier versions (`channels`) show the current channels as chosen, and send all that
    remain.
    """

    async def act(self, interaction: Interaction) -> None:
        actor = manager_of(interaction)
        row = setting_called(self.match["name"], "channel", "channels")
        chosen = frozenset(channel.id for channel in self.item.values)
        changed = chosen_channels(interaction, row, chosen)
        taken = changed if self.match["action"] == "channels" else None

        def change(made: GuildSettings) -> GuildSettings:
            return replace(made, **(taken or toggled(made, row, changed)))

        await hold(interaction)
        await interaction.client.services.servers.change(actor, change)
        facts = await gather(interaction)
        lacking = any(forum.id in chosen and facts.lacks_tags(forum) for forum in facts.forums)
        await show_page(interaction, TAGS_PAGE if lacking else page_in([self.match["page"]]))


def toggled(made: GuildSettings, row: Setting, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The current channels plus `chosen`, without those that were already set."""
    old, new = getattr(made, row.name), chosen[row.name]
    if row.control == "channels":
        return {row.name: old ^ new}
    return {row.name: None} if old == new else dict(chosen)


def chosen_channels(
    interaction: Interaction, row: Setting, chosen: frozenset[int]
) -> dict[str, Any]:
    """The change for choosing these channels. InputError `channel_gone`, `channel_open`."""
    guild = interaction.guild
    assert guild is not None, "a manager's actor stands in a server"
    found = [guild.get_channel(each) for each in chosen]
    if None in found:
        raise InputError("channel_gone")
    if row.control == "channels":
        return {row.name: chosen}
    channel = found[0] if found else None
    if row.age_restricted and channel is not None and not getattr(channel, "nsfw", False):
        raise InputError("channel_open")
    change: dict[str, Any] = {row.name: None if channel is None else channel.id}
    if row.name == "gallery_channel_id" and channel is not None:
        change["gallery_kind"] = "forum" if isinstance(channel, discord.ForumChannel) else "text"
    return change


class TagsMenu(Lasting[Select], template=r"ekaki:set:tags:(?P<forum>\d{1,20})"):
    """Sets the tags that posts of the gallery get in one forum."""

    async def act(self, interaction: Interaction) -> None:
        actor = manager_of(interaction)
        guild = interaction.guild
        forum = None if guild is None else guild.get_channel(int(self.match["forum"]))
        if not isinstance(forum, discord.ForumChannel):
            raise InputError("channel_gone")
        its = {tag.id for tag in forum.available_tags}
        chosen = {int(value) for value in self.item.values if value.isdecimal()} & its
        await hold(interaction)
        await interaction.client.services.servers.change(
            actor,
            lambda made: replace(made, gallery_tags=frozenset(made.gallery_tags - its | chosen)),
        )
        await show_page(interaction, "gallery")


class RoleMenu(
    Lasting[discord.ui.RoleSelect[discord.ui.View]],
    template=r"ekaki:set:role(:(?P<shown>\d{1,20}))?",
):
    """Chooses whose limits are changed; choosing the shown role returns to everyone's."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        chosen = self.item.values[0].id if self.item.values else None
        again = str(chosen) == self.match["shown"]
        await show_page(interaction, "limits", role_id=None if again else chosen)


class LanguageMenu(Lasting[Select], template=re.escape(LANGUAGE_ID)):
    """Sets the language, or leaves it to Discord."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        await set_values(interaction, "here", language=_chosen(self.item.values[0]))


class SpeedMenu(Lasting[Select], template=re.escape(SPEED_ID)):
    """Sets the speed of requests that say none."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        chosen = self.item.values[0]
        speed = None if chosen == NOT_SET else pick(Speed, chosen)
        await set_values(interaction, "here", default_speed=speed)


def _chosen(value: str) -> str | None:
    """The language called `value`; InputError: Discord restricts nothing that a client sends."""
    if value == NOT_SET:
        return None
    if value not in languages():
        raise InputError("option_invalid", value=value)
    return value
