"""`/imagine`. The cog starts the worker when it is loaded and stops it when it is unloaded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import EkakiBot
from bot.suggestions import Suggestion, without_marks
from cogs import buttons, errors
from cogs.options import CHOICES, pick, pick_rating
from cogs.places import place_of, refuse_user_install
from cogs.presenter import Presenters
from cogs.prompt_modal import PromptModal
from cogs.submission import submit
from data.jobs import JobRecord
from data.text import text
from pipeline.card import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    RANDOM_SEED,
    Aesthetic,
    QualityPreset,
    Sampler,
    Style,
    Year,
)
from pipeline.request import GenerationRequest

_log = logging.getLogger(__name__)

MAX_CHOICES = 25  # Discord, of an autocompletion
MAX_CHOICE_CHARACTERS = 100  # Discord, of a choice's name and value

Interaction: TypeAlias = discord.Interaction[EkakiBot]
Prompt = app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS]

NAMES = {  # by diffusers' names; everything else is called the same in Discord
    "negative_prompt": "negative",
    "preset": "quality",
    "num_inference_steps": "steps",
    "guidance_scale": "cfg",
}
OPTIONS = (
    "prompt", "negative_prompt", "character", "series", "tags", "aspect", "preset", "rating",
    "year", "aesthetic", "style", "sampler", "num_inference_steps", "guidance_scale", "seed",
    "count", "private",
)  # fmt: skip


class Inference(commands.Cog):
    """Options in, messages out."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self.presenters = Presenters(bot)
        self._resuming: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        jobs = self.bot.services.jobs
        await jobs.start()
        earlier = await jobs.to_present()  # before the first interaction of this run can come
        self._resuming = asyncio.create_task(self._resume(earlier), name="resume presenters")

    async def cog_unload(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
            await asyncio.gather(self._resuming, return_exceptions=True)
        await self.bot.services.jobs.stop()
        await self.presenters.stop()

    async def _resume(self, earlier: list[JobRecord]) -> None:
        await self.bot.wait_until_ready()
        self.presenters.resume(earlier)

    @app_commands.command(name="imagine", description=text("imagine.description"))
    @app_commands.describe(**{name: text(f"imagine.option_{name}") for name in OPTIONS})
    @app_commands.rename(**NAMES)
    @app_commands.choices(**CHOICES)
    async def imagine(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        prompt: Prompt | None = None,
        negative_prompt: Prompt | None = None,
        character: str | None = None,
        series: str | None = None,
        tags: str | None = None,
        aspect: str | None = None,
        preset: str | None = None,
        rating: str | None = None,
        year: str | None = None,
        aesthetic: str | None = None,
        style: str | None = None,
        sampler: str | None = None,
        num_inference_steps: app_commands.Range[int, MIN_STEPS, MAX_STEPS] | None = None,
        guidance_scale: app_commands.Range[float, MIN_GUIDANCE, MAX_GUIDANCE] | None = None,
        seed: app_commands.Range[int, RANDOM_SEED, MAX_SEED] | None = None,
        count: app_commands.Range[int, 1, MAX_COUNT] | None = None,
        private: bool = False,
    ) -> None:
        refuse_user_install(interaction)
        wish = GenerationRequest(
            # Clients may send a suggestion's name, remarks and all, instead of its value.
            prompt=without_marks(prompt or ""),
            negative_prompt=without_marks(negative_prompt or ""),
            character=without_marks(character or ""),
            series=without_marks(series or ""),
            tags=without_marks(tags or ""),
            aspect=aspect,
            preset=pick(QualityPreset, preset),
            rating=pick_rating(rating),
            year=pick(Year, year),
            aesthetic=pick(Aesthetic, aesthetic),
            style=pick(Style, style),
            sampler=pick(Sampler, sampler),
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            seed=seed,
            count=count,
            private=private,
        )
        if all(said is None for said in (prompt, character, series, tags)):
            await interaction.response.send_modal(PromptModal(wish, self._submit))
        else:
            await self._submit(interaction, wish)

    async def _submit(self, interaction: Interaction, wish: GenerationRequest) -> None:
        await submit(interaction, wish, self.presenters)

    @imagine.autocomplete("prompt")
    @imagine.autocomplete("negative_prompt")
    @imagine.autocomplete("tags")
    async def suggest_tags(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._suggest(self.bot.services.suggestions.tags, interaction, typed)

    @imagine.autocomplete("character")
    async def suggest_characters(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._suggest(self.bot.services.suggestions.characters, interaction, typed)

    @imagine.autocomplete("series")
    async def suggest_series(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._suggest(self.bot.services.suggestions.series, interaction, typed)

    @imagine.autocomplete("aspect")
    async def suggest_aspects(
        self,
        interaction: Interaction,  # noqa: ARG002 - discord.py's signature
        typed: str,
    ) -> list[app_commands.Choice[str]]:
        return as_choices(self.bot.services.suggestions.aspects(typed))

    async def _suggest(
        self,
        source: Callable[..., Awaitable[Sequence[Suggestion]]],
        interaction: Interaction,
        typed: str,
    ) -> list[app_commands.Choice[str]]:
        found = await source(
            typed,
            user_id=interaction.user.id,
            place=place_of(interaction),
            guild_id=interaction.guild_id,
            channel_id=interaction.channel_id or 0,
        )
        return as_choices(found)


def as_choices(suggestions: Sequence[Suggestion]) -> list[app_commands.Choice[str]]:
    """What Discord takes: one choice that is empty, too long or there twice would lose all of them.
    A value is never cut, as it replaces what somebody typed."""
    fitting = {
        _shortened(suggestion.name): suggestion.value
        for suggestion in suggestions
        if suggestion.name and 0 < len(suggestion.value) <= MAX_CHOICE_CHARACTERS
    }
    choices = [app_commands.Choice(name=name, value=value) for name, value in fitting.items()]
    return choices[:MAX_CHOICES]


def _shortened(name: str) -> str:
    if len(name) <= MAX_CHOICE_CHARACTERS:
        return name
    return "…" + name[1 - MAX_CHOICE_CHARACTERS :]


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    buttons.install(bot)
    await bot.add_cog(Inference(bot))
