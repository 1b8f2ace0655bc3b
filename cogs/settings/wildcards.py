"""`/wildcard`: the lists of words for `__name__` in prompts, and a server's own ones.

Everybody sees them; moderators change those of their server.
"""

from collections.abc import Mapping
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.guilds.wildcards import MAX_NAME, key_of
from cogs.common.answers import begin, say
from cogs.common.attachments import Downloads
from cogs.common.duty import moderator_of
from cogs.common.errors import answer_error
from cogs.common.extension import extension
from cogs.common.forms import give_back
from cogs.common.words import code_block, cut, quoted
from cogs.settings.forms import Form, add_lines
from data.shipped.text import text
from pipeline.errors import EkakiError, InputError
from pipeline.tags.labels import meant

MAX_FILE_BYTES: Final = 256 * 2**10
_DOWNLOAD_S: Final = 20.0
_MAX_LIST: Final = 3900  # characters; an embed's description has 4096
_MAX_LINE: Final = 90
_MAX_CHOICES: Final = 25

Name = app_commands.Range[str, 1, MAX_NAME]


async def suggest_names(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The lists that can be used here and have `typed` in their names."""
    names = await interaction.client.services.wildcards.names(interaction.guild_id)
    return _choices(names, typed)


async def suggest_own(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The server's own ones."""
    own = await interaction.client.services.wildcards.own(interaction.guild_id)
    return _choices(list(own), typed)


def _choices(names: list[str], typed: str) -> list[app_commands.Choice[str]]:
    wanted = key_of(typed)
    found = [name for name in names if wanted in name][:_MAX_CHOICES]
    return [app_commands.Choice(name=name, value=name) for name in found]


class WildcardsCog(
    commands.GroupCog, group_name="wildcard", group_description=text("wildcards.description")
):
    """Lists of words."""

    def __init__(self) -> None:
        super().__init__()
        self.downloads = Downloads()

    @app_commands.command(name="list", description=text("wildcards.list"))
    async def list_them(self, interaction: Interaction) -> None:
        wildcards = interaction.client.services.wildcards
        own = await wildcards.own(interaction.guild_id)
        await say(interaction, embeds=[_list_embed(own, wildcards.shipped)])

    @app_commands.command(name="show", description=text("wildcards.show"))
    @app_commands.describe(name=text("wildcards.option_name"))
    async def show(self, interaction: Interaction, name: Name) -> None:
        wildcards = interaction.client.services.wildcards
        key, entries = await wildcards.get(interaction.guild_id, meant(name))
        await say(interaction, embeds=[_entries_embed(key, entries)])

    @app_commands.command(name="set", description=text("wildcards.set"))
    @app_commands.describe(name=text("wildcards.option_new"))
    async def set_list(self, interaction: Interaction, name: Name) -> None:
        moderator_of(interaction)
        own = await interaction.client.services.wildcards.own(interaction.guild_id)
        entries = own.get(key_of(meant(name)), ())
        await interaction.response.send_modal(_form(meant(name), entries))

    @app_commands.command(name="import", description=text("wildcards.import"))
    @app_commands.describe(
        file=text("wildcards.option_file"), name=text("wildcards.option_file_name")
    )
    async def import_file(
        self, interaction: Interaction, file: discord.Attachment, name: Name | None = None
    ) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        content = await self.downloads.fetch_any(
            file, timeout_s=_DOWNLOAD_S, limit_bytes=MAX_FILE_BYTES
        )
        try:
            typed = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError("wildcard_file") from error
        wanted = file.filename.rpartition(".")[0] if name is None else meant(name)
        wildcards = interaction.client.services.wildcards
        key, entries = await wildcards.put(actor, wanted, typed)
        await say(interaction, text("wildcards.saved", name=key, count=len(entries)))

    @app_commands.command(name="delete", description=text("wildcards.delete"))
    @app_commands.describe(name=text("wildcards.option_own"))
    async def delete(self, interaction: Interaction, name: Name) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        key = await interaction.client.services.wildcards.remove(actor, meant(name))
        await say(interaction, text("wildcards.deleted", name=key))

    show.autocomplete("name")(suggest_names)
    set_list.autocomplete("name")(suggest_own)
    delete.autocomplete("name")(suggest_own)


def _form(name: str, entries: tuple[str, ...]) -> Form:
    """A list, an entry a line. InputError `words_too_long`: only a file holds so many."""

    async def save(interaction: Interaction, form: Form) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        wildcards, typed = interaction.client.services.wildcards, form.typed["entries"].value
        try:
            key, made = await wildcards.put(actor, name, typed)
        except EkakiError as error:
            await answer_error(interaction, error)
            await give_back(interaction, {"entries": typed})
            return
        await say(interaction, text("wildcards.saved", name=key, count=len(made)))

    form = Form(cut(text("wildcards.form", name=key_of(name)), 45), save)
    add_lines(form, "entries", text("wildcards.label"), entries)
    return form


def _list_embed(
    own: Mapping[str, tuple[str, ...]], shipped: Mapping[str, tuple[str, ...]]
) -> discord.Embed:
    """All lists, the server's first, a line each."""
    ours = {key: entries for key, entries in shipped.items() if key not in own}
    lines = [_line(key, entries) for key, entries in own.items()]
    if lines:
        lines.append("")
    lines += [_line(key, entries) for key, entries in ours.items()]
    if len("\n".join(lines)) > _MAX_LIST:  # names alone always fit
        lines = [f"`__{key}__`" for key in (*own, *ours)]
    embed = discord.Embed(title=text("wildcards.title"), description="\n".join(lines))
    embed.set_footer(text=text("wildcards.use", one="{red|blue}", two="{2$$a|b|c}"))
    return embed


def _line(key: str, entries: tuple[str, ...]) -> str:
    shown = quoted(", ".join(entries[:6]), _MAX_LINE)
    return f"`__{key}__` {text('wildcards.count', count=len(entries))} · {shown}"


def _entries_embed(key: str, entries: tuple[str, ...]) -> discord.Embed:
    shown = code_block("\n".join(entries))
    if len(shown) > _MAX_LIST:
        shown = code_block(cut("\n".join(entries), _MAX_LIST - 20))
    return discord.Embed(
        title=f"__{key}__ · {text('wildcards.count', count=len(entries))}".replace("_", "\\_"),
        description=shown,
    )


setup = extension(lambda _: WildcardsCog())
