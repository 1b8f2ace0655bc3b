"""`/preset`: ways to draw, saved under a name and used with `/imagine saved:`."""

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.library.people import MAX_PRESET_NAME
from cogs.common import errors
from cogs.common.answers import begin, say
from cogs.common.words import number, quoted
from cogs.drawing.options import CHOICES, pick, pick_rating
from cogs.personal.history import own_jobs
from cogs.pictures.showing import visible
from data.people.presets import Preset
from data.shipped.text import text
from pipeline.card import (
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    Aesthetic,
    QualityPreset,
    Sampler,
    Style,
    Year,
)
from pipeline.errors import InputError
from pipeline.prompt.assemble import typed_text
from pipeline.request import GenerationRequest

Interaction = discord.Interaction[EkakiBot]
Prompt = app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS]
Name = app_commands.Range[str, 1, MAX_PRESET_NAME]

_RENAMED = {
    "negative_prompt": "negative",
    "preset": "quality",
    "num_inference_steps": "steps",
    "guidance_scale": "cfg",
    "job_id": "id",
}
_FROM_IMAGINE = (
    "prompt", "negative_prompt", "aspect", "preset", "rating", "year", "aesthetic", "style",
    "sampler", "num_inference_steps", "guidance_scale",
)  # fmt: skip
_EMBED_LIMIT = 4000  # characters of the list; Discord takes 4096


class Presets(commands.GroupCog, group_name="preset", group_description=text("preset.description")):
    """Saving, listing, deleting."""

    @app_commands.command(name="save", description=text("preset.save"))
    @app_commands.describe(
        name=text("preset.option_name"),
        job_id=text("preset.option_id"),
        **{each: text(f"imagine.option_{each}") for each in _FROM_IMAGINE},
    )
    @app_commands.rename(**_RENAMED)
    @app_commands.choices(**CHOICES)
    async def save(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        name: Name,
        job_id: str | None = None,
        prompt: Prompt | None = None,
        negative_prompt: Prompt | None = None,
        aspect: str | None = None,
        preset: str | None = None,
        rating: str | None = None,
        year: str | None = None,
        aesthetic: str | None = None,
        style: str | None = None,
        sampler: str | None = None,
        num_inference_steps: app_commands.Range[int, MIN_STEPS, MAX_STEPS] | None = None,
        guidance_scale: app_commands.Range[float, MIN_GUIDANCE, MAX_GUIDANCE] | None = None,
    ) -> None:
        await begin(interaction)
        base = GenerationRequest()
        if job_id is not None:
            job, _ = await visible(interaction, job_id)
            base = job.request.wish
        said = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "aspect": aspect,
            "preset": pick(QualityPreset, preset),
            "rating": pick_rating(rating),
            "year": pick(Year, year),
            "aesthetic": pick(Aesthetic, aesthetic),
            "style": pick(Style, style),
            "sampler": pick(Sampler, sampler),
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
        }
        request = replace(base, **{key: value for key, value in said.items() if value is not None})
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

    @delete.autocomplete("name")
    async def suggest_names(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_presets(interaction, typed)

    @save.autocomplete("name")
    async def suggest_replaced(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_presets(interaction, typed)

    @save.autocomplete("job_id")
    async def suggest_jobs(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_jobs(interaction, typed)

    @save.autocomplete("aspect")
    async def suggest_aspects(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        found = interaction.client.services.suggestions.aspects(typed)
        return [app_commands.Choice(name=each.name, value=each.value) for each in found]


async def own_presets(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The person's presets whose name has `typed` in it."""
    presets = await interaction.client.services.people.presets(interaction.user.id)
    wanted = typed.strip().casefold()
    return [
        app_commands.Choice(name=preset.name, value=preset.name)
        for preset in presets
        if wanted in preset.name.casefold()
    ][:25]


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
    """What it sets, in a line."""
    request = preset.request
    steps, cfg = request.num_inference_steps, request.guidance_scale
    parts = [
        quoted(typed_text(request), length),
        request.negative_prompt and text(
            "preset.without", negative=quoted(request.negative_prompt, length)
        ),
        request.aspect and quoted(request.aspect, 40),
        request.preset,
        request.rating is not None and request.rating.label,
        request.year,
        request.aesthetic,
        request.style,
        request.sampler,
        steps is not None and text("preset.steps", steps=steps),
        cfg is not None and text("preset.cfg", cfg=number(cfg)),
    ]  # fmt: skip
    return " · ".join(str(part) for part in parts if part)


def check_says_something(request: GenerationRequest) -> None:
    """InputError for a preset that would change nothing."""
    if request == GenerationRequest():
        raise InputError("preset_empty")


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    await bot.add_cog(Presets())
