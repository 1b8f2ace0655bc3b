"""A page of a collection: a contact sheet, a menu that opens a picture, and page buttons."""

import asyncio
import io
from typing import Final

import discord

from bot.client.client import Interaction
from bot.gallery.collections import CollectionPage
from cogs.common.actors import actor_of
from cogs.common.lasting import Button, Lasting, turn, view_of
from cogs.common.sheet import contact_sheet
from cogs.common.words import cut, moment, quoted
from cogs.personal.history_page import PROMPT_CHARACTERS, opening, option_of
from cogs.pictures.showing import ceiling_of
from data.shipped.text import text
from pipeline.errors import StorageError
from pipeline.prompt.assemble import typed_text
from pipeline.rating import Rating

PAGE_SIZE: Final = 6


_SHEET: Final = "collection.jpg"


async def show_page(interaction: Interaction, collection_id: str, page: int) -> None:
    """Put a page (from 0) into the answer, with what the place may see."""
    found = await interaction.client.services.collections.page(
        collection_id, actor=actor_of(interaction), offset=page * PAGE_SIZE, limit=PAGE_SIZE
    )
    ceiling = await ceiling_of(interaction)
    embed = discord.Embed(
        title=cut(found.collection.name, 200),
        description="\n".join(_lines(found, ceiling)) or text("collection.empty"),
    )
    attachments: list[discord.File] = []
    if found.items:
        sheet = await _sheet(interaction, found, ceiling)
        attachments = [discord.File(io.BytesIO(sheet), filename=_SHEET)]
        embed.set_image(url=f"attachment://{_SHEET}")
    await interaction.edit_original_response(
        embed=embed, attachments=attachments, view=_buttons(found, page, ceiling)
    )


async def _sheet(interaction: Interaction, found: CollectionPage, ceiling: Rating) -> bytes:
    jobs = interaction.client.services.jobs
    files: list[bytes | None] = []
    for item in found.items:
        try:
            hidden = item.picture.rating > ceiling
            files.append(None if hidden else await jobs.read_picture(item.picture))
        except StorageError:  # one lost file must not hide the others
            files.append(None)
    return await asyncio.to_thread(contact_sheet, files)


def _lines(found: CollectionPage, ceiling: Rating) -> list[str]:
    return [
        text("history.hidden", rating=item.picture.rating.label)
        if item.picture.rating > ceiling
        else text(
            "collection.item",
            number=number,
            shown=quoted(typed_text(item.job.request.original), PROMPT_CHARACTERS),
            when=moment(item.added_at),
        )
        for number, item in enumerate(found.items, 1)
    ]


def _buttons(found: CollectionPage, page: int, ceiling: Rating) -> discord.ui.View:
    """A menu that opens a picture, and the turning of pages."""
    options = [
        option_of(number, item.picture, item.job)
        for number, item in enumerate(found.items, 1)
        if item.picture.rating <= ceiling
    ]
    last = max(0, -(-found.collection.size // PAGE_SIZE) - 1)
    address = f"ekaki:coll:{found.collection.id}"
    return view_of([
        *opening(options),
        turn("history.newer", f"{address}:{max(0, page - 1)}:newer", row=1, usable=page > 0),
        turn("history.older", f"{address}:{page + 1}:older", row=1, usable=page < last),
    ])  # fmt: skip


class PageButton(
    Lasting[Button],
    template=r"ekaki:coll:(?P<id>[a-z0-9]{12}):(?P<page>\d{1,4}):[a-z]+",
):
    """Turns the page of a collection."""

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await show_page(interaction, self.match["id"], int(self.match["page"]))
