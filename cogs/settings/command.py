"""`/settings`: a server's rules, seen and changed in one message that only its reader sees.

Who may manage the server is asked anew at every press: a role can be lost in the middle.
"""

import io
from dataclasses import replace
from typing import Any, Literal, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.moderation.words import parse_words
from cogs.common import errors
from cogs.common.answers import change, hold
from cogs.common.attachments import Downloads
from cogs.common.duty import manager_desk
from cogs.common.lasting import Button, Lasting, Select
from cogs.drawing.options import pick_rating
from cogs.settings.facts import gather
from cogs.settings.forms import (
    AMOUNTS,
    REQUESTS,
    Form,
    edited,
    limits_form,
    number_form,
    typed_limits,
    whole,
    words_form,
)
from cogs.settings.items import NOT_SET, TAGS_PAGE, Page, page_in
from cogs.settings.language import LanguageMenu
from cogs.settings.pages import panel
from data.guilds.server_settings import GuildSettings, LimitSet, WordList
from data.shipped.text import text
from pipeline.errors import InputError

Interaction = discord.Interaction[EkakiBot]

MAX_FILE_BYTES = 2**20
DOWNLOAD_S = 20.0

_AGE_RESTRICTED = frozenset({"review_channel_id", "gallery_adult_channel_id"})


