"""`/preset`: settings saved under a name and used with `/imagine saved:`."""

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.library.people import MAX_PRESET_NAME
from cogs.common.answers import begin, say
from cogs.common.choices import as_choices
from cogs.common.extension import extension
from cogs.common.places import asker_of
from cogs.common.words import quoted, short
from cogs.drawing.options import takes, wanted
from cogs.pictures.own_jobs import own_jobs
from cogs.pictures.showing import visible
from data.people.presets import Preset
from data.shipped.text import text
from pipeline.errors import InputError
from pipeline.options import Option, written
from pipeline.prompt.assemble import typed_text
from pipeline.request import OPTIONS, GenerationRequest
from pipeline.tags.labels import meant

Name = app_commands.Range[str, 1, MAX_PRESET_NAME]

_ASKED = [
    each
    # the other fields of a picture's prompt are stored, but `prompt` contains them
    for each in OPTIONS
    if each.in_preset and each.field not in {"character", "series", "tags"}
]
_EMBED_LIMIT = 4000  # characters of the list; Discord takes 4096


async def own_presets(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The person's presets whose name has `typed` in it."""
    return [
        app_commands.Choice(name=name, value=name) for name in await _names(interaction, typed)
    ][:25]


async def several_presets(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The same for the last of several names with commas between them."""
    before, comma, last = typed.rpartition(",")
    there = {each.strip().casefold() for each in before.split(",")}
    names = [name for name in await _names(interaction, last) if name.casefold() not in there]
    made = [f"{before}{comma} {name}" if comma else name for name in names]
    return [
        app_commands.Choice(name=each, value=each) for each in made if len(each) <= MAX_PRESET_NAME
    ][:25]


async def _names(interaction: Interaction, typed: str) -> list[str]:
    presets = await interaction.client.services.people.presets(interaction.user.id)
    wanted = typed.strip().casefold()
    return [preset.name for preset in presets if wanted in preset.name.casefold()]


async def own_speeds(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The speeds that can be drawn here."""
    found = await interaction.client.services.lora_choices.speeds(asker_of(interaction))
    wanted = typed.strip().casefold()
    return [app_commands.Choice(name=each, value=each) for each in found if wanted in each]


class Presets(commands.GroupCog, group_name="preset", group_description=text("preset.description")):
    """Saving, listing, deleting."""

    @app_commands.command(name="save", description=text("preset.save"))
    @app_commands.describe(
        name=text("preset.option_name"),
        job_id=text("preset.option_id"),
    )
    @app_commands.rename(job_id="id")
    @takes(_ASKED)
    async def save(
        self, interaction: Interaction, name: Name, job_id: str | None = None, **said: Any
    ) -> None:
        await begin(interaction)
        base = GenerationRequest()
        if job_id is not None:
            job, _ = await visible(interaction, job_id)
            base = job.request.original
        if said.get("lora"):  # clients may send a suggestion's name
            said["lora"] = meant(said["lora"])
        request = replace(base, **wanted(said))
        check_says_something(request)
        people = interaction.client.services.people
        saved = await people.save_preset(interaction.user.id, name, request)
        await say(interaction, embeds=[_saved_embed(saved)])

    @app_commands.command(name="list", description=text("preset.list"))
    async def list_presets(self, interaction: Interaction) -> None:
        presets = await interaction.client.services.people.presets(interaction.user.id)
        await say(interaction, embeds=[list_embed(presets)])

    @app_commands.command(name="delete", description=text("preset.delete"))
    @app_commands.describe(name=text("preset.option_name_delete"))
    async def delete(self, interaction: Interaction, name: Name) -> None:
        await begin(interaction)
        await interaction.client.services.people.delete_preset(interaction.user.id, name)
        await say(interaction, text("preset.deleted", name=quoted(name, MAX_PRESET_NAME)))

    delete.autocomplete("name")(own_presets)

    save.autocomplete("name")(own_presets)

    @save.autocomplete("lora")
    async def suggest_loras(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_loras(interaction, typed)

    save.autocomplete("job_id")(own_jobs)

    save.autocomplete("speed")(own_speeds)

    @save.autocomplete("aspect")
    async def suggest_aspects(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        found = interaction.client.services.suggestions.aspects(typed)
        return [app_commands.Choice(name=each.name, value=each.value) for each in found]


async def own_loras(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The LoRAs that the person may use here, for the last name of the option."""
    found = await interaction.client.services.lora_choices.suggestions(typed, asker_of(interaction))
    return as_choices(found)


def _saved_embed(saved: Preset) -> discord.Embed:
    name = quoted(saved.name, MAX_PRESET_NAME)
    embed = discord.Embed(title=text("preset.saved", name=name), description=_described(saved, 400))
    embed.set_footer(text=text("preset.use", name=saved.name))
    return embed


def list_embed(presets: list[Preset]) -> discord.Embed:
    """All presets, a line each."""
    lines = [f"**{quoted(each.name, MAX_PRESET_NAME)}** {_described(each, 60)}" for each in presets]
    listed = "\n".join(lines)
    if len(listed) > _EMBED_LIMIT:  # names alone always fit
        listed = "\n".join(f"**{quoted(each.name, MAX_PRESET_NAME)}**" for each in presets)
    return discord.Embed(title=text("preset.title"), description=listed or text("preset.empty"))


def _described(preset: Preset, length: int) -> str:
    """Its settings in one line."""
    request = preset.request
    parts = [
        quoted(typed_text(request), length),
        request.negative_prompt and text(
            "preset.without", negative=quoted(request.negative_prompt, length)
        ),
        *(_setting(each, getattr(request, each.field)) for each in _ASKED if each.default is None),
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)


def _setting(option: Option, value: Any) -> str:
    if value is None:
        return ""
    if option.kind in {int, float}:
        return text(f"preset.{option.name}", value=short(value))
    return written(value) if option.choices else quoted(value, 40)


def check_says_something(request: GenerationRequest) -> None:
    """Raise InputError for a preset that would change nothing."""
    if request == GenerationRequest():
        raise InputError("preset_empty")


setup = extension(lambda _: Presets())
