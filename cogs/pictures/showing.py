"""Shows stored pictures in a new answer with new buttons."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from bot.client.client import Interaction
from bot.services import Services
from cogs.common.actors import actor_of
from cogs.common.errors import UNREACHABLE
from cogs.common.languages import answer_locale
from cogs.common.messages import Attachment
from cogs.common.pictures import fit
from cogs.common.places import place_of, rules_channel_id
from cogs.drawing import render
from cogs.drawing.credit import credit_of
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import speaking
from pipeline.errors import RefusedError
from pipeline.rating import Rating


async def ceiling_of(interaction: Interaction) -> Rating:
    """The highest rating that may be shown where `interaction` comes from."""
    ceiling, _ = await interaction.client.services.jobs.ceiling(
        place=place_of(interaction),
        guild_id=interaction.guild_id,
        channel_id=rules_channel_id(interaction),
    )
    return ceiling.rating


async def visible(
    interaction: Interaction, typed_id: str
) -> tuple[JobRecord, tuple[PictureRecord, ...]]:
    """What the id of a job or a picture refers to, if the person may see it.

    Otherwise RefusedError `job_unknown`, even if it exists, because that is private too.
    """
    results = interaction.client.services.results
    job, pictures = await results.show(typed_id)
    if not results.may_see(actor_of(interaction), job):
        raise RefusedError("job_unknown")
    return job, pictures


async def show_pictures(
    interaction: Interaction,
    job: JobRecord,
    pictures: Sequence[PictureRecord],
    *,
    private: bool,
) -> None:
    """Answer with `pictures` of `job`, to this person only where `private`.

    RefusedError before anything is answered: not finished, or above what this place allows.
    """
    _check_shown(job, pictures, ceiling=await ceiling_of(interaction))
    await interaction.response.defer(ephemeral=private, thinking=True)
    services = interaction.client.services
    try:
        attachments = await read_attachments(
            services, job, pictures, limit_bytes=interaction.filesize_limit
        )
        notice = services.jobs.model.notice if services.jobs.model else ""
        with speaking(answer_locale(interaction, private=private)):
            credit = await credit_of(interaction.client, job)
            message = render.completed(job, pictures, attachments, notice=notice, credit=credit)
        sent = await interaction.edit_original_response(
            content=message.content,
            embeds=list(message.embeds),
            attachments=message.files(),
            view=message.view,
        )
    except Exception:
        if not private:  # a public "thinking" must neither stay nor become an error text
            await _delete_answer(interaction)
        raise
    if not private and not job.private and job.guild_id is not None:
        one = pictures[0].id if len(pictures) == 1 else None
        # It may be starred there: `cogs.gallery.posting.events` handles that.
        interaction.client.dispatch(
            "picture_shown", job.guild_id, sent.id, sent.channel.id, job.id, one
        )


def _check_shown(job: JobRecord, pictures: Sequence[PictureRecord], *, ceiling: Rating) -> None:
    if job.state in {"queued", "running"}:
        raise RefusedError("show_not_done")
    if not pictures:
        raise RefusedError("show_no_pictures")
    rating = max(picture.rating for picture in pictures)
    if rating > ceiling:
        raise RefusedError("show_above_ceiling", rating=rating, ceiling=ceiling)


async def read_attachments(
    services: Services, job: JobRecord, pictures: Sequence[PictureRecord], *, limit_bytes: int
) -> list[Attachment]:
    """The files, each small enough for the place; StorageError if one is gone."""
    made: list[Attachment] = []
    for picture in pictures:
        png = await services.jobs.read_picture(picture)
        content, suffix = await asyncio.to_thread(fit, png, limit_bytes, services.sign)
        made.append(render.picture_attachment(job, picture, content, suffix))
    return made


async def _delete_answer(interaction: Interaction) -> None:
    with suppress(*UNREACHABLE):  # the earlier error is the one to report
        await interaction.delete_original_response()
