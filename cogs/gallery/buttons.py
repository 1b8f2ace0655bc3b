"""Buttons that share, vote, and tell of entries; and those of moderators."""

import discord

from bot.client.client import EkakiBot, Interaction
from bot.gallery.gate import Gate
from bot.gallery.stars import Voted
from bot.library.results import StoredPicture
from cogs.common.actors import actor_of
from cogs.common.answers import begin, change, hold, say
from cogs.common.gallery_gates import gate_for, gate_of, missing_in
from cogs.common.lasting import view_of
from cogs.common.result_buttons import Action, button, numbered
from cogs.gallery.details import details_message
from cogs.moderation.report_menus import ReportModal
from cogs.pictures.drawing_on import visible_job, visible_picture
from data.gallery.entries import Entry
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.errors import RefusedError


async def vote(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Add or remove a vote."""
    await begin(interaction)
    services = interaction.client.services
    stored = await services.results.picture(picture_id)
    gate = await _gate(interaction, stored.job)
    voted = await services.stars.press(picture_id, user_id=interaction.user.id, gate=gate)
    await say(interaction, _said(voted, needed=gate.settings.gallery_threshold))


def _said(voted: Voted, *, needed: int) -> str:
    """The result of a vote. The number needed is shown only until it is reached."""
    on_its_way = voted.state == "candidate" and voted.votes < needed
    if voted.on:
        key = "gallery.voted" if on_its_way else "gallery.voted_more"
    else:
        key = "gallery.unvoted" if on_its_way else "gallery.unvoted_more"
    said = text(key, votes=voted.votes, needed=needed)
    return f"{said} {text('gallery.voted_in')}" if voted.state == "posted" else said


async def votes(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _ask_which(interaction, job_id, Action.VOTE, "gallery.vote_which")


async def shares(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _ask_which(interaction, job_id, Action.SHARE, "gallery.share_which")


async def _ask_which(interaction: Interaction, job_id: str, action: Action, key: str) -> None:
    await _gate(interaction)  # before the question: the gallery may no longer exist
    _, pictures = await visible_job(interaction, job_id)
    await say(interaction, text(key), view=view_of(numbered(action, pictures)))


async def share(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Share a picture; ask first if it is private. A shared one can be removed again."""
    await begin(interaction)
    stored = await visible_picture(interaction, picture_id)
    entry = await interaction.client.services.gallery.entry_of(picture_id)
    if entry is not None and entry.state in {"posted", "waiting", "hidden"}:
        await _say_shared(interaction, entry, "gallery.is_shared")
    elif stored.job.private and stored.job.user_id == interaction.user.id:
        await _gate(interaction)
        view = view_of(
            [button(Action.SHARE_SURE, picture_id, row=0, style=discord.ButtonStyle.primary)]
        )
        await say(interaction, text("gallery.private_sure"), view=view)
    else:
        entry = await _share(interaction, stored)
        await _say_shared(interaction, entry, _key_of(entry))


async def share_sure(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Yes, also a private one."""
    await hold(interaction)
    entry = await _share(interaction, await visible_picture(interaction, picture_id))
    await change(interaction, text(_key_of(entry)))


def _key_of(entry: Entry) -> str:
    return "gallery.waits" if entry.state == "waiting" else "gallery.shared"


async def _share(interaction: Interaction, stored: StoredPicture) -> Entry:
    bot, gate = interaction.client, await _gate(interaction, stored.job)
    channel_id = gate.channel_for(stored.picture.rating)
    missing = () if channel_id is None else missing_in(bot, channel_id)
    if missing:
        raise RefusedError(
            "gallery_lacks_permissions", channel=_name(bot, channel_id), permissions=missing
        )
    own = stored.job.user_id == interaction.user.id
    return await bot.services.gallery.share(
        stored.picture.id,
        actor=actor_of(interaction),
        gate=gate,
        maker_name=interaction.user.display_name if own else "",
    )


def _name(bot: EkakiBot, channel_id: int | None) -> str:
    channel = None if channel_id is None else bot.get_channel(channel_id)
    return f"#{getattr(channel, 'name', '?')}"


async def _say_shared(interaction: Interaction, entry: Entry, key: str) -> None:
    """Say that it is shared, with a remove button for its maker and moderators."""
    actor = actor_of(interaction)
    view = None
    if actor.user_id == entry.maker_id or actor.is_moderator:
        view = view_of([button(Action.TAKE_OUT, entry.id, row=0)])
    await say(interaction, text(key), view=view)


async def details(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Everything about an entry, for this person; with more buttons for who may use them."""
    stored = await visible_picture(interaction, picture_id)
    entry = await interaction.client.services.gallery.entry_of(picture_id)
    if entry is None:
        raise RefusedError("gallery_unknown")
    page = interaction.client.services.settings.web_origin
    message = details_message(entry, stored, actor=actor_of(interaction), page=page)
    await say(interaction, embeds=message.embeds, files=message.files(), view=message.view)


async def take_out(interaction: Interaction, entry_id: str, _extra: int | None) -> None:
    await hold(interaction)
    await interaction.client.services.gallery.remove(entry_id, actor=actor_of(interaction))
    await change(interaction, text("gallery.taken_out"))


async def approve(interaction: Interaction, entry_id: str, _extra: int | None) -> None:
    await hold(interaction)
    await interaction.client.services.gallery.approve(entry_id, actor=actor_of(interaction))
    await change(interaction, text("gallery.approved"))


async def feature(interaction: Interaction, entry_id: str, _extra: int | None) -> None:
    await hold(interaction)
    gallery, actor = interaction.client.services.gallery, actor_of(interaction)
    await gallery.feature(entry_id, actor=actor, on=True)
    await change(interaction, text("gallery.is_featured"))


async def unfeature(interaction: Interaction, entry_id: str, _extra: int | None) -> None:
    await hold(interaction)
    gallery, actor = interaction.client.services.gallery, actor_of(interaction)
    await gallery.feature(entry_id, actor=actor, on=False)
    await change(interaction, text("gallery.not_featured"))


async def report(interaction: Interaction, entry_id: str, _extra: int | None) -> None:
    """Report an entry to moderators, with a link to the message in the gallery channel, since the
    pressed one may be visible to nobody else."""
    services = interaction.client.services
    entry = await services.gallery.entry(entry_id)
    if entry is None or entry.state != "posted" or entry.guild_id != interaction.guild_id:
        raise RefusedError("gallery_unknown")
    post = await services.gallery.post_of(entry_id)
    found = None if post is None or post.message_id is None else (post.place_id, post.message_id)
    await interaction.response.send_modal(ReportModal(entry.job_id, found))


async def _gate(interaction: Interaction, job: JobRecord | None = None) -> Gate:
    """The gallery of this server, for pictures of `job`. RefusedError if there is none."""
    if interaction.guild_id is None:
        raise RefusedError("gallery_elsewhere")
    bot, guild_id = interaction.client, interaction.guild_id
    gate = await (gate_of(bot, guild_id) if job is None else gate_for(bot, guild_id, job))
    if gate.allowed is None:
        raise RefusedError("gallery_off")
    return gate
