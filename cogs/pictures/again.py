"""`/again`: the person's last request, or that of any picture, with another prompt."""

import re
from typing import Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from cogs.common.choices import as_choices
from cogs.common.errors import answer_error
from cogs.common.extension import extension
from cogs.common.forms import custom_id_of, give_back, typed_values
from cogs.common.places import asker_of, refuse_user_install
from cogs.drawing.cancel import JOB_ID
from cogs.drawing.submission import submit
from cogs.pictures.drawing_on import drawable_job
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.card import MAX_COUNT, MAX_PROMPT_CHARACTERS
from pipeline.prompt.flags_line import cut_prompt

_FORM = re.compile(rf"ekaki:another:(?P<job_id>{JOB_ID})")
_PROMPT: Final = "prompt"

Prompt = app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS]
Count = app_commands.Range[int, 1, MAX_COUNT]


class Again(commands.Cog):
    """Repeats requests."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    @app_commands.command(name="again", description=text("again.description"))
    @app_commands.describe(prompt=text("again.option_prompt"), count=text("imagine.option_count"))
    async def again(
        self, interaction: Interaction, prompt: Prompt | None = None, count: Count | None = None
    ) -> None:
        refuse_user_install(interaction)
        services = self.bot.services
        job = await services.results.latest(interaction.user.id)
        if prompt is None:
            await interaction.response.send_modal(another_form(job))
            return
        meant = services.suggestions.meant(prompt, user_id=interaction.user.id).rstrip(" ,")
        await _draw(interaction, job, meant, count=count)

    @again.autocomplete("prompt")
    async def suggest(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        suggestions = self.bot.services.suggestions
        return as_choices(await suggestions.prompt(typed, asker_of(interaction), beyond="form"))

    @commands.Cog.listener("on_interaction")
    async def interacted(self, interaction: Interaction) -> None:
        if interaction.type is discord.InteractionType.modal_submit and is_another_form(
            interaction
        ):
            await _receive(interaction)


async def another(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    """Ask for the other prompt."""
    job, _ = await drawable_job(interaction, job_id)
    await interaction.response.send_modal(another_form(job))


def another_form(job: JobRecord) -> discord.ui.Modal:
    """A form with the prompt of `job` alone. Nothing is remembered until it is sent."""
    form = discord.ui.Modal(title=text("again.title"), custom_id=f"ekaki:another:{job.id}")
    field = discord.ui.TextInput[Any](
        style=discord.TextStyle.paragraph,
        custom_id=_PROMPT,
        max_length=MAX_PROMPT_CHARACTERS,
        default=None if job.damaged else cut_prompt(job.request.original.prompt) or None,
        placeholder=text("imagine.modal_prompt_placeholder"),
    )
    form.add_item(
        discord.ui.Label(
            text=text("imagine.modal_prompt"), description=text("again.about"), component=field
        )
    )
    form.stop()  # discord.py need not remember it
    return form


def is_another_form(interaction: Interaction) -> bool:
    """Whether `interaction` sends such a form."""
    return _FORM.fullmatch(custom_id_of(interaction)) is not None


async def _receive(interaction: Interaction) -> None:
    """Draw what a sent form says. Never raises, and loses nothing that was typed."""
    values = typed_values(interaction)
    match = _FORM.fullmatch(custom_id_of(interaction))
    assert match is not None, "asked by the caller"
    try:
        job, _ = await drawable_job(interaction, match["job_id"])
        await _draw(interaction, job, values.get(_PROMPT, ""))
    except Exception as error:  # noqa: BLE001 - discord.py would only log it
        await answer_error(interaction, error)
        await give_back(interaction, values)


async def _draw(
    interaction: Interaction, job: JobRecord, prompt: str, *, count: int | None = None
) -> None:
    request = interaction.client.services.results.another(job, prompt, count=count)
    await submit(interaction, request, job_id=job.id)


setup = extension(Again)
