"""`/history` and `/show`: a person's own pictures, and any picture shown again with new buttons."""

import re

from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from cogs.common.answers import show
from cogs.common.extension import extension
from cogs.common.forms import Form
from cogs.common.lasting import Button, Lasting, Select
from cogs.personal.history_cursor import MAX_WORDS, PAGE_SIZE, TEMPLATE, Browsing
from cogs.personal.history_page import OPEN_ID, SEARCH_ID, PageView, page_message
from cogs.pictures.own_jobs import own_jobs
from cogs.pictures.showing import ceiling_of, show_pictures, visible
from data.shipped.text import text


class History(commands.Cog):
    """Earlier pictures."""

    @app_commands.command(name="history", description=text("history.description"))
    @app_commands.describe(
        words=text("history.option_words"), favourites=text("history.option_favourites")
    )
    async def history(
        self,
        interaction: Interaction,
        words: app_commands.Range[str, 1, MAX_WORDS] | None = None,
        favourites: bool = False,
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _show_page(interaction, Browsing.of(words=words, favourites=favourites))

    @app_commands.command(name="show", description=text("show.description"))
    @app_commands.describe(id=text("show.option_id"))
    async def show(self, interaction: Interaction, id: str) -> None:  # noqa: A002 - its name
        job, pictures = await visible(interaction, id)
        await show_pictures(interaction, job, pictures, private=job.private)

    show.autocomplete("id")(own_jobs)


async def _show_page(interaction: Interaction, browsing: Browsing) -> None:
    """Put a page of the person's own pictures into the answer, which is theirs alone."""
    services = interaction.client.services
    user_id = interaction.user.id

    async def read(browsing: Browsing) -> PageView:
        page = await services.results.history(
            user_id=user_id,
            words=browsing.words,
            favourites=browsing.favourites,
            page=browsing.page,
            page_size=PAGE_SIZE,
        )
        return PageView(page=page, browsing=browsing, ceiling=await ceiling_of(interaction))

    view = await read(browsing)
    existing = browsing.within(view.page.total)
    if existing != browsing:  # pictures were deleted meanwhile
        view = await read(existing)
    message = await page_message(services.jobs, view)
    await show(interaction, message)


class PageButton(Lasting[Button], template=TEMPLATE):
    """Goes to another page or filter."""

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await _show_page(interaction, Browsing.parse(self.match))


class OpenMenu(Lasting[Select], template=re.escape(OPEN_ID)):
    """Opens the chosen picture, for this person only, like the page it is chosen from."""

    async def act(self, interaction: Interaction) -> None:
        job, pictures = await visible(interaction, self.item.values[0])
        await show_pictures(interaction, job, pictures, private=True)


class SearchButton(
    Lasting[Button],
    template=rf"{SEARCH_ID}:(?P<fav>[01])",
):
    """Asks for search words."""

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.send_modal(SearchModal(favourites=self.match["fav"] == "1"))


class SearchModal(Form):
    """Search words; the page from which it was opened shows the results."""

    def __init__(self, *, favourites: bool) -> None:
        super().__init__(text("history.search_title"))
        self._favourites = favourites
        placeholder = text("history.search_placeholder")
        self._words = self.ask(
            text("history.option_words"), "words", required=False, max_length=MAX_WORDS,
            placeholder=placeholder,
        )  # fmt: skip

    async def on_submit(self, interaction: Interaction, /) -> None:
        await interaction.response.defer()
        browsing = Browsing.of(words=self._words.value, favourites=self._favourites)
        await _show_page(interaction, browsing)


setup = extension(lambda _: History(), PageButton, OpenMenu, SearchButton)
