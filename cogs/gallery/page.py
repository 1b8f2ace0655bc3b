"""One entry of a gallery as a page. Its file is read in a thread."""

import asyncio

import discord

from bot.client.client import EkakiBot
from bot.gallery.browser import View
from cogs.common.lasting import turn, view_of
from cogs.common.messages import Outgoing
from cogs.common.pictures import fit
from cogs.common.result_buttons import Action, button
from cogs.common.words import moment, quoted
from cogs.gallery.cursor import Looking
from cogs.gallery.message import attachment_of
from data.shipped.text import text
from pipeline.prompt.assemble import typed_text


async def page_message(
    bot: EkakiBot, view: View, looking: Looking, *, limit_bytes: int
) -> Outgoing:
    """The picture, its details, and the buttons. StorageError if its file is missing."""
    entry, job = view.entry, view.stored.job
    png = await bot.services.jobs.read_picture(view.stored.picture)
    content, suffix = await asyncio.to_thread(fit, png, limit_bytes, bot.services.sign)
    file = attachment_of(entry, job, content, suffix)
    embed = discord.Embed(
        title=_title(looking),
        description=text(
            "gallery.page",
            maker=f"<@{entry.maker_id}>",
            votes=entry.votes,
            rating=entry.rating.label,
            when="" if entry.posted_at is None else moment(entry.posted_at),
            prompt=quoted(typed_text(job.request.original), 500),
        ),
    )
    embed.set_image(url=f"attachment://{file.name}")
    model = bot.services.jobs.model
    if model is not None and model.notice:
        embed.set_footer(text=model.notice[:2048])
    return Outgoing(embeds=(embed,), attachments=(file,), view=_buttons(view, looking))


def _title(looking: Looking) -> str:
    if looking.random:
        return text("gallery.title_random")
    if looking.words:
        return text("gallery.title_search", words=quoted(looking.words, 60))
    return text("gallery.title_top" if looking.order == "top" else "gallery.title_new")


def _buttons(view: View, looking: Looking) -> discord.ui.View:
    entry, here = view.entry, looking.at(view.entry.id)
    if looking.random:
        turns = [turn("gallery.another", here.custom_id("random"), row=0)]
    else:
        turns = [
            turn("gallery.previous", here.custom_id("before"), row=0, usable=view.earlier),
            turn("gallery.next", here.custom_id("after"), row=0, usable=view.later),
        ]
    return view_of([
        *turns,
        button(Action.VOTE, entry.picture_id, row=1, label=text("buttons.vote")),
        button(Action.REMIX, view.stored.job.id, row=1),
        button(Action.FAVOURITE, entry.picture_id, row=1),
        button(Action.DETAILS, entry.picture_id, row=1),
        button(Action.REPORT, entry.id, row=1),
    ])  # fmt: skip
