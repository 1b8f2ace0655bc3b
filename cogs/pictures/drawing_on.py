"""Buttons that draw from pictures or show their settings, and who may use them.

Everything that draws goes through `cogs.drawing.submission`, like `/imagine`. Anybody may draw from
a public picture that they see, within their own limits; only its owner from a private one.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

import discord

from bot.client.client import EkakiBot, Interaction
from bot.jobs.accept.loras import in_full as in_full_of
from bot.jobs.accept.loras import without_loras
from bot.library import repeating
from bot.library.redrawing import extended, faces_redrawn
from bot.library.results import StoredPicture
from bot.library.twins import refuse_second_finish
from cogs.common.actors import actor_of
from cogs.common.answers import show
from cogs.common.errors import answer_error
from cogs.common.lasting import view_of
from cogs.common.result_buttons import Action, button
from cogs.drawing.cancel import JOB_ID
from cogs.drawing.drafts import is_of_request, plain_button
from cogs.drawing.submission import submit
from cogs.pictures.remix_form import offered, remix_form, typed_form
from cogs.pictures.settings_text import own_settings
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.canvas import Extend
from pipeline.errors import EkakiError, InputError, RefusedError
from pipeline.request import GenerationRequest

Pictures: TypeAlias = tuple[PictureRecord, ...]

_DRAWING: Final = (
    Action.REROLL, Action.AGAIN, Action.SUBTLE, Action.STRONG, Action.UPSCALE, Action.FINISH,
    Action.FACES, Action.EXTEND,
)  # fmt: skip
WITHOUT: Final = (
    rf"ekaki:(?P<how>without|infull)-(?P<action>{'|'.join(_DRAWING)}):(?P<subject>{JOB_ID})"
    rf"(?::(?P<way>{'|'.join(Extend)}))?"
)
"""The `custom_id` of the button that does the same without LoRAs, or in full."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was pressed: `action` on the job or picture of the id `subject`; `way`: of an
    extension."""

    action: Action
    subject: str
    way: Extend | None = None

    def __str__(self) -> str:
        """The end of the `custom_id` in WITHOUT."""
        return f"{self.action}:{self.subject}" + ("" if self.way is None else f":{self.way}")


def asked_again(match: re.Match[str]) -> Asked:
    """What was pressed before the button of WITHOUT."""
    way = None if match["way"] is None else Extend(match["way"])
    return Asked(Action(match["action"]), match["subject"], way)


async def reroll(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.REROLL, job_id))


async def again(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.AGAIN, job_id))


async def edit(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job = await _own_job(interaction, job_id)
    request = interaction.client.services.results.typed(job)
    await interaction.response.send_modal(typed_form(request, job_id=job.id))


async def without(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await draw_plain(interaction, Asked(Action.AGAIN, job_id), full=False)


async def in_full(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await draw_plain(interaction, Asked(Action.AGAIN, job_id), full=True)


async def _own_job(interaction: Interaction, job_id: str) -> JobRecord:
    """RefusedError `not_your_job` for anybody else, because the text may be private."""
    job, _ = await interaction.client.services.results.pictures_of(job_id)
    if job.user_id != interaction.user.id:
        raise RefusedError("not_your_job")
    return job


async def subtle(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.SUBTLE, picture_id))


async def strong(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.STRONG, picture_id))


async def upscale(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.UPSCALE, picture_id))


async def faces(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.FACES, picture_id))


async def finish(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await _draw(interaction, Asked(Action.FINISH, picture_id))


async def remix(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, _ = await drawable_job(interaction, job_id)
    await interaction.response.send_modal(form_of(interaction.client, job))


def form_of(bot: EkakiBot, job: JobRecord) -> discord.ui.Modal:
    """The remix form of one of our jobs."""
    return remix_form(offered(bot, job), job_id=job.id)


async def extend(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Draw more around the picture, as chosen in the menu."""
    values: list[str] = (interaction.data or {}).get("values", [])  # pyright: ignore[reportAssignmentType] - what a menu sends
    chosen = next((each for each in Extend if each.value in values), None)
    if chosen is None:
        raise InputError("button_unknown")
    await _draw(interaction, Asked(Action.EXTEND, picture_id, chosen))


async def _draw(interaction: Interaction, asked: Asked) -> None:
    job, request = await _repeated(interaction, asked)
    also = refuse_second_finish if asked.action is Action.FINISH else None
    try:
        await submit(interaction, request, replay=True, also=also)
    except EkakiError as error:
        await _offer(interaction, error, job, asked)


async def _offer(interaction: Interaction, error: EkakiError, job: JobRecord, asked: Asked) -> None:
    """Answer with `error` and what helps: where a LoRA of it can't be used (any more), a button
    that draws it without, or in full where it was that for drafts; and the form with the prompt.
    """
    plain = plain_button(error, without=f"ekaki:without-{asked}", in_full=f"ekaki:infull-{asked}")
    edit = None
    if is_of_request(error):
        form = Action.EDIT if asked.action is Action.AGAIN else Action.REMIX
        edit = button(form, job.id, row=0, label=text("buttons.edit"), emoji=False)
    shown = [each for each in (plain, edit) if each is not None]
    if not shown:
        raise error
    await answer_error(interaction, error, view=view_of(shown))


async def draw_plain(interaction: Interaction, asked: Asked, *, full: bool) -> None:
    """The same without LoRAs and what they alone need, or in full instead of as a draft."""
    job, request = await _repeated(interaction, asked)
    recipe = interaction.client.services.lora_choices.recipe_of(job.request.loras)
    made = (in_full_of if full else without_loras)(request, job.request, recipe=recipe)
    try:
        await submit(interaction, made, replay=True)
    except EkakiError as error:
        await _offer(interaction, error, job, asked)


async def _repeated(interaction: Interaction, asked: Asked) -> tuple[JobRecord, GenerationRequest]:
    """The job of what was pressed, and the request that repeats it. RefusedError if this person
    may not."""
    results, action = interaction.client.services.results, asked.action
    if action is Action.AGAIN:
        job = await _own_job(interaction, asked.subject)
        return job, results.again(job)
    if action is Action.REROLL:
        job, _ = await drawable_job(interaction, asked.subject)
        return job, results.reroll(job)
    stored = await drawable_picture(interaction, asked.subject)
    if action is Action.UPSCALE:
        return stored.job, results.upscale(stored)
    if action is Action.FINISH:
        return stored.job, repeating.finish(stored)
    if asked.way is not None:
        return stored.job, extended(stored, asked.way)
    if action is Action.FACES:
        return stored.job, faces_redrawn(stored)
    return stored.job, results.vary(stored, strong=action is Action.STRONG)


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


async def drawable_picture(interaction: Interaction, picture_id: str) -> StoredPicture:
    """The picture, if this person may draw from it. RefusedError otherwise."""
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
