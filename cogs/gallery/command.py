"""`/gallery`: browse and search the server's gallery, and approve waiting entries."""

from dataclasses import replace
from typing import Final, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.gallery.browser import View
from cogs.common.actors import actor_of
from cogs.common.answers import begin, say, show
from cogs.common.choices import as_choices
from cogs.common.duty import guild_id_of
from cogs.common.extension import extension
from cogs.common.gallery_gates import gate_of, missing_in
from cogs.common.languages import answer_locale
from cogs.common.lasting import Button, Lasting
from cogs.common.places import asker_of, refuse_user_install
from cogs.drawing.options import pick
from cogs.gallery.cursor import MAX_WORDS, PERIODS, TEMPLATE, Looking, Way, words_of
from cogs.gallery.details import details_message
from cogs.gallery.page import page_message
from cogs.pictures.showing import ceiling_of
from data.gallery.search import Wanted
from data.shipped.text import speaking, text
from pipeline.errors import RefusedError
from pipeline.rating import Rating
from pipeline.tags.labels import meant

Shape = Literal["portrait", "landscape", "square"]
Period = Literal["day", "week", "month", "year"]
Ratings = Literal["safe", "sensitive", "nsfw", "explicit"]
_DAY_S: Final = 86400


class GalleryCog(
    commands.GroupCog,
    name="Gallery",
    group_name="gallery",
    group_description=text("gallery.description"),
):
    """Browsing. Only the person who asked sees the answer, unless they make it public."""

    @app_commands.command(name="top", description=text("gallery.top"))
    @app_commands.describe(period=text("gallery.option_period"), show=text("gallery.option_show"))
    async def top(
        self, interaction: Interaction, period: Period | None = None, show: bool = False
    ) -> None:
        await _open(interaction, Looking(order="top", period=period), show=show)

    @app_commands.command(name="new", description=text("gallery.new"))
    @app_commands.describe(show=text("gallery.option_show"))
    async def new(self, interaction: Interaction, show: bool = False) -> None:
        await _open(interaction, Looking(), show=show)

    @app_commands.command(name="random", description=text("gallery.random"))
    @app_commands.describe(show=text("gallery.option_show"))
    async def random(self, interaction: Interaction, show: bool = False) -> None:
        await _open(interaction, Looking(random=True), show=show)

    @app_commands.command(name="search", description=text("gallery.search"))
    @app_commands.describe(
        words=text("gallery.option_words"),
        maker=text("gallery.option_maker"),
        rating=text("gallery.option_rating"),
        shape=text("gallery.option_shape"),
        period=text("gallery.option_period"),
        top=text("gallery.option_top"),
        show=text("gallery.option_show"),
    )
    async def search(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        words: app_commands.Range[str, 1, MAX_WORDS] | None = None,
        maker: discord.User | None = None,
        rating: Ratings | None = None,
        shape: Shape | None = None,
        period: Period | None = None,
        top: bool = False,
        show: bool = False,
    ) -> None:
        looking = Looking(
            order="top" if top else "new",
            words=words_of(meant(words or "")),
            maker_id=0 if maker is None else maker.id,
            rating=pick(Rating, rating),
            shape=shape,
            period=period,
        )
        await _open(interaction, looking, show=show)

    @search.autocomplete("words")
    async def suggest(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        suggestions = interaction.client.services.suggestions
        # Clients may send the displayed name, which must fit the option as well.
        found = await suggestions.tags(typed, asker_of(interaction), limit=MAX_WORDS)
        return as_choices(found)

    @app_commands.command(name="by", description=text("gallery.of"))
    @app_commands.describe(maker=text("gallery.option_maker"), show=text("gallery.option_show"))
    async def by(self, interaction: Interaction, maker: discord.User, show: bool = False) -> None:
        await _open(interaction, Looking(maker_id=maker.id), show=show)

    @app_commands.command(name="mine", description=text("gallery.mine"))
    async def mine(self, interaction: Interaction) -> None:
        await _open(interaction, Looking(maker_id=interaction.user.id), show=False)

    @app_commands.command(name="public", description=text("gallery.public"))
    @app_commands.describe(on=text("gallery.option_on"))
    async def public(self, interaction: Interaction, on: bool) -> None:
        await begin(interaction)
        await interaction.client.services.gallery.set_maker_on_web(interaction.user.id, on=on)
        await say(interaction, text("gallery.public_on" if on else "gallery.public_off"))

    @app_commands.command(name="waiting", description=text("gallery.waiting"))
    async def waiting(self, interaction: Interaction) -> None:
        guild_id = guild_id_of(interaction)
        if not actor_of(interaction).is_moderator:
            raise RefusedError("moderators_only")
        await interaction.response.defer(ephemeral=True, thinking=True)
        view = await interaction.client.services.browser.waiting(guild_id)
        if view is None:
            await interaction.edit_original_response(content=await _nothing_waits(interaction))
            return
        await _show_waiting(interaction, view)


async def _nothing_waits(interaction: Interaction) -> str:
    """Also tells moderators why nothing is posted."""
    bot = interaction.client
    gate = await gate_of(bot, interaction.guild_id or 0)
    lines = [text("gallery.nothing_waits")]
    for channel_id in gate.ceilings:
        missing = missing_in(bot, channel_id)
        if missing:
            names = text("words.comma").join(missing)
            lines.append(text("gallery.lacks", channel=f"<#{channel_id}>", permissions=names))
    return "\n".join(lines)


async def _show_waiting(interaction: Interaction, view: View) -> None:
    """The picture with its details and buttons, as far as this place allows."""
    ceiling = await ceiling_of(interaction)
    if view.entry.rating > ceiling:
        raise RefusedError("show_above_ceiling", rating=view.entry.rating, ceiling=ceiling)
    limit = interaction.filesize_limit
    page = await page_message(interaction.client, view, Looking(), limit_bytes=limit)
    details = details_message(view.entry, view.stored, actor=actor_of(interaction))
    await interaction.edit_original_response(
        embeds=[page.embeds[0], details.embeds[0]], attachments=page.files(), view=details.view
    )


async def _open(interaction: Interaction, looking: Looking, *, show: bool) -> None:
    refuse_user_install(interaction)
    guild_id_of(interaction)
    view = await _look(interaction, looking, "random" if looking.random else "first")
    if view is None:
        raise RefusedError("gallery_nothing")
    await interaction.response.defer(ephemeral=not show, thinking=True)
    await _put(interaction, view, looking, private=not show)


async def _look(interaction: Interaction, looking: Looking, way: Way) -> View | None:
    """The entry on that side, within what this place allows now."""
    browser, ceiling = interaction.client.services.browser, await ceiling_of(interaction)
    guild_id = interaction.guild_id or 0
    if way == "random":
        return await browser.at_random(Wanted(guild_id=guild_id, ceiling=ceiling))
    days = PERIODS.get(looking.period or "")
    now = interaction.created_at.timestamp()
    wanted = Wanted(
        guild_id=guild_id,
        ceiling=ceiling,
        words=looking.words,
        shape=looking.shape,
        rating=looking.rating,
        maker_id=looking.maker_id or None,
        since=0.0 if days is None else now - days * _DAY_S,
    )
    side = "before" if way == "before" else "after"
    return await browser.look(wanted, order=looking.order, beside=looking.entry, way=side)


async def _put(interaction: Interaction, view: View, looking: Looking, *, private: bool) -> None:
    limit = interaction.filesize_limit
    with speaking(answer_locale(interaction, private=private)):
        message = await page_message(interaction.client, view, looking, limit_bytes=limit)
    await show(interaction, message)


class TurnButton(Lasting[Button], template=TEMPLATE):
    """Goes to another entry. In a public answer only for its owner; others get their own."""

    async def act(self, interaction: Interaction) -> None:
        looking, way = Looking.parse(self.match)
        private = not _is_theirs(interaction)
        if private:
            await interaction.response.defer(ephemeral=True, thinking=True)
        else:
            await interaction.response.defer()
            private = interaction.message is None or interaction.message.flags.ephemeral
        view = await _look(interaction, looking, way)
        if view is None:
            raise RefusedError("gallery_nothing")
        looking = replace(looking, random=way == "random")
        await _put(interaction, view, looking, private=private)


def _is_theirs(interaction: Interaction) -> bool:
    message = interaction.message
    if message is None or message.flags.ephemeral or message.interaction_metadata is None:
        return True
    return message.interaction_metadata.user.id == interaction.user.id


setup = extension(lambda _: GalleryCog(), TurnButton)
