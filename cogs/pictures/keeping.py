"""Buttons that mark pictures as favourites, and that delete them: for owners and moderators."""

import logging
from typing import TypeAlias

import discord

from bot.client.client import Interaction
from cogs.common.actors import actor_of
from cogs.common.answers import begin, change, hold, say
from cogs.common.lasting import view_of
from cogs.common.result_buttons import Action, button
from cogs.pictures.drawing_on import visible_job, visible_picture
from cogs.pictures.more import whole_view
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.errors import RefusedError

_log = logging.getLogger(__name__)

Pictures: TypeAlias = tuple[PictureRecord, ...]


async def favourite(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await begin(interaction)
    await visible_picture(interaction, picture_id)
    on = await _toggle(interaction, picture_id)
    await say(interaction, text("results.favourite_on" if on else "results.favourite_off"))


async def favourites(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    _, pictures = await visible_job(interaction, job_id)
    view = await _stars(interaction, pictures)
    await interaction.response.send_message(
        text("results.favourite_which"), view=view, ephemeral=True
    )


async def star(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await visible_picture(interaction, picture_id)
    await _toggle(interaction, picture_id)
    _, pictures = await visible_job(interaction, stored.job.id)
    await interaction.response.edit_message(view=await _stars(interaction, pictures))


async def _toggle(interaction: Interaction, picture_id: str) -> bool:
    results, user_id = interaction.client.services.results, interaction.user.id
    return await results.toggle_favourite(user_id=user_id, picture_id=picture_id)


async def _stars(interaction: Interaction, pictures: Pictures) -> discord.ui.View:
    chosen = await interaction.client.services.results.favourites_among(
        user_id=interaction.user.id, picture_ids=[picture.id for picture in pictures]
    )
    return view_of(
        button(
            Action.STAR,
            picture.id,
            row=0,
            label=text(
                "buttons.star_on" if picture.id in chosen else "buttons.star",
                number=picture.position + 1,
            ),
        )
        for picture in pictures
    )


async def delete(interaction: Interaction, job_id: str, shown: int | None) -> None:
    """Ask first, since it can't be undone. In a message that only this person sees, ask there."""
    asked = interaction.message
    assert asked is not None, "a button stands under a message"
    if shown is not None:  # pressed in the panel of the message that shows them
        await ask_to_delete(interaction, job_id, message_id=shown)
        return
    if asked.flags.ephemeral:
        await _check_may_delete(interaction, job_id)
        await interaction.response.edit_message(view=_sure(job_id, None))
        return
    await ask_to_delete(interaction, job_id, message_id=asked.id)


async def ask_to_delete(interaction: Interaction, job_id: str, *, message_id: int) -> None:
    """Ask whether the pictures that the message shows are to be deleted. RefusedError
    `not_your_picture`."""
    job = await _check_may_delete(interaction, job_id)
    own = job.user_id == interaction.user.id
    question = text("results.delete_sure" if own else "results.delete_sure_theirs",
                    user=f"<@{job.user_id}>")  # fmt: skip
    await interaction.response.send_message(
        question, view=_sure(job_id, message_id), ephemeral=True
    )


async def _check_may_delete(interaction: Interaction, job_id: str) -> JobRecord:
    job, _ = await interaction.client.services.results.pictures_of(job_id)
    if not interaction.client.services.results.may_delete(actor_of(interaction), job):
        raise RefusedError("not_your_picture")
    return job


def _sure(job_id: str, message_id: int | None) -> discord.ui.View:
    return view_of(
        [
            button(Action.ERASE, job_id, row=0, style=discord.ButtonStyle.danger, extra=message_id),
            button(Action.KEEP, job_id, row=0, extra=message_id),
        ]
    )


async def keep(interaction: Interaction, job_id: str, message_id: int | None) -> None:
    if message_id is not None:
        await interaction.response.edit_message(content=text("results.kept"), view=None)
        return
    job, pictures = await visible_job(interaction, job_id)
    await interaction.response.edit_message(view=whole_view(interaction, job, pictures))


async def erase(interaction: Interaction, job_id: str, message_id: int | None) -> None:
    """Delete the job; the messages that show it follow."""
    await hold(interaction)
    results = interaction.client.services.results
    await results.delete(job_id, actor=actor_of(interaction), shown=message_id)
    await change(interaction, text("results.deleted"))
