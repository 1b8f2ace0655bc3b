"""The actions of the settings panel's buttons (`cogs.settings.items` shows them)."""

import io
from dataclasses import replace

import discord

from bot.client.client import Interaction
from cogs.common.answers import hold
from cogs.common.duty import manager_of
from cogs.common.lasting import Button, Lasting
from cogs.settings.forms import limits_form, number_form, text_form, words_form
from cogs.settings.items import TAGS_PAGE, PanelPage, setting_called
from cogs.settings.pages import set_values, show_page
from data.guilds.server_settings import GuildSettings, LimitSet, settings_by
from data.shipped.text import text
from pipeline.errors import InputError


class SettingButton(
    Lasting[Button],
    template=r"ekaki:set:(?P<action>go|toggle|form|file):(?P<name>[a-z_]+):(?P<role>\d{1,20})",
):
    """Everything that takes one press: a switch, a form, a file, the end of the first setup."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        name = self.match["name"]
        match self.match["action"]:
            case "go":
                await _go(interaction, name)
            case "toggle":
                await _toggle(interaction, name)
            case "form":
                await _open_form(interaction, name, int(self.match["role"]))
            case _:
                await _send_file(interaction, name)


async def _go(interaction: Interaction, name: str) -> None:
    pages: dict[str, PanelPage] = {"setup": "setup", "tags": TAGS_PAGE}
    if name == "done":
        await set_values(interaction, "here", set_up=True)
    else:
        await show_page(interaction, pages.get(name, "here"))


async def _toggle(interaction: Interaction, name: str) -> None:
    row = setting_called(name, "switch")

    def toggled(settings: GuildSettings) -> GuildSettings:
        on = not getattr(settings, row.name)
        if row.name == "review" and on and settings.review_channel_id is None:
            raise InputError("review_needs_channel")
        return replace(settings, **{row.name: on})

    actor = manager_of(interaction)
    await hold(interaction)
    await interaction.client.services.servers.change(actor, toggled)
    await show_page(interaction, row.page)


async def _open_form(interaction: Interaction, name: str, role_id: int) -> None:
    servers, actor = interaction.client.services.servers, manager_of(interaction)
    assert actor.guild_id is not None
    match name:
        case "blocked" | "allowed":
            form = words_form(name, getattr(await servers.words(actor.guild_id), name))
        case "amounts" | "requests":
            made = (await servers.limits(actor.guild_id)).get(role_id, LimitSet())
            rows = [row for row in settings_by("limit") if row.form == name]
            form = limits_form(rows, made, servers.bounds.limits, role_id)
        case _:
            row = setting_called(name, "number", "text")
            make = number_form if row.control == "number" else text_form
            form = make(row, await servers.settings(actor.guild_id))
    await interaction.response.send_modal(form)


async def _send_file(interaction: Interaction, name: str) -> None:
    """A list as a file that can be changed and uploaded again."""
    row = setting_called(name, "words")
    actor = manager_of(interaction)
    assert actor.guild_id is not None
    words = await interaction.client.services.servers.words(actor.guild_id)
    content = "".join(f"{word}\n" for word in sorted(getattr(words, row.name)))
    file = discord.File(io.BytesIO(content.encode()), filename=f"{name}.txt")
    await interaction.response.send_message(text("settings.file_sent"), file=file, ephemeral=True)
