"""A page of a collection: its pictures in one sheet, a menu that opens one, turning the page."""

import asyncio
import io
from typing import Final, TypeAlias

import discord

from bot.client.client import EkakiBot
from bot.gallery.collections import Shelf
from cogs.common.actors import actor_of
from cogs.common.lasting import Button, Lasting
from cogs.common.sheet import contact_sheet
from cogs.common.words import cut, moment, quoted
from cogs.personal.history_page import OPEN_ID, PROMPT_CHARACTERS, option_of
from cogs.pictures.showing import ceiling_of
from data.shipped.text import text
from pipeline.errors import StorageError
from pipeline.prompt.assemble import typed_text
from pipeline.rating import Rating

PAGE_SIZE: Final = 6


_SHEET: Final = "collection.jpg"


Interaction: TypeAlias = discord.Interaction[EkakiBot]


async def show_page(interaction: Interaction, collection_id: str, page: int) -> None:
    """Put a page (from 0) into the answer, with what the place may see."""
    shelf = await interaction.client.services.collections.shelf(
        collection_id, actor=actor_of(interaction), offset=page * PAGE_SIZE, limit=PAGE_SIZE
    )
    ceiling = await ceiling_of(interaction)
    embed = discord.Embed(
        title=cut(shelf.collection.name, 200),
        description="\n".join(_lines(shelf, ceiling)) or text("collection.empty"),
    )
    attachments: list[discord.File] = []
    if shelf.items:
        sheet = await _sheet(interaction, shelf, ceiling)
        attachments = [discord.File(io.BytesIO(sheet), filename=_SHEET)]
        embed.set_image(url=f"attachment://{_SHEET}")
    await interaction.edit_original_response(
        embed=embed, attachments=attachments, view=_buttons(shelf, page, ceiling)
    )


async def _sheet(interaction: Interaction, shelf: Shelf, ceiling: Rating) -> bytes:
    jobs = interaction.client.services.jobs
    files: list[bytes | None] = []
    for item in shelf.items:
        try:
            hidden = item.picture.rating > ceiling
            files.append(None if hidden else await jobs.read_picture(item.picture))
        except StorageError:  # one lost file must not close the way to the others
            files.append(None)
    return await asyncio.to_thread(contact_sheet, files)


def _lines(shelf: Shelf, ceiling: Rating) -> list[str]:
    return [
        text("history.hidden", rating=item.picture.rating.label)
        if item.picture.rating > ceiling
        else text(
            "collection.item",
            number=number,
            shown=quoted(typed_text(item.job.request.wish), PROMPT_CHARACTERS),
            when=moment(item.added_at),
        )
        for number, item in enumerate(shelf.items, 1)
    ]


def _buttons(shelf: Shelf, page: int, ceiling: Rating) -> discord.ui.View:
    """A menu that opens a picture, and the turning of pages."""
    view = discord.ui.View(timeout=None)
    options = [
        option_of(number, item.picture, item.job)
        for number, item in enumerate(shelf.items, 1)
        if item.picture.rating <= ceiling
    ]
    if options:
        placeholder = text("history.open")
        view.add_item(
            discord.ui.Select(custom_id=OPEN_ID, placeholder=placeholder, options=options, row=0)
        )
    last = max(0, -(-shelf.collection.size // PAGE_SIZE) - 1)
    for key, target, usable in (
        ("history.newer", page - 1, page > 0),
        ("history.older", page + 1, page < last),
    ):
        custom_id = f"ekaki:coll:{shelf.collection.id}:{max(0, target)}:{key[-5:]}"
        view.add_item(
            discord.ui.Button(label=text(key), custom_id=custom_id, disabled=not usable, row=1)
        )
    view.stop()  # presses are found by their `custom_id`: discord.py need not remember the view
    return view


class ShelfButton(
    Lasting[Button],
    template=r"ekaki:coll:(?P<id>[a-z0-9]{12}):(?P<page>\d{1,4}):[a-z]+",
):
    """Turns the page of a collection."""

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await show_page(interaction, self.match["id"], int(self.match["page"]))
