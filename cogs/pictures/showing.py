"""Shows stored pictures in a new answer with new buttons."""

from collections.abc import Sequence
from contextlib import suppress

import discord

from bot.client.client import Interaction
from bot.library.results import unknown
from cogs.common.actors import actor_of
from cogs.common.errors import UNREACHABLE
from cogs.common.known import PlaceUnknownError, channel_of
from cogs.common.languages import answer_locale
from cogs.common.places import place_of, rules_channel_id, visible_channel_ids
from cogs.drawing import render
from cogs.drawing.credit import credit_of
from cogs.drawing.reading import read_attachments
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import speaking
from data.store.ids import linked_message
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
    interaction: Interaction, typed: str
) -> tuple[JobRecord, tuple[PictureRecord, ...]]:
    """What the id of a job or a picture, or the link to one of our messages, refers to, if the
    person may see it.

    Otherwise RefusedError `job_unknown` or `link_unknown`, even if it exists, because that is
    private too.
    """
    results = interaction.client.services.results
    job, pictures = await results.show(typed)
    if not (
        results.may_see(actor_of(interaction), job) and await may_follow(interaction, typed, job)
    ):
        raise unknown(typed)
    return job, pictures


async def may_follow(interaction: Interaction, typed: str, job: JobRecord) -> bool:
    """Whether the person sees the channel of `job`, or it in the gallery, if `typed` is a link. Ids
    can't be guessed, unlike those of messages."""
    own = actor_of(interaction).is_moderator or job.user_id == interaction.user.id
    if linked_message(typed) is None or own:
        return True
    gallery, guild_id = interaction.client.services.gallery, interaction.guild_id
    if await gallery.shows(guild_id=guild_id, job_id=job.id):
        return True
    seen = visible_channel_ids(interaction)
    if job.channel_id in seen or job.guild_id is None:
        return job.channel_id in seen
    try:  # a thread that is archived
        channel = await channel_of(interaction.client, job.guild_id, job.channel_id)
    except (PlaceUnknownError, *UNREACHABLE):
        return False
    return (
        isinstance(channel, discord.Thread)
        and not channel.is_private()
        and channel.parent_id in seen
    )


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


async def _delete_answer(interaction: Interaction) -> None:
    with suppress(*UNREACHABLE):  # the earlier error is the one to report
        await interaction.delete_original_response()
