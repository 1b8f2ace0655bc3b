"""Buttons that draw from pictures or show their settings, and who may use them.

Everything that draws goes through `cogs.drawing.submission`, like `/imagine`. Anybody may draw from
a public picture that they see, within their own limits; only its owner from a private one.
"""

from dataclasses import replace
from typing import TypeAlias

import discord

from bot.client.client import EkakiBot, Interaction
from bot.library.results import StoredPicture
from cogs.common.actors import actor_of
from cogs.common.answers import show
from cogs.drawing.submission import submit
from cogs.pictures.remix_form import remix_form, typed_form
from cogs.pictures.settings_text import own_settings
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.errors import RefusedError
from pipeline.prompt.flags_line import filled_in
from pipeline.request import GenerationRequest

Pictures: TypeAlias = tuple[PictureRecord, ...]


async def reroll(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, _ = await drawable_job(interaction, job_id)
    await _draw(interaction, interaction.client.services.results.reroll(job))


async def again(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job = await _own_job(interaction, job_id)
    await _draw(interaction, interaction.client.services.results.again(job))


async def edit(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job = await _own_job(interaction, job_id)
    request = interaction.client.services.results.typed(job)
    await interaction.response.send_modal(typed_form(request, job_id=job.id))


async def without(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job = await _own_job(interaction, job_id)
    request = interaction.client.services.results.again(job)
    await _draw(interaction, replace(request, lora=None))


async def _own_job(interaction: Interaction, job_id: str) -> JobRecord:
    """RefusedError `not_your_job` for anybody else, because the text may be private."""
    job, _ = await interaction.client.services.results.pictures_of(job_id)
    if job.user_id != interaction.user.id:
        raise RefusedError("not_your_job")
    return job


async def subtle(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _drawable_picture(interaction, picture_id)
    await _draw(interaction, interaction.client.services.results.vary(stored, strong=False))


async def strong(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _drawable_picture(interaction, picture_id)
    await _draw(interaction, interaction.client.services.results.vary(stored, strong=True))


async def upscale(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _drawable_picture(interaction, picture_id)
    await _draw(interaction, interaction.client.services.results.upscale(stored))


async def remix(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, _ = await drawable_job(interaction, job_id)
    await interaction.response.send_modal(form_of(interaction.client, job))


def form_of(bot: EkakiBot, job: JobRecord) -> discord.ui.Modal:
    """The remix form of one of our jobs."""
    recipe = bot.services.lora_choices.recipe_of(job.request.loras)
    request = filled_in(bot.services.results.remix(job), job.request, recipe=recipe)
    return remix_form(request, job_id=job.id)


async def _draw(interaction: Interaction, request: GenerationRequest) -> None:
    await submit(interaction, request, replay=True)


async def drawable_job(interaction: Interaction, job_id: str) -> tuple[JobRecord, Pictures]:
    """The job, if this person may draw from it. RefusedError otherwise."""
    job, pictures = await visible_job(interaction, job_id)
    hidden = job.private and job.user_id != interaction.user.id
    if hidden and not await _is_shared(interaction, job_id=job_id):
        raise RefusedError("picture_private")
    return job, pictures


async def visible_job(interaction: Interaction, job_id: str) -> tuple[JobRecord, Pictures]:
    """The job, if this person may see it. RefusedError otherwise."""
    results = interaction.client.services.results
    job, pictures = await results.pictures_of(job_id)
    hidden = not results.may_see(actor_of(interaction), job)
    if hidden and not await _is_shared(interaction, job_id=job_id):
        raise RefusedError("picture_private")
    return job, pictures


async def visible_picture(interaction: Interaction, picture_id: str) -> StoredPicture:
    results = interaction.client.services.results
    stored = await results.picture(picture_id)
    hidden = not results.may_see(actor_of(interaction), stored.job)
    if hidden and not await _is_shared(interaction, picture_id=picture_id):
        raise RefusedError("picture_private")
    return stored


async def _is_shared(interaction: Interaction, *, picture_id: str = "", job_id: str = "") -> bool:
    """Whether the server's gallery shows it: then everybody there sees it, private or not."""
    gallery = interaction.client.services.gallery
    return await gallery.shows(guild_id=interaction.guild_id, picture_id=picture_id, job_id=job_id)


async def _drawable_picture(interaction: Interaction, picture_id: str) -> StoredPicture:
    stored = await visible_picture(interaction, picture_id)
    hidden = stored.job.private and stored.job.user_id != interaction.user.id
    if hidden and not await _is_shared(interaction, picture_id=picture_id):
        raise RefusedError("picture_private")
    return stored


async def settings(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, pictures = await visible_job(interaction, job_id)
    await show_settings(interaction, job, pictures)


async def show_settings(interaction: Interaction, job: JobRecord, pictures: Pictures) -> None:
    """Show this person, and nobody else, the settings of the pictures of `job`."""
    if not pictures:
        raise RefusedError("no_pictures_there")
    await show(interaction, own_settings(job, pictures))