class SettingsCog(commands.Cog, name="Settings"):
    """The command."""

    def __init__(self) -> None:
        self.downloads = Downloads()

    @app_commands.command(name="settings", description=text("settings.description"))
    @app_commands.describe(file=text("settings.option_file"), words=text("settings.option_words"))
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def settings(
        self,
        interaction: Interaction,
        file: discord.Attachment | None = None,
        words: Literal["blocked", "allowed"] = "blocked",
    ) -> None:
        manager_desk(interaction)
        if file is not None:
            await self._take_file(interaction, file, words)
            return
        facts = await gather(interaction)
        shown = panel("here" if facts.settings.set_up else "setup", facts)
        assert shown.view is not None
        await interaction.response.send_message(
            embeds=list(shown.embeds), view=shown.view, ephemeral=True
        )

    async def _take_file(
        self, interaction: Interaction, file: discord.Attachment, which: WordList
    ) -> None:
        """Replace a list by an uploaded one."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        data = await self.downloads.fetch_any(
            file, timeout_s=DOWNLOAD_S, limit_bytes=MAX_FILE_BYTES
        )
        try:
            typed = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError("words_file_unreadable") from None
        desk = manager_desk(interaction)
        made = await interaction.client.services.servers.set_words(desk, which, parse_words(typed))
        count = len(getattr(made, which))
        await interaction.edit_original_response(
            content=text("settings.file_taken", count=count, list=text(f"settings.words_{which}"))
        )


async def show_page(interaction: Interaction, page: Page, *, role_id: int | None = None) -> None:
    """Put a page into the message that was used."""
    shown = panel(page, await gather(interaction, role_id=role_id))
    await change(interaction, embeds=shown.embeds, view=shown.view)


class PageMenu(Lasting[Select], template="ekaki:set:page"):
    """Goes to another page."""

    async def act(self, interaction: Interaction) -> None:
        manager_desk(interaction)
        await show_page(interaction, page_in(self.item.values))


class RatingMenu(
    Lasting[Select],
    template=r"ekaki:set:rating:(?P<scope>guild|channel)_(?P<kind>ceiling|default):(?P<page>[a-z]+)",
):
    """Sets a ceiling or a default, of the server or of this channel."""

    async def act(self, interaction: Interaction) -> None:
        desk = manager_desk(interaction)
        await hold(interaction)
        facts = await gather(interaction)
        chosen = self.item.values[0]
        await interaction.client.services.servers.set_rating(
            desk,
            channel_id=None if self.match["scope"] == "guild" else facts.channel_id,
            kind=cast("Literal['ceiling', 'default']", self.match["kind"]),
            rating=None if chosen == NOT_SET else pick_rating(chosen),
        )
        await show_page(interaction, page_in([self.match["page"]]))


class ChannelMenu(
    Lasting[discord.ui.ChannelSelect[discord.ui.View]],
    template=r"ekaki:set:channels:(?P<name>[a-z_]+):(?P<page>[a-z]+)",
):
    """Sets the channels for something; none takes the setting away."""

    async def act(self, interaction: Interaction) -> None:
        desk, name = manager_desk(interaction), self.match["name"]
        chosen = frozenset(channel.id for channel in self.item.values)
        changed = chosen_channels(interaction, name, chosen)
        await hold(interaction)
        await interaction.client.services.servers.change(
            desk, lambda settings: replace(settings, **changed)
        )
        facts = await gather(interaction)
        lacking = any(forum.id in chosen and facts.lacks_tags(forum) for forum in facts.forums)
        await show_page(interaction, TAGS_PAGE if lacking else page_in([self.match["page"]]))


class TagsMenu(Lasting[Select], template=r"ekaki:set:tags:(?P<forum>\d{1,20})"):
    """Sets the tags that posts of the gallery get in one forum."""

    async def act(self, interaction: Interaction) -> None:
        desk = manager_desk(interaction)
        guild = interaction.guild
        forum = None if guild is None else guild.get_channel(int(self.match["forum"]))
        if not isinstance(forum, discord.ForumChannel):
            raise InputError("channel_gone")
        its = {tag.id for tag in forum.available_tags}
        chosen = {int(value) for value in self.item.values if value.isdecimal()} & its
        await hold(interaction)
        await interaction.client.services.servers.change(
            desk,
            lambda made: replace(made, gallery_tags=frozenset(made.gallery_tags - its | chosen)),
        )
        await show_page(interaction, "gallery")


def chosen_channels(interaction: Interaction, name: str, chosen: frozenset[int]) -> dict[str, Any]:
    """What choosing these channels changes. InputError `channel_gone`, `channel_open`."""
    guild = interaction.guild
    assert guild is not None, "a manager's desk stands in a server"
    found = [guild.get_channel(each) for each in chosen]
    if None in found:
        raise InputError("channel_gone")
    if name in {"allowed_channels", "gallery_excluded"}:
        return {name: chosen}
    if name not in GuildSettings.__dataclass_fields__:
        raise InputError("button_unknown")
    channel = found[0] if found else None
    if name in _AGE_RESTRICTED and channel is not None and not getattr(channel, "nsfw", False):
        raise InputError("channel_open")
    change: dict[str, Any] = {name: None if channel is None else channel.id}
    if name == "gallery_channel_id" and channel is not None:
        change["gallery_kind"] = "forum" if isinstance(channel, discord.ForumChannel) else "text"
    return change


class RoleMenu(Lasting[discord.ui.RoleSelect[discord.ui.View]], template="ekaki:set:role"):
    """Chooses whose limits are changed."""

    async def act(self, interaction: Interaction) -> None:
        manager_desk(interaction)
        chosen = self.item.values[0].id if self.item.values else None
        await show_page(interaction, "limits", role_id=chosen)


class SettingButton(
    Lasting[Button],
    template=r"ekaki:set:(?P<deed>go|toggle|form|file):(?P<name>[a-z_]+):(?P<role>\d{1,20})",
):
    """Everything that is one press: a yes or no, a form, a file, the end of the first run."""

    async def act(self, interaction: Interaction) -> None:
        manager_desk(interaction)
        name = self.match["name"]
        match self.match["deed"]:
            case "go":
                await _go(interaction, name)
            case "toggle":
                await _toggle(interaction, name)
            case "form":
                await _open_form(interaction, name, int(self.match["role"]))
            case _:
                await _send_file(interaction, name)


async def _go(interaction: Interaction, name: str) -> None:
    if name == "done":
        desk = manager_desk(interaction)
        await hold(interaction)
        await interaction.client.services.servers.change(
            desk, lambda settings: replace(settings, set_up=True)
        )
    pages: dict[str, Page] = {"setup": "setup", "tags": TAGS_PAGE}
    await show_page(interaction, pages.get(name, "here"))


_TOGGLED: dict[str, Page] = {
    "review": "channels",
    "gallery_self_votes": "gallery",
    "gallery_approval": "gallery",
    "gallery_web": "gallery",
}


async def _toggle(interaction: Interaction, name: str) -> None:
    if name not in _TOGGLED:
        raise InputError("button_unknown")

    def toggled(settings: GuildSettings) -> GuildSettings:
        on = not getattr(settings, name)
        if name == "review" and on and settings.review_channel_id is None:
            raise InputError("review_needs_channel")
        return replace(settings, **{name: on})

    desk = manager_desk(interaction)
    await hold(interaction)
    await interaction.client.services.servers.change(desk, toggled)
    await show_page(interaction, _TOGGLED[name])


async def _open_form(interaction: Interaction, name: str, role_id: int) -> None:
    servers, desk = interaction.client.services.servers, manager_desk(interaction)
    assert desk.guild_id is not None
    match name:
        case "blocked" | "allowed":
            form = _words_form(name, getattr(await servers.words(desk.guild_id), name))
        case "amounts" | "requests":
            made = (await servers.limits(desk.guild_id)).get(role_id, LimitSet())
            form = _limits_form(AMOUNTS if name == "amounts" else REQUESTS, made, role_id)
        case "retention" | "threshold":
            form = _number_form(name, await servers.settings(desk.guild_id))
        case _:
            raise InputError("button_unknown")
    await interaction.response.send_modal(form)


def _words_form(which: WordList, words: frozenset[str]) -> Form:
    async def save(interaction: Interaction, form: Form) -> None:
        desk, wanted = manager_desk(interaction), edited(words, form.typed["words"].value)
        await hold(interaction)
        await interaction.client.services.servers.change_words(desk, which, wanted)
        await show_page(interaction, "words")

    return words_form(which, words, save)


def _limits_form(names: tuple[str, ...], limits: LimitSet, role_id: int) -> Form:
    async def save(interaction: Interaction, form: Form) -> None:
        typed = typed_limits(form)
        desk = manager_desk(interaction)
        guild = interaction.guild
        if guild is None or guild.get_role(role_id) is None:
            raise InputError("role_gone")
        await hold(interaction)
        await interaction.client.services.servers.change_limits(
            desk, role_id=role_id, change=lambda made: replace(made, **typed)
        )
        await show_page(interaction, "limits", role_id=role_id)

    return limits_form(names, limits, save)


def _number_form(name: Literal["retention", "threshold"], settings: GuildSettings) -> Form:
    field = "retention_days" if name == "retention" else "gallery_threshold"

    async def save(interaction: Interaction, form: Form) -> None:
        number = whole(form.typed["number"].value.strip())
        if number is None:
            raise InputError("not_a_number", value="")
        desk = manager_desk(interaction)
        await hold(interaction)
        await interaction.client.services.servers.change(
            desk, lambda made: replace(made, **{field: number})
        )
        await show_page(interaction, "channels" if name == "retention" else "gallery")

    return number_form(
        text(f"settings.form_{name}"),
        text(f"settings.{name}_label"),
        getattr(settings, field),
        save,
    )


async def _send_file(interaction: Interaction, name: str) -> None:
    """A list as a file that can be changed and uploaded again."""
    if name not in {"blocked", "allowed"}:
        raise InputError("button_unknown")
    desk = manager_desk(interaction)
    assert desk.guild_id is not None
    words = await interaction.client.services.servers.words(desk.guild_id)
    content = "".join(f"{word}\n" for word in sorted(getattr(words, name)))
    file = discord.File(io.BytesIO(content.encode()), filename=f"{name}.txt")
    await interaction.response.send_message(text("settings.file_sent"), file=file, ephemeral=True)


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    bot.add_dynamic_items(
        PageMenu, RatingMenu, ChannelMenu, TagsMenu, RoleMenu, SettingButton, LanguageMenu
    )
    await bot.add_cog(SettingsCog())
