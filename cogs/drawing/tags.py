"""`/tags`: what tags mean, what goes with them, and a prompt put together from them.

The prompt so far is in the message itself, so that its menu and buttons work after a restart.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import quote

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot
from cogs.common.answers import begin, change, hold, say
from cogs.common.choices import as_choices
from cogs.common.extension import extension
from cogs.common.lasting import Button, Lasting, Select
from cogs.common.places import asker_of, refuse_user_install, visible_channel_ids
from cogs.common.words import code_block, cut, quoted
from cogs.drawing.prompt_form import PromptModal
from cogs.drawing.submission import submit
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError
from pipeline.prompt.names import escape_name
from pipeline.request import GenerationRequest
from pipeline.tag_category import TagCategory
from pipeline.tags.tag import Tag, short_count

Interaction: TypeAlias = discord.Interaction[EkakiBot]

MAX_TYPED: Final = 1000  # characters of the option, enough to look up many tags
MAX_TOLD: Final = 5  # tags, the last ones: more would bury the menu
_MAX_ALIASES: Final = 5
_WIKI: Final = "https://danbooru.donmai.us/wiki_pages/"


class TagsCog(commands.Cog, name="Tags"):
    """Looks up tags."""

    @app_commands.command(name="tags", description=text("tags.description"))
    @app_commands.describe(tags=text("tags.option_tags"))
    async def tags(
        self, interaction: Interaction, tags: app_commands.Range[str, 1, MAX_TYPED]
    ) -> None:
        refuse_user_install(interaction)
        await begin(interaction)
        meant = interaction.client.services.suggestions.meant(tags, user_id=interaction.user.id)
        embed, view = await _shown(interaction, meant.strip(" ,"))
        await say(interaction, embeds=[embed], view=view)

    @tags.autocomplete("tags")
    async def suggest(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        suggestions = interaction.client.services.suggestions
        return as_choices(await suggestions.prompt(typed, asker_of(interaction), beyond="form"))


class AddMenu(Lasting[Select], template="ekaki:tags:add"):
    """Adds what is chosen to the prompt."""

    async def act(self, interaction: Interaction) -> None:
        await hold(interaction)
        added = [_prompt_of(interaction), *map(escape_name, self.item.values)]
        embed, view = await _shown(interaction, ", ".join(filter(None, added)))
        await change(interaction, embeds=[embed], view=view)


class DrawButton(Lasting[Button], template="ekaki:tags:draw"):
    """Draws the prompt as it is."""

    async def act(self, interaction: Interaction) -> None:
        await submit(interaction, GenerationRequest(prompt=_prompt_of(interaction)))


class FormButton(Lasting[Button], template="ekaki:tags:form"):
    """Opens the form with the prompt in it."""

    async def act(self, interaction: Interaction) -> None:
        request = GenerationRequest(prompt=_prompt_of(interaction))
        await interaction.response.send_modal(PromptModal(request, submit))


def _prompt_of(interaction: Interaction) -> str:
    """The prompt in the message that was used."""
    embeds = [] if interaction.message is None else interaction.message.embeds
    shown = embeds[0].description or "" if embeds else ""
    return shown.removeprefix("```\n").removesuffix("\n```").strip()


async def _shown(interaction: Interaction, prompt: str) -> tuple[discord.Embed, discord.ui.View]:
    """The message about `prompt`. InputError if it is too long."""
    if len(prompt) > MAX_PROMPT_CHARACTERS - 10:
        limit = MAX_PROMPT_CHARACTERS - 10
        raise InputError("prompt_too_long", length=len(prompt), limit=limit)
    related, asker = interaction.client.services.related, asker_of(interaction)
    found = await related.to(prompt, asker, visible_channel_ids(interaction))
    named = dict(list(related.named(prompt).items())[-MAX_TOLD:])
    near = {typed: await related.near(typed, asker) for typed, tag in named.items() if tag is None}
    embed = discord.Embed(title=text("tags.title"), description=code_block(prompt))
    if named:
        embed.add_field(name=text("tags.meanings"), value=_meanings(named, near), inline=False)
    if not found:
        embed.set_footer(text=text("tags.none"))
    return embed, _view(found)


def _meanings(named: Mapping[str, Tag | None], near: Mapping[str, Sequence[str]]) -> str:
    """A line for each tag."""
    lines = [
        _unknown(typed, near[typed]) if tag is None else _line(tag) for typed, tag in named.items()
    ]
    while len("\n".join(lines)) > 1024:  # characters of a field, Discord
        lines.pop(0)
    return "\n".join(lines)


def _line(tag: Tag) -> str:
    """The name, how often it is drawn, its other names, and where it is explained."""
    parts = [f"**{quoted(tag.name, 60)}**"]
    if tag.count:
        parts.append(_count(tag))
    if tag.aliases:
        names = ", ".join(quoted(each, 30) for each in tag.aliases[:_MAX_ALIASES])
        parts.append(text("tags.aliases", names=names))
    if tag.category is not TagCategory.META:  # the model's own words mean nothing there
        parts.append(f"[{text('tags.wiki')}]({_WIKI}{quote(tag.danbooru_name, safe='')})")
    return " · ".join(parts)


def _count(tag: Tag) -> str:
    return text("tags.count", number=short_count(tag.count)) if tag.count else ""


def _unknown(typed: str, near: Sequence[str]) -> str:
    shown = quoted(typed, 60)
    if not near:
        return text("tags.unknown", typed=shown)
    return text("tags.unknown_near", typed=shown, near=", ".join(quoted(each, 40) for each in near))


def _view(found: Sequence[Tag]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    if found:
        options = [
            discord.SelectOption(
                label=cut(tag.name, 100),
                value=tag.name,
                description=text("tags.count", number=short_count(tag.count))
                if tag.count
                else None,
            )
            for tag in found
            if len(tag.name) <= 100
        ]
        view.add_item(
            discord.ui.Select(
                custom_id="ekaki:tags:add",
                placeholder=text("tags.add"),
                max_values=len(options),
                options=options,
            )
        )
    view.add_item(
        discord.ui.Button(
            label=text("tags.draw"),
            style=discord.ButtonStyle.primary,
            custom_id="ekaki:tags:draw",
        )
    )
    view.add_item(discord.ui.Button(label=text("tags.form"), custom_id="ekaki:tags:form"))
    view.stop()  # presses are found by their `custom_id`: discord.py need not remember the view
    return view


setup = extension(lambda _: TagsCog(), AddMenu, DrawButton, FormButton)
