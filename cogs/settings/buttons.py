"""What the buttons of the settings panel do (`cogs.settings.items` draws them)."""

import io
from collections.abc import Iterable
from dataclasses import replace

import discord

from cogs.common.answers import hold
from cogs.common.duty import manager_desk
from cogs.common.lasting import Button, Lasting
from cogs.settings.facts import Interaction
from cogs.settings.forms import (
    Form,
    edited,
    limits_form,
    number_form,
    typed_limits,
    whole,
    words_form,
)
from cogs.settings.items import TAGS_PAGE, PanelPage, setting_called
from cogs.settings.pages import show_page
from data.guilds.server_settings import GuildSettings, LimitSet, Setting, WordList, settings_by
from data.shipped.text import text
from pipeline.errors import InputError


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
    pages: dict[str, PanelPage] = {"setup": "setup", "tags": TAGS_PAGE}
    await show_page(interaction, pages.get(name, "here"))


async def _toggle(interaction: Interaction, name: str) -> None:
    row = setting_called(name, "switch")

    def toggled(settings: GuildSettings) -> GuildSettings:
        on = not getattr(settings, row.name)
        if row.name == "review" and on and settings.review_channel_id is None:
            raise InputError("review_needs_channel")
        return replace(settings, **{row.name: on})

    desk = manager_desk(interaction)
    await hold(interaction)
    await interaction.client.services.servers.change(desk, toggled)
    await show_page(interaction, row.page)


async def _open_form(interaction: Interaction, name: str, role_id: int) -> None:
    servers, desk = interaction.client.services.servers, manager_desk(interaction)
    assert desk.guild_id is not None
    match name:
        case "blocked" | "allowed":
            form = _words_form(name, getattr(await servers.words(desk.guild_id), name))
        case "amounts" | "requests":
            made = (await servers.limits(desk.guild_id)).get(role_id, LimitSet())
            rows = [row for row in settings_by("limit") if row.form == name]
            form = _limits_form(rows, made, role_id)
        case _:
            row = setting_called(name, "number")
            form = _number_form(row, await servers.settings(desk.guild_id))
    await interaction.response.send_modal(form)


def _words_form(which: WordList, words: frozenset[str]) -> Form:
    async def save(interaction: Interaction, form: Form) -> None:
        desk, wanted = manager_desk(interaction), edited(words, form.typed["words"].value)
        await hold(interaction)
        await interaction.client.services.servers.change_words(desk, which, wanted)
        await show_page(interaction, "words")

    return words_form(which, words, save)


def _limits_form(rows: Iterable[Setting], limits: LimitSet, role_id: int) -> Form:
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

    return limits_form(rows, limits, save)


def _number_form(row: Setting, settings: GuildSettings) -> Form:
    async def save(interaction: Interaction, form: Form) -> None:
        number = whole(form.typed["number"].value.strip())
        if number is None:
            raise InputError("not_a_number", value="")
        desk = manager_desk(interaction)
        await hold(interaction)
        await interaction.client.services.servers.change(
            desk, lambda made: replace(made, **{row.name: number})
        )
        await show_page(interaction, row.page)

    return number_form(row, getattr(settings, row.name), save)


async def _send_file(interaction: Interaction, name: str) -> None:
    """A list as a file that can be changed and uploaded again."""
    row = setting_called(name, "words")
    desk = manager_desk(interaction)
    assert desk.guild_id is not None
    words = await interaction.client.services.servers.words(desk.guild_id)
    content = "".join(f"{word}\n" for word in sorted(getattr(words, row.name)))
    file = discord.File(io.BytesIO(content.encode()), filename=f"{name}.txt")
    await interaction.response.send_message(text("settings.file_sent"), file=file, ephemeral=True)
