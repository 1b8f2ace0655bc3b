"""A page of a person's history as a message: a contact sheet, a line for each picture, buttons."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.jobs.service import JobService
from cogs.common.lasting import Button, Select, turn, view_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.sheet import contact_sheet
from cogs.common.words import cut, moment, quoted
from cogs.personal.history_cursor import Browsing, page_count, summary
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.people.history import HistoryEntry, HistoryPage
from data.shipped.text import text
from pipeline.errors import StorageError
from pipeline.prompt.assemble import typed_text
from pipeline.rating import Rating

OPEN_ID: Final = "ekaki:open"
SEARCH_ID: Final = "ekaki:search"
_SHEET_NAME = "history.jpg"
PROMPT_CHARACTERS: Final = 90  # six of them, escaped, stay far below the 4096 of an embed


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """The current page, and the highest rating that may be shown in this place."""

    page: HistoryPage
    browsing: Browsing
    ceiling: Rating

    def hides(self, entry: HistoryEntry) -> bool:
        return entry.picture.rating > self.ceiling


async def page_message(jobs: JobService, view: PageView) -> Outgoing:
    """The page, with the files read and made small in threads."""
    entries, browsing = view.page.entries, view.browsing
    embed = discord.Embed(
        title=text("history.title_favourites" if browsing.favourites else "history.title"),
        description="\n".join(_filter(browsing) + _described(view)),
    )
    if not entries:
        return Outgoing(embeds=(embed,), view=buttons_of(view))
    notice = jobs.model.notice if jobs.model else ""
    parts = (summary(browsing, view.page.total), notice)
    embed.set_footer(text="\n".join(part for part in parts if part))
    embed.set_image(url=f"attachment://{_SHEET_NAME}")
    files = [None if view.hides(entry) else await _read(jobs, entry) for entry in entries]
    sheet = Attachment(
        name=_SHEET_NAME,
        content=await asyncio.to_thread(contact_sheet, files),
        description=text("history.alt", pictures=len(entries)),
    )
    return Outgoing(embeds=(embed,), attachments=(sheet,), view=buttons_of(view))


async def _read(jobs: JobService, entry: HistoryEntry) -> bytes | None:
    try:
        return await jobs.read_picture(entry.picture)
    except StorageError:  # one lost file must not hide the others
        return None


def _filter(browsing: Browsing) -> list[str]:
    if not browsing.words:
        return []
    return [text("history.searched", words=quoted(browsing.words, 60)), ""]


def _described(view: PageView) -> list[str]:
    entries, browsing = view.page.entries, view.browsing
    if entries:
        return [_line(view, entry, number) for number, entry in enumerate(entries, 1)]
    if browsing.words:
        return [text("history.none_found")]
    return [text("history.no_favourites" if browsing.favourites else "history.empty")]


def _line(view: PageView, entry: HistoryEntry, number: int) -> str:
    shown = (
        text("history.hidden", rating=entry.picture.rating.label)
        if view.hides(entry)
        else quoted(typed_text(entry.job.request.original), PROMPT_CHARACTERS)
    )
    return text(
        "history.line",
        number=number,
        star="❤️ " if entry.favourite else "",
        shown=shown,
        when=moment(entry.picture.made_at),
        private=text("history.private") if entry.job.private else "",
        **_facts(entry.picture),
    )


def _facts(picture: PictureRecord) -> dict[str, Any]:
    """What the texts of a line may say of a picture."""
    return {
        "width": picture.width,
        "height": picture.height,
        "seed": picture.seed,
        "rating": picture.rating.label,
        "model": picture.model_name,
        "elapsed": picture.elapsed_s,
    }


def buttons_of(view: PageView) -> discord.ui.View:
    """The menu that opens a picture, and the buttons that turn and filter the pages."""
    options = [
        option_of(number, entry.picture, entry.job)
        for number, entry in enumerate(view.page.entries, 1)
        if not view.hides(entry)
    ]
    return view_of([*opening(options), *_turning(view.browsing, view.page.total)])


def opening(options: list[discord.SelectOption]) -> list[Select]:
    """The menu that opens a picture, if there is one to open."""
    return (
        [Select(custom_id=OPEN_ID, placeholder=text("history.open"), options=options, row=0)]
        if options
        else []
    )


def option_of(number: int, picture: PictureRecord, job: JobRecord) -> discord.SelectOption:
    """The line of a menu that opens `picture`."""
    return discord.SelectOption(
        label=cut(f"{number}. {typed_text(job.request.original)}", 100),
        value=picture.id,
        description=text("history.option", **_facts(picture)),
    )


def _turning(browsing: Browsing, total: int) -> list[Button]:
    last = page_count(total) - 1
    switched = Browsing(words=browsing.words, favourites=not browsing.favourites)
    switch = "history.show_all" if browsing.favourites else "history.show_favourites"
    buttons = [
        turn("history.newer", browsing.turned(-1).custom_id("n"), row=1, usable=browsing.page > 0),
        turn(
            "history.older", browsing.turned(1).custom_id("o"), row=1, usable=browsing.page < last
        ),
        turn(switch, switched.custom_id("f"), row=1),
        turn("history.search", f"{SEARCH_ID}:{int(browsing.favourites)}", row=1),
    ]
    if browsing.words:
        everything = Browsing(favourites=browsing.favourites)
        buttons.append(turn("history.clear", everything.custom_id("x"), row=1))
    return buttons
